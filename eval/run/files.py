"""The three files of a run: `rows.jsonl`, `run.json`, `metrics.json`."""

import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from eval.run.environment import environment
from eval.run.rows import Row, read_rows, write_rows
from eval.run.settings import RunSettings
from memory.errors import ConflictError

ROWS = "rows.jsonl"
RUN = "run.json"
METRICS = "metrics.json"


class RunFolder:
    """Where a run is kept; one that was interrupted goes on where it stopped."""

    def __init__(self, settings: RunSettings, described: dict[str, Any]) -> None:
        """Open the folder; raise `ConflictError` if it holds a run of other settings or other code.

        described: the data set and the system, for `run.json`.
        """
        self.path = settings.out
        self._settings = settings
        self._run = {**described, "identity": settings.identity(), **environment()}
        self._file: TextIO | None = None
        self.path.mkdir(parents=True, exist_ok=True)
        self._check()
        self.rows = [row for row in read_rows(self.path / ROWS) if row.error is None]

    def begin(self) -> None:
        """Write `run.json` and make ready for more rows."""
        # Also drops a torn last line and failed rows, which are asked again.
        write_rows(self.path / ROWS, self.rows)
        self._run |= {
            "command": shlex.join(["satchel", "eval", *_arguments()]),
            "data": str(self._settings.data),
            "workers": self._settings.workers,
            "resumed_rows": len(self.rows),
            "started": _now(),
        }
        (self.path / METRICS).unlink(missing_ok=True)
        write_json(self.path / RUN, self._run)
        self._file = (self.path / ROWS).open("a", encoding="utf-8")

    def add(self, row: Row) -> None:
        """Keep a row, at once."""
        if self._file is None:
            raise ConflictError("the run has not begun")
        self._file.write(row.model_dump_json(exclude_defaults=True) + "\n")
        self._file.flush()
        self.rows.append(row)

    def finish(self, order: list[tuple[str, str]], metrics: dict[str, Any], more: dict[str, Any]) -> None:
        """Put the rows into the data set's order and write the figures."""
        self.close()
        place = {key: number for number, key in enumerate(order)}
        self.rows.sort(key=lambda row: place[row.key])
        write_rows(self.path / ROWS, self.rows)
        write_json(self.path / RUN, {**self._run, **more, "finished": _now()})
        write_json(self.path / METRICS, metrics)

    def close(self) -> None:
        """Close the rows' file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _check(self) -> None:
        path = self.path / RUN
        if not path.exists():
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        for name in ("identity", "dataset", "settings", "commit"):
            # Through JSON, so that tuples and lists compare equal.
            if before.get(name) != json.loads(json.dumps(self._run.get(name))):
                raise ConflictError(
                    f"{self.path} holds a run with another {name}; choose another --out or give --fresh"
                )


def write_json(path: Path, content: Any) -> None:
    """Replace the file by `content`, at once."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _arguments() -> list[str]:
    """Return what was typed after `satchel eval`."""
    typed = sys.argv[1:]
    return typed[1:] if typed[:1] == ["eval"] else typed


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
