"""Units as turns: one mapping for every system, so that all of them see the same words."""

from datetime import datetime

from eval.datasets.model import Unit
from memory.times import to_micros
from memory.turns import NewTurn, Turn, spoken_by

# Units without a date get a nominal one, a minute apart: order is known where time is not.
_NOMINAL_START = to_micros(datetime(2000, 1, 1))  # noqa: DTZ001 - counts as UTC
_MINUTE = 60_000_000


def created_at(unit: Unit, place: int) -> int:
    """Return when the unit came to be, in microseconds."""
    if unit.ts is None:
        return _NOMINAL_START + place * _MINUTE
    return to_micros(datetime.fromisoformat(unit.ts))


def new_turn(unit: Unit, place: int) -> NewTurn:
    """Return the unit as something to remember; `place` is its place in the conversation."""
    role, speaker = spoken_by(unit.role)
    return NewTurn(role, unit.text.replace("\x00", ""), speaker=speaker, created_at=created_at(unit, place))


def turn(unit: Unit, place: int, session: int, tokens: int) -> Turn:
    """Return the unit as the ledger would have it, for those who render without a ledger."""
    new = new_turn(unit, place)
    at = created_at(unit, place)
    return Turn(
        place + 1,
        unit.id,
        session,
        unit.session,
        place,
        new.role,
        new.speaker,
        new.content,
        at,
        "import",
        {},
        tokens,
    )


def spoken(unit: Unit) -> str:
    """Return what is encoded or searched for a unit: its words, after the speaker's name if known."""
    _, speaker = spoken_by(unit.role)
    return f"{speaker}: {unit.text}" if speaker else unit.text
