"""An evaluator's first hour, by the commands of docs/evaluate.md."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.systems import OURS

THINGS = ("invoice", "ladder", "ticket", "parcel", "recipe", "permit", "camera", "lantern")
PLACES = ("Rosewood", "Quillan", "Marwick", "Oberdorf", "Tessaly", "Hvalfell", "Zinnwald", "Ashgrove")
DOCS = Path(__file__).parents[2] / "docs" / "evaluate.md"


def log_of(sessions: int) -> list[dict[str, str]]:
    """Return a log in which every second session asks about the one before."""
    rows: list[dict[str, str]] = []
    for number in range(sessions):
        thing, place = THINGS[number // 2 % 8], PLACES[number // 16 % 8]
        sum_of = f"{100 + number // 2} euros"
        said = (
            (f"The {place} {thing} costs {sum_of}, remember that.", "Noted.")
            if number % 2 == 0
            else (f"What did I say about the {thing}?", f"The {place} {thing} costs {sum_of}.")
        )
        for place_in, (role, text) in enumerate(zip(("user", "assistant"), said, strict=True)):
            rows.append(
                {
                    "user": f"u{number % 64 // 32}",
                    "session": f"s{number}",
                    "id": f"s{number}t{place_in}",
                    "role": role,
                    "content": text,
                    "created_at": f"2026-{1 + number // 28:02}-{1 + number % 28:02}T09:00:00",
                }
            )
    return rows


def command(*words: str) -> str:
    """Run a command and return what it printed."""
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("evaluation_cache")
def test_from_a_log_to_a_report(tmp_path: Path) -> None:
    """200 sessions: questions, two systems, a report that compares them."""
    log, mine, runs = tmp_path / "log.jsonl", tmp_path / "mine.jsonl", tmp_path / "runs"
    log.write_text("\n".join(json.dumps(row) for row in log_of(200)))

    counts = json.loads(command("convert", str(log), "--out", str(mine), "--json"))
    command("suite", str(mine), "--systems", "satchel,bm25", "--budgets", "128,256", "--out", str(runs))
    metrics = json.loads((runs / "mine" / "satchel" / "metrics.json").read_text())

    assert counts["turns"] == 400
    assert sum(counts["questions"].values()) >= 20
    assert metrics["valid"]
    assert metrics["budgets"]["256"]["recall"] > 0.5
    assert "satchel" in (runs / "report.html").read_text()


@pytest.fixture
def evaluation_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep encodings with the test."""
    monkeypatch.setenv("SATCHEL_EVAL_CACHE", str(tmp_path / "encodings"))


def test_every_command_of_the_guide_exists() -> None:
    """And takes the options that the guide gives it."""
    shown = re.findall(r"satchel eval (\w+)((?: [^`\n#]*)?)", DOCS.read_text())
    assert len(shown) > 8
    for name, rest in shown:
        help_text = re.sub(
            r"\x1b\[[0-9;]*m", "", CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "300"}).stdout
        )
        assert "Usage" in help_text, name
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in help_text, (name, option)


def test_every_command_is_in_the_guide() -> None:
    """A command that nobody is told of is no command."""
    usage = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"}).stdout
    names = re.findall(r"^│ (\w+) ", re.sub(r"\x1b\[[0-9;]*m", "", usage), re.MULTILINE)

    assert set(names) >= {"run", "suite", "compare"}
    for name in names:
        assert f"eval {name}" in DOCS.read_text(), name


def test_every_configuration_is_in_the_guide() -> None:
    """And in the list that the command shows."""
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "500"}).stdout
    for name in OURS:
        assert f"`{name}`" in DOCS.read_text(), name
        assert name in shown, name
