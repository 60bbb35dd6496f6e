"""R8: what is acknowledged is stored, whatever fails behind it; what isn't indexed yet is said to be so."""

import itertools
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.services import Services, open_services
from api.settings import Settings
from memory.encoders.port import Encoding
from memory.ledger import keys, turns
from memory.scope import Scope
from retrieval.embedded import EmbeddedIndex
from retrieval.index.port import IndexedTurn
from tests.reliability.conftest import Reached
from tests.reliability.invariants import assert_same_turns
from tests.searching import WordsEncoder

USERS = [f"u{number}" for number in range(8)]
TENTH = 10


class Failing(WordsEncoder):
    """What fails while `loaded`: vectors for a tenth of notes, the index for another, every tenth commit."""

    def __init__(self) -> None:
        self.loaded = True
        self.commits: Iterator[int] = itertools.count(1)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        notes = (re.search(r"Note (\d+)", text) for text in texts)
        if self.loaded and any(found and int(found[1]) % TENTH == 3 for found in notes):
            raise RuntimeError("no vectors")
        return super().encode(texts)

    def upsert(self, ready: Sequence[IndexedTurn]) -> None:
        """Fail for some turns."""
        if self.loaded and any(turn.key % TENTH == 7 for turn in ready):
            raise RuntimeError("no index")

    def commit(self, connection: sa.Connection) -> None:
        """Fail some of the requests' commits."""
        # Requests are served by AnyIO's threads; the threads that index and purge aren't disturbed.
        asked = threading.current_thread().name.startswith("AnyIO")
        writes = connection.get_execution_options().get("writes")
        if self.loaded and asked and writes and next(self.commits) % TENTH == 0:
            raise sa.exc.OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))


@dataclass(frozen=True)
class Asked:
    """One request for turns and its answer."""

    user: str
    notes: list[int]
    status: int
    told: dict[str, Any]


@contextmanager
def served(
    stored: Settings, patch: pytest.MonkeyPatch, failing: Failing
) -> Iterator[tuple[TestClient, Services]]:
    """Serve HTTP over an encoder, an index and a ledger that fail."""
    upsert = EmbeddedIndex.upsert

    def failing_upsert(self: EmbeddedIndex, scope: Scope, ready: Sequence[IndexedTurn]) -> None:
        failing.upsert(ready)
        upsert(self, scope, ready)

    patch.setattr(EmbeddedIndex, "upsert", failing_upsert)
    app = create_app(stored, opening=lambda settings: open_services(settings, encoder=failing))
    with TestClient(app, raise_server_exceptions=False) as client:
        services: Services = app.state.services
        with services.ledger.writing("default") as tx:
            client.headers["Authorization"] = f"Bearer {keys.create(tx, 'default')[1]}"
        sa.event.listen(services.ledger.engine, "commit", failing.commit)
        yield client, services


def text(note: int) -> str:
    """Return what a note says, with a word that no other note has."""
    return f"Note {note} is kept under MARK-{note:04}."


def post(client: TestClient, user: str, notes: list[int]) -> Asked:
    """Post some notes."""
    new = [{"role": "user", "content": text(note), "id": f"note{note}"} for note in notes]
    body = {"user_id": user, "turns": new}
    answer = client.post(f"/v1/sessions/{user}/turns", json=body)
    return Asked(user, notes, answer.status_code, answer.json())


def kept(services: Services) -> dict[str, str]:
    """Return what the ledger has, by name."""
    with services.ledger.reading("default") as tx:
        return {
            turn.name: turn.content for user in USERS for turn in turns.stream(tx, Scope("default", user))
        }


def check_answers(asked: list[Asked], stored: dict[str, str]) -> list[int]:
    """Every answer says what the ledger says; return the acknowledged notes."""
    for one in asked:
        names = [f"note{note}" for note in one.notes]
        if one.status == 201:
            told = one.told["turns"]
            assert [turn["id"] for turn in told] == names
            assert all(stored[f"note{note}"] == text(note) for note in one.notes)
            assert not any(turn["indexed"] for turn in told), "it can't be indexed yet"
        else:
            assert one.status >= 500, one.told
            assert not stored.keys() & set(names), "refused, and kept all the same"
    return [note for one in asked if one.status == 201 for note in one.notes]


def is_indexed(client: TestClient, note: int) -> bool:
    """Ask by sending the note again, which changes nothing."""
    asked = post(client, USERS[note % len(USERS)], [note])
    assert asked.status == 201, asked.told
    return bool(asked.told["turns"][0]["indexed"])


def is_found(client: TestClient, note: int) -> bool:
    """Search for a note by its number."""
    body = {"user_id": USERS[note % len(USERS)], "query": f"What was MARK-{note:04}?", "top_k": 5}
    found = client.post("/v1/search", json=body).json()["results"]
    return f"note{note}" in [hit["turn_id"] for hit in found]


def honest(stored: Settings, patch: pytest.MonkeyPatch, count: int) -> str:
    """Post so many notes while a tenth of everything fails; return the figure."""
    failing = Failing()
    with served(stored, patch, failing) as (client, services):
        rounds = [list(range(start, min(start + 24, count))) for start in range(0, count, 24)]
        # Requests of three notes, all of one user.
        parts = [[n for n in part if n % 8 == user] for part in rounds for user in range(8)]
        with ThreadPoolExecutor(8) as writers:
            asked = list(writers.map(lambda notes: post(client, USERS[notes[0] % 8], notes), parts))
        acknowledged = check_answers(asked, kept(services))
        stuck = settled(services)
        failing.commits = itertools.repeat(1)  # the ledger is well again, the rest is not
        unindexed = [note for note in acknowledged if not is_indexed(client, note)]
        assert len(unindexed) == stuck > 0
        assert all(is_found(client, note) for note in unindexed), "acknowledged, but not to be found"
        failing.loaded = False
        services.drain(120)
        assert all(is_indexed(client, note) for note in acknowledged)
        assert len(kept(services)) == len(acknowledged)
        for user in USERS:
            assert_same_turns(services, Scope("default", user))
    refused = sum(one.status != 201 for one in asked)
    return (
        f"{count:,} turns in {len(asked):,} requests: {refused} requests refused and nothing of them kept, "
        f"{len(acknowledged):,} turns acknowledged and all kept, {stuck} told `indexed: false` and found all "
        "the same, queue drained to 0"
    )


def settled(services: Services) -> int:
    """Wait until only what fails is queued; return how much that is."""
    with services.ledger.reading("default") as tx:
        remembered = [turn for user in USERS for turn in turns.stream(tx, Scope("default", user))]
    doomed = sum(
        turn.id % TENTH == 7 or int(turn.name.removeprefix("note")) % TENTH == 3 for turn in remembered
    )
    while services.queued() > doomed:
        time.sleep(0.02)
    return doomed


def test_a_tenth_fails(stored: Settings, monkeypatch: pytest.MonkeyPatch, reached: Reached) -> None:
    """Of a hundred turns."""
    reached(honest(stored, monkeypatch, 96))


@pytest.mark.drill
def test_a_tenth_fails_of_many(stored: Settings, monkeypatch: pytest.MonkeyPatch, reached: Reached) -> None:
    """Of five thousand."""
    reached(honest(stored, monkeypatch, 4800))
