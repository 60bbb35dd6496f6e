"""Labels kept by hash find their messages again, and nothing else."""

import gzip
import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from eval.intents import examples
from eval.intents.examples import labelled_asides
from memory.intent.taxonomy import taxonomy


def test_messages_outside_of_projects_are_found_by_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session's first message stands for its first turns, a later one for itself; the rest is left."""
    said = ["name my cat", "shorter ones", "more", "in a table, please", "thanks a lot"]
    keys = {said[0]: "brainstorming\t", said[3]: "editing\tbrainstorming"}
    rows = [f"{hashlib.sha256(text.encode()).hexdigest()[:16]}\t{names}" for text, names in keys.items()]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "aside_labels.tsv").write_text("\n".join(["# key; label", *rows]) + "\n")
    monkeypatch.setattr(examples, "files", lambda _: tmp_path)
    spoken = [(role, text) for text in said for role in ("User", "Assistant")]
    units = [
        {"id": f"u{place}", "session": "s", "ts": None, "role": role, "text": text}
        for place, (role, text) in enumerate(spoken)
    ]
    (tmp_path / "evidence").mkdir()
    with gzip.open(tmp_path / "evidence" / "realmem_dev.jsonl.gz", "wt") as file:
        row = {"dataset": "d", "conversation": "c", "units": units, "queries": []}
        file.write(json.dumps(row) + "\n")

    first, later = labelled_asides(tmp_path)

    assert (first.turns, first.label, first.alt) == (tuple(said[:3]), "brainstorming", ())
    assert (later.turns, later.label, later.alt) == ((said[3],), "editing", ("brainstorming",))


@pytest.mark.parametrize("name", ["chat_labels.tsv", "aside_labels.tsv"])
def test_kept_labels_are_hashes_and_labels(name: str) -> None:
    """No text of others: 16 hex digits, a label, and at most another one."""
    known = {*taxonomy().names, ""}
    rows = (files("eval.intents") / "data" / name).read_text("utf-8").splitlines()[1:]

    for key, label, other in (row.split("\t") for row in rows):
        assert len(key) == 16
        assert int(key, 16) >= 0
        assert label in known - {""}
        assert other in known - {label}
    assert len({row[:16] for row in rows}) == len(rows)
