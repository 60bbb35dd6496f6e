"""The purge benchmark: plant a canary, delete by the system's own means, look into every file."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from eval.datasets.model import Query, Unit
from eval.systems import Means, SystemFailedError, make
from memory.residue import Fingerprints, pieces_of_text, pieces_of_vectors, scan
from memory.residue.fingerprints import FORMS

# A word that no other text holds.
CANARY = "xylovanterqu"
OTHERS = 50
_TEXT = f"The word is {CANARY}, remember it."


@dataclass(frozen=True, slots=True)
class Residue:
    """What is left of a deleted user. found: the canary was recalled before. before, after: bytes of the
    pieces of it that a scan finds in the system's files, by form. files: where they are. recalled: it
    still comes back. error: why there is no answer.
    """

    system: str
    found: bool = False
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    recalled: bool = False
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            **asdict(self),
            "bytes_before": sum(self.before.values()),
            "residue_bytes": sum(self.after.values()),
        }


@runtime_checkable
class Forgetful(Protocol):
    """A system that can delete, and whose files can be searched."""

    def forget(self) -> None:
        """Delete everything of the user by the system's own means."""

    def folder(self) -> Path:
        """Return the folder of all its files."""


def measure(name: str, means: Means) -> Residue:
    """Return what a system leaves behind, by the scan that a purge's receipt rests on."""
    system = make(name, means)
    if not isinstance(system, Forgetful):
        return Residue(name, error="keeps nothing on disk")
    sought = _sought(means)
    try:
        system.start("residue")
        system.remember(_units())
        query = Query("q", "canary", f"What is {CANARY}?", (("canary",),), OTHERS + 1)
        found = "canary" in system.ranking(query, 5)
        before, _ = _left(system.folder(), sought)
        system.forget()
        after, files = _left(system.folder(), sought)
        return Residue(name, found, before, after, files, _recalled(system, query))
    except SystemFailedError as error:
        return Residue(name, error=str(error))
    finally:
        system.close()


def _sought(means: Means) -> Fingerprints:
    sought = Fingerprints()
    sought.add(pieces_of_text(_TEXT))
    sought.add(pieces_of_vectors(np.stack([one.pooled for one in means.encoder.encode([_TEXT])])))
    return sought


def _left(folder: Path, sought: Fingerprints) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the bytes found by form, and the files that they are in."""
    known = {int(row["strong"]): (FORMS[row["form"]], int(row["width"])) for row in sought.rows}
    counted: Counter[str] = Counter()
    hits = scan(folder, [sought]).hits
    for hit in hits:
        form, width = known[hit.strong]
        counted[form] += hit.times * width
    return dict(counted), tuple(sorted({hit.file for hit in hits}))


def _recalled(system: Any, query: Query) -> bool:
    again = Query("again", query.type, query.text, query.groups, query.pool_end)
    try:
        return "canary" in system.ranking(again, 5)
    except SystemFailedError:
        # Several refuse to search what they have deleted: nothing comes back.
        return False


def _units() -> list[Unit]:
    others = [
        Unit(f"u{n}", f"s{n // 10}", f"2026-01-{n % 27 + 1:02}T10:00:00", "user", f"Note {n}: buy {n} pears.")
        for n in range(OTHERS)
    ]
    return [
        *others,
        Unit("canary", "s9", "2026-02-01T10:00:00", "user", _TEXT),
    ]
