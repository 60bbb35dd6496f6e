"""R19: a purge takes one user and nobody else."""

import hashlib
from collections.abc import Sequence

import pytest

from api.services import Services
from api.settings import Settings
from memory.ledger import turns, users
from memory.purge import Subject
from memory.scope import Scope
from retrieval.finder import Wanted
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.test_r16_residue import purged, remember

State = tuple[int, str, tuple[str, ...]]


def state(services: Services, scope: Scope) -> State:
    """Return how much a user has, a hash of all of it, and the best ten of a search."""
    with services.ledger.reading(scope.tenant) as tx:
        found = users.find(tx, scope)
        told = repr([(turn.name, turn.seq, turn.content) for turn in turns.stream(tx, scope)])
    hits = services.search(scope, Wanted("the note about pears"), 10).hits
    count = found.turns if found else 0
    return count, hashlib.sha256(told.encode()).hexdigest(), tuple(hit.turn.name for hit in hits)


def purge_some(stored: Settings, tenants: int, subjects: Sequence[str]) -> str:
    """Give every tenant a user of the same name; purge one tenant's in each way; return the figure."""
    with opened(stored) as services:
        scopes = [Scope(f"tenant{n}", "ada", f"s{n}") for n in range(tenants)]
        for scope in scopes:
            texts = [f"A note about pears, {n}, of {scope.tenant}." for n in range(3)]
            # The same source and words everywhere: only the scope tells them apart.
            services.remember(scope, [said("The same words.", source="tool:browser")])
            remember(services, scope, texts)
        others = [scope.whole_user() for scope in scopes[len(subjects) :]]
        before = [state(services, scope) for scope in others]
        for scope, kind in zip(scopes, subjects, strict=False):
            name = {"user": "ada", "session": str(scope.session), "source": "tool"}[kind]
            purged(services, Subject(scope.tenant, kind, name))  # type: ignore[arg-type]  # the keys are kinds
        gone = [state(services, scope.whole_user())[0] for scope in scopes[: len(subjects)]]

        assert gone == [{"user": 0, "session": 0, "source": 3}[kind] for kind in subjects]
        assert [state(services, scope) for scope in others] == before
    return f"{len(others)} of {tenants} tenants: equal counts, equal hashes, equal best ten"


def test_neighbours_keep_everything(stored: Settings, reached: Reached) -> None:
    """Eight tenants with a user of one name, three purges."""
    reached(purge_some(stored, 8, ["user", "session", "source"]))


@pytest.mark.drill
def test_two_hundred_neighbours_keep_everything(stored: Settings, reached: Reached) -> None:
    """Two hundred."""
    reached(purge_some(stored, 200, ["user", "session", "source"]))
