"""R2: killed at any step, what was going on has happened wholly or not at all."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.services import Services
from memory.ledger import EVERY_TENANT, outbox, turns
from memory.ledger.idempotency import Once
from memory.ledger.schema import audit, idempotency, purges, sessions, users
from memory.purge import Subject
from memory.scope import Scope
from retrieval.embedded import EmbeddedIndex
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import Told, opened, played
from tests.reliability.invariants import assert_same_turns

ADA = Scope("default", "ada", "s1")
BOB = Scope("default", "bob", "s3")
CHANGED = ("after commit", "before rename", "before remove")

State = dict[str, Any]

EMPTY: State = {part: [] for part in ("ada", "bob", "users", "sessions", "answers", "purges", "audit")}


def remembering(folder: Path, told: Told) -> None:
    """Turns come in under an idempotency key and are indexed."""
    with opened(folder) as services:
        new = [said("The launch moved to 21 May.", name="a9"), said("Tell Ines.", name="a10")]
        once = Once("default", "k1", b"request")
        services.remember(ADA, new, once=once, answer=lambda kept: str(len(kept.turns)).encode())
        told("remembered")
        index(services)


def first_start(folder: Path, told: Told) -> None:
    """Nothing is there yet: tables are made, a first turn is kept."""
    shutil.rmtree(folder)
    with opened(folder) as services:
        services.remember(ADA, [said("Hello.", name="a1")])
        told("remembered")
        index(services)


def forgetting(folder: Path, told: Told) -> None:
    """One turn is erased."""
    with opened(folder) as services:
        told(finished(services, services.purge.begin(Subject("default", "turn", "a1"), "test").id))


def purging_a_session(folder: Path, told: Told) -> None:
    """One session is erased."""
    with opened(folder) as services:
        told(finished(services, services.purge.begin(Subject("default", "session", "s1"), "test").id))


def purging_a_user(folder: Path, told: Told) -> None:
    """All of a user is erased."""
    with opened(folder) as services:
        told(finished(services, services.purge.begin(Subject("default", "user", "ada"), "test").id))


def rebuilding(folder: Path, told: Told) -> None:
    """The index is thrown away and made again."""
    EmbeddedIndex.remove(folder)
    with opened(folder) as services:
        index(services)
        told("rebuilt")


SCENARIOS = [remembering, first_start, forgetting, purging_a_session, purging_a_user, rebuilding]


def index(services: Services) -> None:
    """Index what is queued."""
    while services.indexer.step():
        pass


def finished(services: Services, receipt: str) -> str:
    """Wait until a purge is done; return its receipt's id."""
    while services.purge.receipt("default", receipt).status != "done":
        time.sleep(0.002)
    return receipt


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two users, three sessions, all indexed, closed as it should be."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with opened(folder) as services:
        for scope, names in ((ADA, "a1 a2 a3"), (Scope("default", "ada", "s2"), "a4 a5"), (BOB, "b1 b2")):
            services.remember(scope, [said(f"This is {name}, a note.", name=name) for name in names.split()])
        index(services)
    return folder


def at_rest(folder: Path) -> State:
    """Open the folder, wait for what goes on by itself, and return all that is kept.

    Demands on the way that the database is whole and that the index is what the ledger says.
    """
    with opened(folder, indexing=True) as services:
        services.drain(60)
        while any(status == "running" for _, status, _ in rows(services, purges, "kind", "status", "turns")):
            time.sleep(0.002)
        for user in ("ada", "bob"):
            assert_same_turns(services, Scope("default", user))
        with services.ledger.reading(EVERY_TENANT) as tx:
            assert tx.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            assert outbox.depth(tx) == 0
            kept = {
                user: [
                    (turn.name, turn.session_name, turn.seq, turn.content)
                    for turn in turns.stream(tx, Scope("default", user))
                ]
                for user in ("ada", "bob")
            }
        return kept | {
            "users": rows(services, users, "name", "turns", "tokens"),
            "sessions": rows(services, sessions, "name", "turns", "tokens", "last_seq"),
            "answers": rows(services, idempotency, "key"),
            "purges": rows(services, purges, "kind", "status", "turns"),
            "audit": rows(services, audit, "actor", "action"),
        }


def rows(services: Services, table: sa.Table, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of a table, in one order."""
    with services.ledger.reading(EVERY_TENANT) as tx:
        found = tx.execute(sa.select(*(table.c[column] for column in columns)))
        return sorted(tuple(row) for row in found)


def crash_everywhere(prepared: Path, folder: Path, kinds_of_step: tuple[str, ...] = ("",)) -> str:
    """Kill every scenario at each of its steps whose name ends in one of these; return the figure."""
    wholes = {scenario: played(scenario, prepared, folder / scenario.__name__) for scenario in SCENARIOS}
    points = [(scenario, number) for scenario, whole in wholes.items() for number in range(len(whole.steps))]
    chosen = [
        (scenario, number)
        for scenario, number in points
        if wholes[scenario].steps[number].endswith(kinds_of_step)
    ]
    after = {scenario: at_rest(whole.folder) for scenario, whole in wholes.items()}
    before = at_rest(shutil.copytree(prepared, folder / "before"))
    recovered = {"before": 0, "after": 0}
    for scenario, number in chosen:
        cut = played(scenario, prepared, folder / f"{scenario.__name__}{number}", stop_at=number)
        assert cut.killed
        found = at_rest(cut.folder)
        start = EMPTY if scenario is first_start else before
        assert found == after[scenario] or (found == start and not cut.told), (cut.steps, found)
        recovered["after" if found == after[scenario] else "before"] += 1
    kinds = {name for whole in wholes.values() for name in whole.steps}
    return (
        f"{len(chosen)} of {len(points)} steps ({len(kinds)} kinds, {len(wholes)} scenarios): "
        f"{recovered['before']} recovered to the state before, {recovered['after']} to the one after, "
        "0 between"
    )


def test_killed_at_some_steps(prepared: Path, tmp_path: Path, reached: Reached) -> None:
    """Where files have just changed for good: a step inside a transaction leaves them as they were."""
    reached(crash_everywhere(prepared, tmp_path, CHANGED))


@pytest.mark.drill
def test_killed_at_every_step(prepared: Path, tmp_path: Path, reached: Reached) -> None:
    """All of them."""
    reached(crash_everywhere(prepared, tmp_path))
