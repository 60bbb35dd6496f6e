"""The regression gate: a small fixed benchmark that must not get worse than its interval allows."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.metrics.brier import brier
from eval.metrics.recall import recall
from eval.run.environment import environment
from eval.run.files import ROWS, write_json
from eval.run.quality import sufficient
from eval.run.rows import Row, read_rows
from eval.run.runner import load, run
from eval.run.settings import RunSettings
from eval.stats.bootstrap import interval
from memory.errors import InvalidInputError

# The conversations are short: larger budgets would hold all of them.
BUDGETS = (128, 256, 512)


class _Silent:
    def remembering(self, conversation: str, done: int, units: int) -> None:
        """Ignore it."""

    def answered(self, row: Row) -> None:
        """Ignore it."""


def measured(data: Path, cache: Path) -> dict[str, Any]:
    """Return recall and the Brier score of `sufficient` by budget, each with its interval over questions."""
    with tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(data, Path(folder) / "run", "satchel", BUDGETS, cache=cache)
        metrics = run(settings, _Silent(), load(settings))
        rows = read_rows(settings.out / ROWS)
    if not metrics["valid"]:
        raise InvalidInputError("the gate's run is not valid: a budget was exceeded or a question failed")
    return {str(budget): _figures(rows, str(budget)) for budget in BUDGETS}


def write(data: Path, figures: Path, cache: Path) -> None:
    """Measure, and commit to what was measured."""
    made = environment()
    kept = {name: made[name] for name in ("commit", "python", "packages", "machine")}
    write_json(figures, {"made_with": kept, "figures": measured(data, cache)})


def problems(found: dict[str, Any], figures: Path) -> list[str]:
    """Return what got worse beyond its committed interval, in words; nothing if all is well."""
    told = []
    for budget, before in json.loads(figures.read_text(encoding="utf-8"))["figures"].items():
        now = found[budget]
        if now["recall"] < before["recall_least"]:
            least = before["recall_least"]
            told.append(f"recall at {budget}: {now['recall']}, was {before['recall']}, at least {least}")
        if now["brier"] > before["brier_95"][1]:
            told.append(
                f"Brier score at {budget}: {now['brier']}, was {before['brier']} {before['brier_95']}"
            )
    return told


def _figures(rows: Sequence[Row], budget: str) -> dict[str, Any]:
    found = [(row, row.contexts[budget]) for row in rows]
    recalls = [recall(shot.hits) for row, shot in found if row.answerable]
    said = [(shot.quality.sufficient, sufficient(row, shot)) for row, shot in found if shot.quality]
    errors = [(p - y) ** 2 for p, y in said]
    return {
        "recall": round(sum(recalls) / len(recalls), 4),
        "recall_95": _interval(recalls),
        # A perfect score has no spread to draw from: one question is always forgiven.
        "recall_least": round(min(_interval(recalls)[0], (sum(recalls) - 1) / len(recalls)), 4),
        "brier": round(brier([p for p, _ in said], [y for _, y in said]), 4),
        "brier_95": _interval(errors),
    }


def _interval(values: Sequence[float]) -> list[float]:
    # Three conversations are too few to draw from: here questions are drawn.
    found = interval({str(place): [value] for place, value in enumerate(values)})
    return [round(bound, 4) for bound in found or (0.0, 1.0)]
