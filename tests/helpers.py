"""Small makers of test data, shared by the suites."""

from memory.scope import Scope
from memory.turns import NewTurn, Role, Turn

ADA = Scope("default", "ada", "s1")


def said(content: str, role: Role = "user", **more: str) -> NewTurn:
    """Return a new turn."""
    return NewTurn(role=role, content=content, **more)  # type: ignore[arg-type]  # names are checked by the tests


def a_turn(
    content: str,
    *,
    turn: int = 1,
    session: int = 1,
    seq: int = 0,
    speaker: str | None = None,
    role: Role = "user",
    source: str = "user",
) -> Turn:
    """Return a remembered turn that no ledger holds."""
    return Turn(
        id=turn,
        name=f"t{turn}",
        session=session,
        session_name=f"s{session}",
        seq=seq,
        role=role,
        speaker=speaker,
        content=content,
        created_at=1_700_000_000_000_000,
        source=source,
        metadata={},
        tokens=1,
    )
