"""A source is purged while others write: whose turns it erases, it waits for."""

import threading

import pytest

from api.services import Services
from api.settings import Settings
from memory.ledger import erasing, turns
from memory.ledger.erasing import Reach
from memory.purge import Subject
from memory.scope import Scope
from tests.helpers import said
from tests.reliability.faults import opened

ADA = Scope("default", "ada", "s1")
ZOE = Scope("default", "zoe", "s2")
WEB = "tool:web"


@pytest.mark.parametrize("stored", ["postgresql"], indirect=True)
def test_who_comes_meanwhile_is_waited_for(stored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose first turn of the source comes meanwhile loses that turn, and not the one being added."""
    begun = threading.Event()
    waits: list[threading.Thread] = []
    with opened(stored) as services:
        services.remember(ADA, [said("page", role="tool", source=WEB)])
        lock = erasing.lock

        def late(tx: object, found: Reach) -> None:
            if not waits:
                waits.append(threading.Thread(target=write, args=(services, begun)))
                waits[0].start()
                assert begun.wait(30)
            lock(tx, found)  # type: ignore[arg-type]  # handed on

        monkeypatch.setattr(erasing, "lock", late)
        receipt = services.purge.begin(Subject("default", "source", "tool"), "test")
        waits[0].join()

        assert receipt.turns == 2
        with services.ledger.reading("default") as tx:
            assert [turn.content for turn in turns.stream(tx, ZOE)] == ["my own words"]


def write(services: Services, begun: threading.Event) -> None:
    """Add a turn of the source, then another in a transaction that outlasts the purge's first look."""
    services.remember(ZOE, [said("page", role="tool", source=WEB)])
    with services.ledger.writing("default") as tx:
        turns.append(tx, ZOE, [said("my own words")], [3])
        begun.set()
        threading.Event().wait(0.5)
