.PHONY: run test lint scan audit check browser fmt drill prove clean

PYTHON ?= python3
BIN := .venv/bin

run: .venv/serving ## install what serving needs and start on loopback
	$(BIN)/satchel serve

test: lint check ## everything that CI checks

lint: .venv/testing scan ## style, types, import layers, secrets
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

scan: .venv/testing ## no tracked file holds a secret
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

audit: .venv/testing ## known vulnerabilities of what is pinned; asks an advisory service on the network
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r constraints.txt

check: .venv/testing browser ## the fast test suite
	$(BIN)/pytest -n 2

browser: ## a Chromium for the tests of pages, from Debian where there is none; else they are skipped
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	|| { apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; }

drill: .venv/testing ## the long drills; keeps what they reach, for docs/reliability.md
	nice -n 19 $(BIN)/pytest -m drill --reached benchmarks/reliability; code=$$?; $(BIN)/python -m tests.reliability.table; exit $$code

prove: .venv/testing ## break each property on purpose and see its test fail
	nice -n 19 $(BIN)/python -m tests.reliability.prove; code=$$?; $(BIN)/python -m tests.reliability.table; exit $$code

fmt: .venv/testing ## format, and fix what can be fixed
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## remove what the targets above installed
	rm -rf .venv

.venv/bin/pip:
	$(PYTHON) -m venv .venv && $(BIN)/pip install -q --upgrade 'pip>=25.1'

.venv/serving: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install -q -c constraints.txt -e . && touch $@

.venv/testing: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install -q -c constraints.txt -e '.[cluster,eval,models]' --group dev && touch $@ .venv/serving
