"""R5: the index file is damaged: noticed, made anew from the ledger, and nobody gets another's memory."""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random

import numpy as np
import pytest
from structlog.testing import capture_logs

from api.services import Services
from memory.ledger.erasing import Subject
from memory.scope import Scope
from retrieval.finder import Wanted
from retrieval.index.port import Candidates, Limits
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.invariants import any_view, assert_same_turns

# Names of the same length, and of one letter's difference: a flipped bit can make one of the other.
USERS = ("ada", "adb", "bob")
TURNS = 12
FILE = "index.sqlite3"
_ALL = Limits(dense=1 << 20, lexical=0, newest=1 << 20)


@dataclass(frozen=True)
class Whole:
    """A data folder with an index that is as it should be, and all that is in that."""

    folder: Path
    kept: dict[str, Candidates]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Some users, each of whom remembers the same in other words."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    with opened(folder) as services:
        for user in USERS:
            remember(services, user, TURNS)
        settle(services)
        return Whole(folder, {user: candidates(services, user) for user in USERS})


def settle(services: Services) -> None:
    """Index until nothing is left to do."""
    while services.queued() or any(services.repair.under_way(scope_of(user)) for user in USERS):
        services.indexer.step()


def remember(services: Services, user: str, count: int) -> None:
    """Let a user say where things are."""
    new = [said(f"{user} put parcel {number} on shelf {number * 7}.") for number in range(count)]
    services.remember(Scope("default", user, user), new)


def damaged(file: Path, seed: int) -> str:
    """Damage a file in a way that the seed decides; return how."""
    random = Random(seed)
    data = bytearray(file.read_bytes())
    match seed % 4:
        case 0:
            length = random.randrange(1, len(data))
            file.write_bytes(bytes(data[:length]))
            return f"cut to {length} bytes"
        case 1:
            # What says whose an entry is, in the table and in the tree that finds it: few bytes among many.
            name = f"default{random.choice(USERS)}".encode()
            places = [at for at in range(len(data)) if data.startswith(name, at)]
            place = random.choice(places) + random.randrange(len(name) + 2)
        case _:
            place = random.randrange(len(data))
    bit = random.randrange(8)
    data[place] ^= 1 << bit
    file.write_bytes(bytes(data))
    return f"bit {bit} of byte {place} flipped"


def candidates(services: Services, user: str) -> Candidates:
    """Return all that the index has of a user."""
    view = any_view(services.index.settings.dim)
    return services.index.search(scope_of(user), [view], _ALL).candidates


def same(one: Candidates, other: Candidates) -> bool:
    """Tell whether two answers are equal, row by row; vectors in memory are finer than those on disk."""
    return all(
        np.allclose(getattr(one, field.name), getattr(other, field.name), atol=2e-3)
        for field in fields(Candidates)
    )


def survived(whole: Whole, folder: Path, seed: int) -> bool:
    """Damage a copy and use it; return whether the damage was noticed. It must have been harmless if not."""
    shutil.copytree(whole.folder, folder)
    how = damaged(folder / FILE, seed)
    with capture_logs() as logs, opened(folder) as services:
        for user in USERS:
            hits = services.search(scope_of(user), Wanted("Where is parcel 3?"), 10)
            assert {hit.turn.session_name for hit in hits.hits} == {user}, how
        settle(services)
        for user in USERS:
            assert not services.search(scope_of(user), Wanted("Where is parcel 3?"), 10).degraded, how
            assert_same_turns(services, scope_of(user))
            assert same(candidates(services, user), whole.kept[user]), how
    return any(line["event"] == "index.damaged" for line in logs)


def scope_of(user: str) -> Scope:
    """Return a user's scope."""
    return Scope("default", user)


@pytest.mark.parametrize("seeds", [8, pytest.param(100, marks=pytest.mark.drill)])
def test_damage_is_noticed_or_harmless(whole: Whole, tmp_path: Path, seeds: int, reached: Reached) -> None:
    """Flipped bits and truncations: after each all users have the answers that they had before."""
    noticed = sum(survived(whole, tmp_path / str(seed), seed) for seed in range(seeds))

    assert noticed >= seeds / 2  # a truncation always, and what was flipped in a key
    reached(
        f"{seeds} damaged files: {noticed} noticed and made anew, {seeds - noticed} without effect; "
        "0 foreign results, all answers as before afterwards"
    )


def test_the_ledger_answers_until_the_index_is_whole(tmp_path: Path) -> None:
    """Damage met at a read: this user's index is made anew without a restart, the others' is not touched."""
    folder, count = tmp_path / "data", 150
    with opened(folder) as services:
        remember(services, "ada", count)
        remember(services, "bob", 3)
        settle(services)
    data = bytearray((folder / FILE).read_bytes())
    data[data.index(b"defaultada") + 9] ^= 2  # of one row: now it is adc's
    (folder / FILE).write_bytes(bytes(data))

    ada, asked = scope_of("ada"), Wanted("Where is parcel 149?")
    with opened(folder) as services:
        states = []
        until = time.monotonic() + 60
        while True:
            assert time.monotonic() < until, "never whole again"
            found = services.search(ada, asked, 10)
            assert "parcel 149" in found.hits[0].turn.content
            states.append(found.degraded)
            if not found.degraded:
                break
            assert services.queued() in {0, count} or services.repair.under_way(ada)
            services.indexer.step()
        assert len(states) > 2, "it was degraded at the first read, and until all was indexed"
        assert not services.search(scope_of("bob"), asked, 10).degraded
        assert_same_turns(services, ada)


def test_a_purge_of_what_is_damaged_ends(tmp_path: Path) -> None:
    """An entry that can't be read is dropped with its user's others: the purge doesn't wait for it."""
    folder, bob = tmp_path / "data", scope_of("bob")
    with opened(folder) as services:
        remember(services, "bob", 3)
        settle(services)
        vector = candidates(services, "bob").pooled[0].astype("<f2").tobytes()
    data = bytearray((folder / FILE).read_bytes())
    data[data.index(vector)] ^= 1
    (folder / FILE).write_bytes(bytes(data))

    with opened(folder) as services:
        receipt = services.purge.begin(Subject("default", "session", "bob"), "test")
        until = time.monotonic() + 60
        while services.purge.receipt("default", receipt.id).status != "done":
            assert time.monotonic() < until
            services.indexer.step()
            time.sleep(0.05)
        assert_same_turns(services, bob)


def test_a_file_that_takes_no_deletion_is_begun_anew(tmp_path: Path) -> None:
    """Where SQLite can't even drop the user, everybody is queued and the file replaced, while running."""
    folder = tmp_path / "data"
    with opened(folder) as services:
        for user in USERS:
            remember(services, user, TURNS)
        settle(services)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as file:
        file.execute("DROP TABLE scopes")
        file.execute("CREATE VIEW scopes AS SELECT 1 AS tenant, 2 AS user, 3 AS turns, 4 AS sum")

    with opened(folder) as services:
        assert services.search(scope_of("ada"), Wanted("Where is parcel 3?"), 10).degraded
        settle(services)
        for user in USERS:
            assert not services.search(scope_of(user), Wanted("Where is parcel 3?"), 10).degraded
            assert_same_turns(services, scope_of(user))
