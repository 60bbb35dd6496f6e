"""R6: the index is derived: deleted whole, it comes back the same."""

from pathlib import Path

import pytest

from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.ledger import EVERY_TENANT, turns
from memory.scope import Scope
from retrieval.embedded import EmbeddedIndex
from retrieval.finder import Wanted
from tests.helpers import said
from tests.reliability.conftest import Reached

THINGS = ("boat", "ladder", "kettle", "violin", "passport", "greenhouse", "bicycle", "lamp")
PLACES = ("attic", "garage", "office", "cellar", "kitchen", "harbour")
USERS = ("ada", "bob")
LATER = 4_000_000_000_000_000  # microseconds: the same time for both questions


def fill(opened: Services) -> None:
    """Let two users say where their things are."""
    for user in USERS:
        for place in PLACES:
            scope = Scope("default", user, f"{user} {place}")
            opened.remember(scope, [said(f"{user}'s {thing} is in the {place}.") for thing in THINGS])
    opened.drain()


def answers(opened: Services) -> list[list[int]]:
    """Return the ten best turns for each question, and what each user's ledger holds."""
    found = []
    for user in USERS:
        for thing in THINGS:
            wanted = Wanted(f"Where is the {thing}?", at=LATER)
            hits = opened.search(Scope("default", user), wanted, 10)
            assert not hits.degraded
            found.append([hit.turn.id for hit in hits.hits])
    with opened.ledger.reading(EVERY_TENANT) as tx:
        return found + [[turn.id for turn in turns.stream(tx, Scope("default", user))] for user in USERS]


@pytest.mark.parametrize("left", ["nothing", "empty file"])
def test_a_deleted_index_comes_back_the_same(
    tmp_path: Path, encoder: OnnxEncoder, left: str, reached: Reached
) -> None:
    """Ten best of every question: the same turns in the same order, and an untouched ledger."""
    settings = Settings(data=tmp_path / "data")
    with open_services(settings, encoder=encoder) as opened:
        fill(opened)
        before = answers(opened)
    EmbeddedIndex.remove(settings.data)
    if left == "empty file":
        (settings.data / "index.sqlite3").touch()

    with open_services(settings, encoder=encoder) as opened:
        opened.drain()
        after = answers(opened)

    assert after == before
    reached(f"{len(before) - len(USERS)} of {len(before) - len(USERS)} answers equal in their ten best")
