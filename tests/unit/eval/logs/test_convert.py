"""Own logs as evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.datasets import read
from eval.logs.convert import convert
from memory.errors import InvalidInputError

LOG: list[dict[str, Any]] = [
    {
        "user": "u1",
        "session": "a",
        "id": "a0",
        "role": "user",
        "content": "The Rosewood invoice is 412 euros.",
    },
    {"user": "u1", "session": "a", "id": "a1", "role": "assistant", "content": "Noted."},
    {
        "user": "u1",
        "session": "a",
        "id": "a2",
        "role": "user",
        "content": "Marta Quill signs for the bakery.",
    },
    {"user": "u1", "session": "b", "id": "b0", "role": "user", "content": "What do we still owe?"},
    {
        "user": "u1",
        "session": "b",
        "id": "b1",
        "role": "assistant",
        "content": "The Rosewood invoice, 412 euros.",
    },
    {"user": "u1", "session": "b", "id": "b2", "role": "user", "content": "And who signs?"},
    {
        "user": "u1",
        "session": "b",
        "id": "b3",
        "role": "assistant",
        "content": "Marta Quill, for the bakery.",
    },
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a log."""
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def gold(tmp_path: Path, *events: dict[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """Return kind and evidence of each question of the log with these events."""
    convert(written(tmp_path / "log.jsonl", [*LOG, *events]), tmp_path / "out.jsonl", "mine")
    return {q.id: (q.type, set(q.gold)) for q in read(tmp_path / "out.jsonl")[0].queries}


def test_words_of_the_answer_lead_to_its_source(tmp_path: Path) -> None:
    """Questions of the first session have none; the pool ends before the question's session."""
    assert gold(tmp_path) == {"b0": ("words", {"a0"}), "b2": ("words", {"a2"})}
    assert {q.pool_end for q in read(tmp_path / "out.jsonl")[0].queries} == {3}


def test_a_bad_outcome_takes_the_label_away(tmp_path: Path) -> None:
    """What was retried may have been answered from the wrong place; a thumb up is noted."""
    found = gold(
        tmp_path,
        {"user": "u1", "session": "b", "event": "retry", "turn": "b1"},
        {"user": "u1", "session": "b", "event": "thumbs_up"},
    )

    assert found == {"b2": ("thumbs_up", {"a2"})}


def test_named_evidence_counts_as_it_is(tmp_path: Path) -> None:
    """Also after a bad outcome, and only if it is an earlier turn."""
    event = {"user_id": "u1", "session_id": "b", "type": "thumbs_down", "turn_id": "b1"}

    assert gold(tmp_path, {**event, "evidence": ["a1", "b2"]})["b0"] == ("named", {"a1"})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"role": "user", "content": "x"}], "no session"),
        ([{"session": "a", "role": "user"}], "line 1: a turn needs"),
        (LOG[:3], "no answer draws"),
        ([], "no turns"),
    ],
)
def test_wrong_logs_are_told(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    """The line and the reason."""
    with pytest.raises(InvalidInputError, match=message):
        convert(written(tmp_path / "log.jsonl", rows), tmp_path / "out.jsonl", "mine")


def test_command(tmp_path: Path) -> None:
    """Counts by kind of label."""
    log = written(tmp_path / "log.jsonl", LOG)
    done = CliRunner().invoke(app, ["convert", str(log), "--out", str(tmp_path / "o.jsonl"), "--json"])

    assert json.loads(done.stdout) == {"users": 1, "turns": 7, "questions": {"words": 2}}
