"""What a run is asked to do, and what a second run must share to go on with it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval.cache import default_folder
from eval.run.ask import Plan

BUDGETS = (256, 512, 1024, 2048, 4096, 8192)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One system on one file. limit: at most this many questions, drawn by `seed`; None = all.

    options: the system's own, as name=value. encoder: `onnx` or a sentence-transformers model.
    """

    data: Path
    out: Path
    system: str = "satchel"
    budgets: tuple[int, ...] = BUDGETS
    limit: int | None = None
    workers: int = 1
    seed: int = 0
    encoder: str = "onnx"
    options: dict[str, str] = field(default_factory=dict)
    trap_as_gold: bool = False
    threads: int = 0
    cache: Path = field(default_factory=default_folder)

    def plan(self) -> Plan:
        """Return the budgets in the order of asking: the headline first, where latency is taken."""
        first = 1024 if 1024 in self.budgets else self.budgets[0]  # noqa: PLR2004 - the headline
        return Plan((first, *(budget for budget in self.budgets if budget != first)))

    def identity(self) -> dict[str, Any]:
        """Return what makes the figures: a run resumes only one that shares all of it."""
        shown = asdict(self)
        for name in ("data", "out", "workers", "cache", "threads"):
            del shown[name]
        return {**shown, "budgets": list(self.budgets)}
