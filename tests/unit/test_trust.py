"""Where a turn came from: who may claim what, and that it stays."""

import pytest
import sqlalchemy as sa

from memory.errors import ConflictError, InvalidInputError
from memory.ledger import Ledger, turns
from memory.ledger.schema import turns as turn_table
from memory.trust import Tier, covers, tier
from memory.turns import NewTurn
from tests.helpers import ADA, said


@pytest.mark.parametrize(
    ("role", "source"),
    [
        ("user", "user"),
        ("user", "tool:clipboard"),
        ("assistant", "import:crm"),
        ("system", "assistant"),
        ("tool", "tool:browser:tab 3"),
        ("tool", "import"),
    ],
)
def test_trust_can_be_lowered(role: str, source: str) -> None:
    """A turn may come from what its role is, or from what is trusted less."""
    assert said("hello", role, source=source).source == source  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "source"),
    [("assistant", "user"), ("tool", "user"), ("tool", "assistant"), ("tool", "system"), ("system", "user")],
)
def test_trust_is_never_raised(role: str, source: str) -> None:
    """Nobody but the user's own turn is the user's."""
    with pytest.raises(InvalidInputError, match="never raise it"):
        said("hello", role, source=source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "source", ["", "User", "user:ada", "tool:", "tool: x", "browser", "tool:a\nb", "tools"]
)
def test_other_sources_are_refused(source: str) -> None:
    """The error says what a source is."""
    with pytest.raises(InvalidInputError, match="source"):
        said("hello", "user", source=source)


@pytest.mark.parametrize(
    ("role", "source", "trusted", "expected"),
    [
        ("user", "user", (), Tier.HIGH),
        ("user", "import", (), Tier.HIGH),
        ("assistant", "import", (), Tier.MIDDLE),
        ("tool", "import", (), Tier.LOW),
        ("user", "import:crm", (), Tier.LOW),
        ("user", "tool:clipboard", (), Tier.LOW),
        ("tool", "tool", ("tool:tests",), Tier.LOW),
        ("tool", "tool:tests:unit", ("tool:tests",), Tier.MIDDLE),
        ("user", "import:crm", ("import",), Tier.MIDDLE),
        ("user", "user", ("user",), Tier.HIGH),
    ],
)
def test_tiers(role: str, source: str, trusted: tuple[str, ...], expected: Tier) -> None:
    """A named import is low, a history brought along is what its roles are; vouching ends below the user."""
    assert tier(role, source, trusted) is expected


SOURCES = ["tool", "tool:web", "tool:web:a", "tool:webcam", "tool:WEB", "import:web", "tool:w_b", "tool:%"]


@pytest.mark.parametrize("source", [*SOURCES, "import", "user", "tool:we", "tool:web:"])
def test_the_ledger_matches_sources_as_covers_does(ledger: Ledger, source: str) -> None:
    """Exactly, or below a colon: no wildcards, no other letter case."""
    with ledger.writing(ADA.tenant) as tx:
        turns.append(tx, ADA, [said(one, "tool", source=one) for one in SOURCES], [1] * len(SOURCES))
        query = sa.select(turn_table.c.source).where(turns.from_source(source)).order_by(turn_table.c.id)
        found = tx.scalars(query).all()

    assert found == [one for one in SOURCES if covers(source, one)]


def test_where_a_turn_came_from_is_never_changed(ledger: Ledger) -> None:
    """Posting it again with another source is refused; importing it again leaves it as it is."""
    first = NewTurn("user", "The code is 4471.", name="t1", source="tool:browser")
    with ledger.writing(ADA.tenant) as tx:
        turns.append(tx, ADA, [first], [1])

    for source in ("user", "tool", "import:crm"):
        with pytest.raises(ConflictError, match="can't be changed"), ledger.writing(ADA.tenant) as tx:
            turns.append(tx, ADA, [NewTurn("user", "The code is 4471.", name="t1", source=source)], [1])
    with ledger.writing(ADA.tenant) as tx:
        for again in ("import", "tool:browser", None):
            turns.append(tx, ADA, [NewTurn("user", "The code is 4471.", name="t1", source=again)], [1])

    with ledger.reading(ADA.tenant) as tx:
        assert [turn.source for turn in turns.stream(tx, ADA)] == ["tool:browser"]
