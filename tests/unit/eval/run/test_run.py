"""A run, from a file to figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eval import systems
from eval.cli import app
from eval.run import runner
from eval.run.payload import Payload
from eval.run.rows import Row, read_rows
from eval.run.runner import load, run
from eval.run.selection import selected
from eval.run.settings import RunSettings
from eval.systems.port import Delivered, Item, Means, SystemFailedError
from memory.encoders import Encoder
from memory.errors import ConflictError
from tests.unit.eval.fakes import HashEncoder
from tests.unit.eval.samples import CONVERSATION, write_sample


class Silent:
    """Watches without a word."""

    def remembering(self, conversation: str, done: int, units: int) -> None:
        """Ignore it."""

    def answered(self, row: Row) -> None:
        """Ignore it."""


@pytest.fixture(autouse=True)
def fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs use words instead of a model."""

    def made(name: str, *, threads: int = 0) -> Encoder:
        del name, threads
        return HashEncoder()

    monkeypatch.setattr(runner, "lazy_encoder", made)


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    """Return a run of BM25 on the sample, twice."""
    return RunSettings(
        data=write_sample(tmp_path / "sample.jsonl", 2),
        out=tmp_path / "out",
        system="bm25",
        budgets=(60, 1024),
        cache=tmp_path / "cache",
    )


def start(settings: RunSettings) -> dict[str, Any]:
    """Run and return the metrics."""
    return run(settings, Silent(), load(settings))


def test_the_three_files(settings: RunSettings) -> None:
    """Figures, a row a question in the data set's order, and what it was made with."""
    metrics = start(settings)
    rows = read_rows(settings.out / "rows.jsonl")
    described = json.loads((settings.out / "run.json").read_text())

    assert json.loads((settings.out / "metrics.json").read_text()) == metrics
    assert [row.query for row in rows] == ["posters", "hens", "both", "nothing"] * 2
    assert metrics["budgets"]["1024"]["recall"] == 1.0
    assert metrics["budgets"]["1024"]["over_budget"] == 0
    assert metrics["valid"]
    assert (metrics["n"], metrics["answerable"]) == (8, 6)
    assert metrics["pool"] == {"min": 4, "median": 6, "max": 6}
    assert described["dataset"]["queries"] == 8
    assert described["machine"]["cores"]


def test_a_query_sees_only_its_pool(settings: RunSettings) -> None:
    """A question with `pool_end` 4 gets nothing that came later."""
    start(settings)
    row = next(row for row in read_rows(settings.out / "rows.jsonl") if row.query == "hens")

    assert {item[0] for item in row.contexts["1024"].items} == {"s1:0", "s1:1", "s2:2", "s2:3"}
    assert (row.pool, row.ages) == (4, (1,))


def test_k_beyond_the_pool_is_refused(settings: RunSettings) -> None:
    """Recall@5 of a pool of 4 would be 1 by definition."""
    metrics = start(settings)

    assert metrics["k"]["5"] == {"recall": 1.0, "ndcg": pytest.approx(0.9, abs=0.11), "n": 4, "refused": 2}
    assert metrics["k"]["10"]["recall"] is None


def test_equal_runs_give_equal_rows(settings: RunSettings, tmp_path: Path) -> None:
    """Only times differ, also with two processes."""
    first = start(settings)
    second = start(RunSettings(**{**vars_of(settings), "out": tmp_path / "again"}))

    assert without_times(first) == without_times(second)
    assert untimed(settings.out) == untimed(tmp_path / "again")


def test_an_interrupted_run_goes_on(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was answered isn't asked again, and a torn line is dropped."""
    whole = start(settings)
    path = settings.out / "rows.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])
    asked: list[str] = []
    work = runner.work

    def watched(*arguments: Any) -> Iterator[Row]:
        for row in work(*arguments):
            asked.append(row.query)
            yield row

    monkeypatch.setattr(runner, "work", watched)
    resumed = start(settings)

    assert sorted(asked) == sorted(["nothing", "posters", "hens", "both", "nothing"])
    assert without_times(resumed) == without_times(whole)
    assert json.loads((settings.out / "run.json").read_text())["resumed_rows"] == 3


def test_another_run_is_not_mixed_in(settings: RunSettings) -> None:
    """Other budgets in the same folder are refused, with the remedy."""
    start(settings)

    with pytest.raises(ConflictError, match="--fresh"):
        start(RunSettings(**{**vars_of(settings), "budgets": (60,)}))


class Failing:
    """Fails for one question, cheats on another."""

    name = "failing"
    budgeted = True
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __init__(self, means: Means) -> None:
        """Need nothing."""

    def start(self, conversation: str) -> None:
        """Begin."""

    def remember(self, units: object) -> None:
        """Forget at once."""

    def context(self, query: Any, max_tokens: int) -> Delivered:
        """Fail, cheat, or give too much."""
        if query.id == "hens":
            raise SystemFailedError("out of memory")
        if query.id == "both":
            return Delivered("", (Item("s1:0"), Item("s3:5")))
        return Delivered("The budget for posters is 900 euros. " * max_tokens, (Item("s3:4"),))

    def own_context(self, query: Any) -> None:
        """Have none."""

    def ranking(self, query: Any, k: int) -> list[str]:
        """Know nothing."""
        del query, k
        return []

    def close(self) -> None:
        """Hold nothing."""


def test_failures_cheats_and_excess_are_told(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is no zero, a claim without the words earns nothing, over budget makes a run invalid."""
    monkeypatch.setattr(runner, "make", lambda _, means: Failing(means))
    monkeypatch.setattr(systems, "make", lambda _, means: Failing(means))
    metrics = start(settings)

    assert metrics["failed"] == 2
    assert metrics["unverified"] == 8
    assert metrics["budgets"]["60"]["over_budget"] == 4
    assert metrics["budgets"]["60"]["recall"] == 0.5
    assert not metrics["valid"]


def test_limit_draws_by_seed() -> None:
    """Equal seeds draw equally; the limit holds over all conversations."""
    many = [CONVERSATION] * 5
    first, again, other = (selected(many, 6, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert sum(len(conversation.queries) for conversation in first) == 6
    assert selected(many, None, 1) == many


def test_words_are_found_however_they_are_quoted() -> None:
    """JSON escapes and line breaks don't hide a turn."""
    payload = Payload('user: "a \\"b\\"\\n c \\u003csystem>"')

    assert payload.holds(['a "b"\n c <system>'])
    assert not payload.holds(["a b"])


def test_command_line(settings: RunSettings) -> None:
    """The command prints metrics for a script and names what is wrong."""
    arguments = ["run", str(settings.data), "--system", "newest", "--out", str(settings.out), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--cache", str(settings.cache), "--budgets", "60,90"])
    wrong = CliRunner().invoke(app, ["run", "nowhere.jsonl", "--out", str(settings.out)])

    assert done.exit_code == 0
    assert list(json.loads(done.stdout)["budgets"]) == ["60", "90"]
    assert wrong.exit_code == 2
    assert "nowhere.jsonl" in wrong.stderr


def vars_of(settings: RunSettings) -> dict[str, Any]:
    """Return the fields of settings."""
    return {name: getattr(settings, name) for name in RunSettings.__dataclass_fields__}


def without_times(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return what must not change between runs."""
    return {name: value for name, value in metrics.items() if name != "latency_ms"}


def untimed(folder: Path) -> list[Row]:
    """Return rows without their times."""
    return [row.model_copy(update={"ms": 0, "encoder_ms": 0}) for row in read_rows(folder / "rows.jsonl")]
