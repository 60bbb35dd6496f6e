"""Recall and calibration hold on a fixed benchmark, with the real encoder and the shipped model."""

import json
from pathlib import Path

from eval.gate import measured, problems

FOLDER = Path(__file__).parent


def test_nothing_got_worse(tmp_path: Path) -> None:
    """Beyond the interval of the committed figures; `satchel eval gate --write` commits to new ones."""
    assert problems(measured(FOLDER / "gate.jsonl", tmp_path), FOLDER / "figures.json") == []


def test_a_drop_is_told(tmp_path: Path) -> None:
    """Lower recall and a higher Brier score are named, with what they were."""
    committed = {"recall": 0.9, "recall_least": 0.8, "brier": 0.1, "brier_95": [0.05, 0.15]}
    path = tmp_path / "figures.json"
    path.write_text(json.dumps({"figures": {"256": committed}}))

    assert problems({"256": {"recall": 0.8, "brier": 0.15}}, path) == []
    assert [text.split(":")[0] for text in problems({"256": {"recall": 0.7, "brier": 0.2}}, path)] == [
        "recall at 256",
        "Brier score at 256",
    ]
