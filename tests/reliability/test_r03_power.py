"""R3: the power is cut: what was not synced is gone in any part; nothing acknowledged is."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from memory.ledger.erasing import Subject
from memory.scope import Scope
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.invariants import assert_same_turns
from tests.reliability.powerloss import Event, left_by, recording

USERS = ("ada", "bob")
ROUNDS = 60
# A round after which a turn is purged: the log is then written into the file and truncated.
PURGED = (20, 40)
# The service itself is opened over one cut in so many; the files are looked at after every one.
OPENED = 10


@dataclass(frozen=True)
class Use:
    """What a service did to the files of a folder, and those files before."""

    before: Path
    events: list[Event]


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Use:
    """A service that remembers, indexes and purges, and notes when it said so."""
    before = tmp_path_factory.mktemp("power") / "before"
    folder = before.with_name("data")
    with opened(before):
        pass  # makes the files, and closes them as they should be
    shutil.copytree(before, folder)
    with recording() as recorder, opened(folder) as services:
        for number in range(ROUNDS):
            for user in USERS:
                name = f"{user}{number}"
                kept = [said(f"{name}: {'more ' * number}", name=name)]
                services.remember(Scope("default", user, user), kept)
                recorder.note("kept", name)
            if number % 3 == 0:
                services.indexer.step()
            if number in PURGED:
                name = f"ada{number}"
                receipt = services.purge.begin(Subject("default", "turn", name), "test").id
                recorder.note("gone", name)
                while services.purge.receipt("default", receipt).status != "done":
                    time.sleep(0.01)
        while services.queued():
            services.indexer.step()
    return Use(before, recorder.events)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database as it was left, and demand that it is whole."""
    with closing(sqlite3.connect(path)) as opened_:
        assert opened_.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        yield opened_


def look(use: Use, cut: int, folder: Path, seed: int) -> None:
    """Cut the power before an event; what was said until then must hold."""
    left_by(use.events, cut, use.before, folder, Random(seed))
    kept = {event.file for event in use.events[:cut] if event.what == "kept"}
    gone = {event.file for event in use.events[:cut] if event.what == "gone"}
    with database(folder / "ledger.sqlite3") as ledger:
        turns = dict(ledger.execute("SELECT name, id FROM turns"))
        queued = {turn for (turn,) in ledger.execute("SELECT turn_id FROM outbox")}
    assert not (kept - gone) - turns.keys(), f"acknowledged and lost at cut {cut}"
    assert not gone & turns.keys(), f"erased and back at cut {cut}"
    with database(folder / "index.sqlite3") as index:
        indexed = {key for (key,) in index.execute("SELECT key FROM turns")}
    assert set(turns.values()) - queued <= indexed, f"neither queued nor indexed at cut {cut}"


def use_again(folder: Path) -> None:
    """Open the service over what is left: it goes on, and its index becomes what the ledger says."""
    with opened(folder) as services:
        services.remember(Scope("default", "ada", "ada"), [said("The power is back.")])
        while services.queued():
            services.indexer.step()
        for user in USERS:
            assert_same_turns(services, Scope("default", user))


@pytest.mark.parametrize("cuts", [20, pytest.param(200, marks=pytest.mark.drill)])
def test_what_was_acknowledged_survives(use: Use, tmp_path: Path, cuts: int, reached: Reached) -> None:
    """Cuts anywhere, every second one just after something was acknowledged: nothing of it is lost."""
    random = Random(cuts)
    told = [place + 1 for place, event in enumerate(use.events) if event.what in {"kept", "gone"}]
    for number in range(cuts):
        cut = random.choice(told) if number % 2 else random.randrange(len(use.events) + 1)
        folder = tmp_path / str(number)
        look(use, cut, folder, seed=number)
        if number % OPENED == 0:
            use_again(folder)

    kept = sum(event.what == "kept" for event in use.events)
    reached(
        f"{cuts} cuts among {len(use.events):,} writes, syncs and truncations: integrity check ok {cuts} "
        f"times for ledger and index, 0 of {kept} acknowledged turns lost, 0 erased ones back"
    )
