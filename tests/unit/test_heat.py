"""Users come into memory without holding up others, and never as they were before a deletion."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.encoders import OnnxEncoder
from memory.errors import CorruptFileError, RefusedError
from memory.ledger.engine import sqlite_engine
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.index import FILE
from retrieval.embedded.store import Store
from retrieval.index.port import IndexedTurn
from tests.contract.conftest import CODEC, Maker

ADA, BOB = Scope("acme", "ada"), Scope("acme", "bob")
SIZE = 20


class Gate:
    """Stops whoever reads a user after the first part, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.reached, self.opened = threading.Event(), threading.Event()
        read = Store.parts_of

        def parts_of(store: Store, scope: Scope) -> Iterator[Sequence[IndexedTurn]]:
            self.reads += scope == ADA
            for part in read(store, scope):
                yield part
                if scope == ADA:
                    self.reached.set()
                    assert self.opened.wait(10)

        monkeypatch.setattr(Store, "parts_of", parts_of)
        monkeypatch.setattr("retrieval.embedded.store._PART", 5)


@pytest.fixture
def maker(encoder: OnnxEncoder, counter: TokenCounter) -> Maker:
    """Turns to keep."""
    return Maker(encoder, counter)


@pytest.fixture
def filled(tmp_path: Path, maker: Maker) -> Iterator[EmbeddedIndex]:
    """An index of two users, both cold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrieval.embedded.heat.LARGE", SIZE - 1)
        index = EmbeddedIndex(tmp_path, "minilm", CODEC.encoder_dim, CODEC, hot_bytes=1 << 30)
        index.upsert(ADA, [maker.turn(f"Note {key} of Ada.", key) for key in range(SIZE)])
        index.upsert(BOB, [maker.turn("A note of Bob.", 100)])
        yield index
        index.close()


@pytest.fixture
def gate(filled: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Stops the reading of Ada, whose turns are many."""
    del filled
    gate = Gate(monkeypatch)
    yield gate
    gate.opened.set()


def missing_when_read(index: EmbeddedIndex, keys: set[int]) -> set[int]:
    """Return which turns of Ada are not in memory, once she is."""
    for _ in range(1000):
        try:
            return index.missing(ADA, keys)
        except RefusedError:
            threading.Event().wait(0.01)
    raise AssertionError("never read")


def test_a_large_user_is_read_beside_the_others(filled: EmbeddedIndex, gate: Gate, maker: Maker) -> None:
    """Who asks is refused meanwhile, others are answered, and what comes meanwhile is there in the end."""
    with pytest.raises(RefusedError, match="still being read"):
        filled.missing(ADA, {1})
    assert gate.reached.wait(10)

    assert filled.missing(BOB, {100}) == set()
    filled.upsert(ADA, [maker.turn("A late note.", SIZE)])
    gate.opened.set()

    assert missing_when_read(filled, {*range(SIZE + 1)}) == set()
    assert gate.reads == 1


def test_a_deletion_is_not_undone_by_who_reads(filled: EmbeddedIndex, gate: Gate) -> None:
    """What was read before the deletion is thrown away."""
    with pytest.raises(RefusedError):
        filled.missing(ADA, {1})
    assert gate.reached.wait(10)
    filled.delete(ADA, {1})
    gate.opened.set()

    assert missing_when_read(filled, {1, 2}) == {1}


def test_many_who_ask_read_once(filled: EmbeddedIndex, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits for the first."""
    monkeypatch.setattr("retrieval.embedded.heat.LARGE", SIZE)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(filled.missing, ADA, {1, SIZE}) for _ in range(4)]
        assert gate.reached.wait(10)
        gate.opened.set()
        assert [one.result() for one in asked] == [{SIZE}] * 4
    assert gate.reads == 1


def test_damage_is_told_to_who_asks_next(filled: EmbeddedIndex, tmp_path: Path) -> None:
    """Also where another thread met it, and again as long as it is there."""
    engine = sqlite_engine(tmp_path / FILE)
    with engine.begin() as tx:
        tx.execute(sa.text('UPDATE turns SET crc = crc + 1 WHERE "user" = \'ada\' AND "key" = 7'))
    engine.dispose()

    for _ in range(2):
        with pytest.raises(CorruptFileError):
            missing_when_read(filled, {1})
    assert filled.missing(BOB, {100}) == set()


def test_a_defect_ends_nobody_s_wait(filled: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is raised too, and the next one reads again."""

    def defect(store: Store, scope: Scope) -> Iterator[Sequence[IndexedTurn]]:
        del store, scope
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Store, "parts_of", defect)
        with pytest.raises(MemoryError):
            missing_when_read(filled, {1})
    assert missing_when_read(filled, {1}) == set()
