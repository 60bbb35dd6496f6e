"""Committed results and the page that is made of them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.publish.keep import keep, kept_runs
from eval.publish.page import page
from eval.run import runner
from eval.run.files import write_json
from eval.run.runner import load, run
from eval.run.settings import RunSettings
from memory.encoders import Encoder
from tests.unit.eval.fakes import HashEncoder
from tests.unit.eval.run.test_run import Silent
from tests.unit.eval.samples import write_sample


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return kept runs of two systems."""

    def made(name: str, *, threads: int = 0) -> Encoder:
        del name, threads
        return HashEncoder()

    monkeypatch.setattr(runner, "lazy_encoder", made)
    data = write_sample(tmp_path / "sample.jsonl", 3)
    for system in ("bm25", "newest"):
        settings = RunSettings(data, tmp_path / "runs" / system, system, (70, 110), cache=tmp_path / "cache")
        run(settings, Silent(), load(settings))
        keep(settings.out, tmp_path / "results")
    return tmp_path / "results"


def test_kept_rows_have_hits_and_no_paths(results: Path, tmp_path: Path) -> None:
    """Enough to compare, and nothing of the machine they were made on."""
    bm25, newest = kept_runs(results)

    assert len(bm25.rows) == len(newest.rows) == 12
    assert next(iter(bm25.rows.values())).contexts["70"].hits == (True,)
    assert str(tmp_path) not in (results / "sample" / "bm25" / "run.json").read_text()
    assert bm25.run["command"] == (
        "satchel eval run sample.jsonl --system bm25 --budgets 70,110 --out runs/sample/bm25"
    )


def test_the_page_says_what_the_results_say(results: Path) -> None:
    """Every system, the lead with its p-values, the commands, and what deletion left."""
    write_json(
        results / "residue.json",
        [
            {
                "system": "x",
                "error": None,
                "before": {"utf-8": 64, "float32 le": 64},
                "after": {"utf-8": 32},
                "files": ["d/h.db"],
            }
        ],
    )
    text = page(results, "bm25")

    assert "| bm25 | ." in text
    assert "| 70 | newest |" in text
    assert "satchel eval run sample.jsonl --system newest" in text
    assert "| x | 64 (float32 le), 64 (utf-8) | 32 (utf-8) | `h.db` |" in text


def test_check_fails_on_a_stale_page(results: Path, tmp_path: Path) -> None:
    """Written, it passes; changed by hand, it fails."""
    out = tmp_path / "benchmarks.md"
    arguments = ["publish", "--results", str(results), "--out", str(out)]

    assert CliRunner().invoke(app, [*arguments, "--check"]).exit_code == 1
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--check"]).exit_code == 0
    out.write_text(out.read_text().replace("bm25", "ours"))
    assert CliRunner().invoke(app, [*arguments, "--check"]).exit_code == 1
