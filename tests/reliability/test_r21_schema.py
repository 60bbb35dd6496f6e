"""R21: whatever fits the schema, or just doesn't, is answered as the schema says, and never by a crash."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability.conftest import Reached
from tests.serving import Server, Start, new_key

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


# They take nothing, a flag or a number of days: there are no 500 different requests.
HARDLY_ANY = {
    "GET /healthz",
    "GET /readyz",
    "GET /v1/purges/keys",
    "GET /v1/holds",
    "GET /v1/retention",
    "GET /v1/analytics/intents",
    "GET /v1/analytics/quality",
}
# Where nothing is to be found: what reviews are of, no generated text has.
EMPTY = "/v1/reviews"


def attack(server: Server, folder: Path, cases: int, timeout: int, *more: str) -> str:
    """Run schemathesis over the schema; return what it prints, having found nothing."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("-n", str(cases), "--checks", CHECKS, "--seed", "21", *more),
            *("-H", f"Authorization: Bearer {new_key(server.data)}", "--no-color", "--continue-on-failure"),
            *("--suppress-health-check", "all", "--generation-database", "none"),
            *("--report", "ndjson", "--report-ndjson-path", str(folder / "cases.ndjson")),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def each(server: Server, folder: Path, cases: int, timeout: int, *more: str) -> dict[str, int]:
    """Attack every operation, right and wrong; return how many cases it got."""
    attack(server, folder, cases, timeout, "--phases", "examples,coverage,fuzzing", "--mode", "all", *more)
    sent: Counter[str] = Counter()
    for line in (folder / "cases.ndjson").read_text().splitlines():
        event = json.loads(line).get("ScenarioFinished", {})
        sent[event.get("recorder", {}).get("label", "")] += len(
            event.get("recorder", {}).get("interactions", {})
        )
    return {label: count for label, count in sent.items() if count}


def linked(server: Server, folder: Path, cases: int, timeout: int) -> tuple[str, int]:
    """Follow links from operation to operation; return how many cases were sent and links followed.

    With right data only: of wrong data hardly anything comes to be that a link could lead to.
    """
    printed = attack(
        *(server, folder, cases, timeout, "--phases", "stateful", "--mode", "positive"),
        *("--exclude-path-regex", EMPTY),
    )
    found = re.search(r"API Links:\s+(\d+) covered", printed)
    assert found, printed[-2000:]
    return generated(printed), int(found[1])


def generated(printed: str) -> str:
    """Return how many cases it sent, from its summary."""
    found = re.search(r"([\d,]+) generated", printed)
    assert found, printed[-2000:]
    return found[1]


def told(sent: dict[str, int], links: tuple[str, int]) -> str:
    """Return the figure."""
    few = min(sent, key=lambda label: sent[label])
    return (
        f"{sum(sent.values()):,} cases of {len(sent)} operations, {sent[few]} at least ({few}), and "
        f"{links[0]} over {links[1]} links: 0 server errors, 0 answers beside the schema"
    )


def test_a_few_cases_of_each_operation(start: Start, tmp_path: Path, reached: Reached) -> None:
    """The examples, the edges of each field, some chance, right and wrong, and some links."""
    server = start()
    sent = each(server, tmp_path, 2, timeout=240)
    reached(told(sent, linked(server, tmp_path, 10, timeout=240)))


@pytest.mark.drill
def test_five_hundred_cases_of_each_operation(start: Start, tmp_path: Path, reached: Reached) -> None:
    """All phases. What takes no input, or a flag, has fewer cases than that: all there are."""
    server = start()
    sent = each(server, tmp_path, 500, timeout=3 * 3600)
    links = linked(server, tmp_path, 300, timeout=3600)
    # Beside others, an erasure is sent the few names that those made, again and again.
    alone = start(tmp_path / "alone")
    for name in [name for name, count in sent.items() if count < 500 and name not in HARDLY_ANY]:
        sent |= each(alone, tmp_path, 500, 3600, "--include-name", name)
    reached(told(sent, links))
    few = {label: count for label, count in sent.items() if count < 500 and label not in HARDLY_ANY}
    assert not few
    assert links[1] >= 10


def test_bytes_that_are_no_text(start: Start) -> None:
    """Broken UTF-8, NUL and lone surrogates, in bodies and in paths: the caller's fault, said so."""
    server = start()
    client = server.client(new_key(server.data))
    bodies = [
        b'{"user_id": "\xff"}',
        b'{"user_id": "a\\u0000"}',
        b'{"user_id": "\\ud800"}',
        b"\x00",
        b"\xfe\xff",
    ]
    for body in bodies:
        for path in ("/v1/context", "/v1/search", "/v1/sessions/s1/turns", "/v1/sessions/s1/events"):
            answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert 400 <= client.post("/v1/import", content=body).status_code < 500
    for name in ("%00", "%ff", "%ed%a0%80", "a%0ab"):
        for path in (f"/v1/sessions/{name}", f"/v1/users/{name}/export", f"/v1/purges/{name}"):
            assert 400 <= client.get(path).status_code < 500, path
        assert 400 <= client.get(f"/v1/sessions?user_id={name}").status_code < 500, name
        turn = {"user_id": "ada", "turns": [{"role": "user", "content": "hello"}]}
        assert 400 <= client.post(f"/v1/sessions/{name}/turns", json=turn).status_code < 500, name


def test_numbers_that_no_database_takes(start: Start) -> None:
    """Larger than 64 bits, in paths and in cursors: the caller's fault, too."""
    server = start()
    client = server.client(new_key(server.data))
    for number in (2**63, 10**30, -(2**64)):
        assert client.get(f"/v1/reviews/{number}").status_code == 422
        decided = client.post(f"/v1/reviews/{number}/decision", json={"decision": "agree"})
        assert decided.status_code == 422
        for path in ("/v1/reviews?", "/v1/sessions?user_id=ada&", "/v1/sessions/s1/turns?"):
            assert 400 <= client.get(f"{path}cursor={number}").status_code < 500, path
