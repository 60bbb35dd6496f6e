"""R20: what was erased does not come back: not by late index writes, caches, or what was derived."""

import random
import threading

import pytest

from api.services import Services
from api.settings import Settings
from memory.errors import NotFoundError
from memory.ledger import EVERY_TENANT, insights, outbox
from memory.purge import Subject
from memory.scope import Scope
from retrieval.finder import Wanted
from retrieval.index.port import Limits
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.invariants import any_view
from tests.reliability.unscanned import unscanned


def trial(services: Services, number: int, drawn: random.Random) -> None:
    """Post, search and index in threads while the user is purged; then look everywhere."""
    scope = Scope("default", f"user{number}", f"s{number}")
    new = [said(f"Secret {number} of trial, item {n}.") for n in range(4)]
    services.remember(scope, new)
    if drawn.random() < 0.5:  # half of the trials begin with a warm cache and an index that knows them
        services.indexer.step()
        services.search(scope.whole_user(), Wanted(f"Secret {number}"), 5)
    late = [
        threading.Thread(target=services.indexer.step),
        threading.Thread(target=services.search, args=(scope.whole_user(), Wanted(f"Secret {number}"), 5)),
    ]
    drawn.shuffle(late)
    for thread in late:
        thread.start()
    services.purge.begin(Subject("default", "user", scope.user), "test")
    assert not services.search(scope.whole_user(), Wanted(f"Secret {number}"), 5).hits
    for thread in late:
        thread.join()


def settle(services: Services, receipts: int) -> None:
    """Work everything off."""
    while services.indexer.step():
        pass
    while services.purge.unfinished():
        pass
    with services.ledger.reading(EVERY_TENANT) as tx:
        assert outbox.depth(tx) == 0
    assert receipts


def nothing_returns(stored: Settings, trials: int) -> str:
    """Play the trials; return the figure."""
    drawn = random.Random(20)
    with opened(stored) as services:
        for number in range(trials):
            trial(services, number, drawn)
        settle(services, trials)
        view = any_view(services.index.settings.dim)
        for number in range(trials):
            scope = Scope("default", f"user{number}")
            assert not services.search(scope, Wanted(f"Secret {number}"), 5).hits
            assert services.index.search(scope, [view], Limits()).size == 0
            with services.ledger.reading("default") as tx:
                assert insights.by_name(tx, "default", f"s{number}")[0] is None
            with pytest.raises(NotFoundError):
                services.purge.preview(Subject("default", "user", scope.user))
    return f"0 of {trials:,} reappeared, in answers, index, caches and derived data"


def test_nothing_comes_back(stored: Settings, reached: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-five purges with late writes on the way."""
    unscanned(monkeypatch)
    reached(nothing_returns(stored, 25))


@pytest.mark.drill
def test_nothing_comes_back_in_a_thousand(
    stored: Settings, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand."""
    unscanned(monkeypatch)
    reached(nothing_returns(stored, 1000))
