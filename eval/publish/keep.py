"""A finished run, small enough to commit: figures, settings, and each question's hits."""

import json
import shlex
from pathlib import Path
from typing import Any

from eval.report.load import Run, load_runs
from eval.run.files import METRICS, ROWS, RUN, write_json
from eval.run.rows import write_rows
from eval.run.settings import BUDGETS


def keep(folder: Path, results: Path) -> Path:
    """Copy a run to `results`/DATASET/SYSTEM and return where.

    Rows keep what recall, completeness, calibration and latency are made of; what was packed and ranked
    stays out for its size, and text was never in them. Paths of this machine stay out too.
    """
    (run,) = load_runs([folder])
    kept = results / str(run.metrics["dataset"]) / _name(run)
    kept.mkdir(parents=True, exist_ok=True)
    described = {**run.run, "command": command(run.run), "data": run.run["dataset"]["file"]}
    write_json(kept / METRICS, run.metrics)
    write_json(kept / RUN, described)
    bare = {"items": ()}
    write_rows(
        kept / f"{ROWS}.gz",
        (
            row.model_copy(
                update={
                    "ranking": (),
                    "light": {},
                    "contexts": {label: shot.model_copy(update=bare) for label, shot in row.contexts.items()},
                }
            )
            for row in run.rows.values()
        ),
    )
    return kept


def command(run: dict[str, Any]) -> str:
    """Return the command that makes this run again."""
    identity = run["identity"]
    words = ["satchel", "eval", "run", run["dataset"]["file"], "--system", run["system"]]
    if identity["budgets"] != list(BUDGETS):
        words += ["--budgets", ",".join(str(budget) for budget in identity["budgets"])]
    for name in ("limit", "seed"):
        if identity[name]:
            words += [f"--{name}", str(identity[name])]
    for name, value in identity["options"].items():
        words += ["--option", f"{name}={value}"]
    if identity["trap_as_gold"]:
        words.append("--trap-as-gold")
    return shlex.join([*words, "--out", f"runs/{run['dataset']['name']}/{run['system']}"])


def kept_runs(results: Path) -> list[Run]:
    """Return every kept run."""
    folders = sorted(path.parent for path in results.glob(f"*/*/{METRICS}"))
    return load_runs(folders) if folders else []


def kept_json(results: Path, name: str) -> Any:
    """Return another kept file's content, None if there is none."""
    path = results / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _name(run: Run) -> str:
    """Return the system, told apart where traps counted as evidence."""
    return f"{run.system}-traps" if run.run["identity"]["trap_as_gold"] else run.system
