"""The purge benchmark: plant a canary, delete by the system's own means, look into every file."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from eval.datasets.model import Query, Unit
from eval.systems import Means, SystemFailedError, make

# A word that no other text holds.
CANARY = "xylovanterqu"
OTHERS = 50


@dataclass(frozen=True, slots=True)
class Residue:
    """What is left of a deleted user. found: the canary was recalled before. copies: how often its bytes
    are in a file, by file. recalled: it still comes back. error: why there is no answer.
    """

    system: str
    found: bool = False
    copies_before: int = 0
    copies: int = 0
    files: tuple[str, ...] = ()
    recalled: bool = False
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON; residue in bytes is copies times the canary's length."""
        return {**asdict(self), "residue_bytes": self.copies * len(CANARY)}


@runtime_checkable
class Forgetful(Protocol):
    """A system that can delete, and whose files can be searched."""

    def forget(self) -> None:
        """Delete everything of the user by the system's own means."""

    def residue(self, canary: str) -> dict[str, int]:
        """Return how often the canary's bytes are in each file."""


def measure(name: str, means: Means) -> Residue:
    """Return what a system leaves behind."""
    system = make(name, means)
    if not isinstance(system, Forgetful):
        return Residue(name, error="keeps nothing on disk")
    try:
        system.start("residue")
        system.remember(_units())
        query = Query("q", "canary", f"What is {CANARY}?", (("canary",),), OTHERS + 1)
        found = "canary" in system.ranking(query, 5)
        before = system.residue(CANARY)
        system.forget()
        after = system.residue(CANARY)
        return Residue(
            name, found, sum(before.values()), sum(after.values()), tuple(after), _recalled(system, query)
        )
    except SystemFailedError as error:
        return Residue(name, error=str(error))
    finally:
        system.close()


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
        Unit("canary", "s9", "2026-02-01T10:00:00", "user", f"The word is {CANARY}, remember it."),
    ]
