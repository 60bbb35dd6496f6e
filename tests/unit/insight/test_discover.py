"""Discovery on a handful of sessions; labels and decisions as examples."""

import json
from pathlib import Path

import pytest

from eval.intents.cli import confusion, labelled
from eval.intents.decisions import risks
from eval.intents.discover import Session, discover, write
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder
from memory.errors import InvalidInputError
from memory.intent import IntentTagger
from memory.intent.taxonomy import taxonomy

TRIPS = [f"plan a trip to {place} for four days" for place in ("Lisbon", "Kyoto", "Oslo", "Rome")]
BUGS = [f"my {name} code crashes with an error, fix it" for name in ("python", "rust", "java", "go")]


def test_kinds_are_found_masked_and_written(tmp_path: Path, encoder: OnnxEncoder) -> None:
    """Two kinds of sessions are two clusters; the page and the file show no address."""
    texts = [*TRIPS, *BUGS]
    sessions = [Session(str(place), (f"{text}, mail a@b.example",)) for place, text in enumerate(texts)]

    found = discover(sessions, VectorCache(encoder, tmp_path / "c"), IntentTagger(), clusters=2)
    write(found, tmp_path / "out")

    assert sorted(cluster.size for cluster in found.clusters) == [4, 4]
    assert found.stability > 0.8
    page = (tmp_path / "out" / "index.html").read_text()
    assert "a@b.example" not in page
    rows = [json.loads(line) for line in (tmp_path / "out" / "label.jsonl").read_text().splitlines()]
    assert all(row["label"] is None for row in rows)
    assert {row["guess"] for row in rows} <= {*taxonomy().names, None}
    assert {row["messages"][0]["content"] for row in rows} == {f"{text}, mail [email]" for text in texts}


def test_sessions_that_begin_alike_are_shown_once(encoder: OnnxEncoder) -> None:
    """Branches of one chat don't crowd out others; the cluster still counts them."""
    texts = [*TRIPS, *BUGS, *[TRIPS[0]] * 6]
    sessions = [Session(str(place), (text,)) for place, text in enumerate(texts)]

    found = discover(sessions, VectorCache(encoder, None), IntentTagger(), clusters=2)

    trips = max(found.clusters, key=lambda cluster: cluster.size)
    assert trips.size == 10
    assert sorted(session.turns[0] for session, _ in trips.samples) == sorted(TRIPS)


def test_labels_are_read_back(tmp_path: Path) -> None:
    """Filled-in rows become examples, empty ones don't, unknown labels are named."""
    path = tmp_path / "l.jsonl"
    path.write_text('{"text": "plan a trip", "label": "planning"}\n{"text": "x", "label": null}\n')
    assert [example.label for example in labelled(path)] == ["planning"]
    assert confusion(labelled(path), tmp_path / "c").keys() == {"planning"}

    path.write_text('{"text": "x", "label": "leisure"}\n')
    with pytest.raises(InvalidInputError, match="leisure"):
        labelled(path)


def test_decisions_say_what_they_say() -> None:
    """Agreeing confirms, disagreeing denies, relabelling moves; the rest stays unknown."""
    assert risks("abuse", "agree", None)["abuse"] is True
    assert risks("abuse", "disagree", None)["abuse"] is False
    moved = risks("abuse", "relabel", "crisis")
    assert (moved["abuse"], moved["crisis"], moved["delusion"]) == (False, True, None)
    assert set(risks("abuse", "relabel", "none").values()) == {False}
