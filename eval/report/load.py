"""Finished runs, read back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.run.files import METRICS, ROWS, RUN
from eval.run.rows import Row, read_rows
from eval.systems import OURS
from memory.errors import InvalidInputError

# After the peers: what is held against them, then the floors.
_BASELINES = ("rrf", "bm25", "dense", "newest", "random", "full")


@dataclass(frozen=True, slots=True)
class Run:
    """One system on one data set. label: the system, and the folder where two would be called alike."""

    folder: Path
    label: str
    system: str
    dataset: str
    metrics: dict[str, Any]
    run: dict[str, Any]
    rows: dict[tuple[str, str], Row]

    @property
    def failed(self) -> str | None:
        """Why there are no figures, if no question was answered."""
        if self.metrics["failed"] < self.metrics["n"] or not self.rows:
            return None
        return next((row.error for row in self.rows.values() if row.error), "failed")


def load_runs(folders: Sequence[Path]) -> list[Run]:
    """Return the runs of these folders, by data set, systems in a fixed order.

    Raises `InvalidInputError` where a folder holds no finished run, or one data set's runs were made on
    different files or questions: their figures can't stand in one table.
    """
    runs = [_load(folder) for folder in folders]
    for run in runs:
        first = next(other for other in runs if other.dataset == run.dataset)
        if first.run["dataset"] != run.run["dataset"]:
            raise InvalidInputError(
                f"{first.folder} and {run.folder} were made on different questions of {run.dataset!r}"
            )
    return sorted(_labelled(runs), key=lambda run: (run.dataset, _place(run.system), run.label))


def datasets(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return runs by data set."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.dataset, []).append(run)
    return found


def _load(folder: Path) -> Run:
    try:
        metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{folder} holds no finished run ({error.strerror})") from error
    rows = {row.key: row for row in read_rows(folder / ROWS)}
    system = metrics["system"]
    # Other gold, so another data set: its figures never stand beside the usual ones.
    dataset = metrics["dataset"] + (" (traps as evidence)" if run["identity"]["trap_as_gold"] else "")
    return Run(folder, system, system, dataset, metrics, run, rows)


def _labelled(runs: Sequence[Run]) -> list[Run]:
    names = [(run.dataset, run.system) for run in runs]
    return [
        run
        if names.count((run.dataset, run.system)) == 1
        else Run(
            run.folder,
            f"{run.system} ({run.folder.name})",
            run.system,
            run.dataset,
            run.metrics,
            run.run,
            run.rows,
        )
        for run in runs
    ]


def _place(system: str) -> tuple[int, int]:
    """Satchel first, in each configuration; peers stand between ours and the baselines."""
    for group, names in ((0, OURS), (2, _BASELINES)):
        if system in names:
            return group, names.index(system)
    return 1, 0
