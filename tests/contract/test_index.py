"""Every index adapter keeps the same promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory.encoders import OnnxEncoder
from memory.errors import CorruptFileError, EncoderMismatchError
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.codec import TokenCodec, default_codec
from retrieval.embedded import EmbeddedIndex
from retrieval.index import Index, IndexedTurn, Limits, QueryView
from retrieval.passages import indexed, searched_text, spans_of, unencoded
from retrieval.query import Query, views
from tests.helpers import a_turn

ADA = Scope("acme", "ada")
BOB = Scope("acme", "bob")
CODEC = default_codec(384)
TEXTS = [
    "The launch moved to 14 May.",
    "Error NX-4471 came up again in the importer.",
    "My sister Ines is allergic to peanuts.",
    "We use PostgreSQL for the ledger.",
]


class Maker:
    """Makes indexed turns and views with the default encoder."""

    def __init__(self, encoder: OnnxEncoder, counter: TokenCounter) -> None:
        self.encoder = encoder
        self.counter = counter

    def turn(self, text: str, key: int, session: int = 1) -> IndexedTurn:
        turn = a_turn(text, turn=key, session=session, seq=key)
        spans = spans_of(turn)
        texts = [searched_text(turn, span) for span in spans]
        return indexed(turn, spans, self.encoder.encode(texts), self.counter, CODEC)

    def bare(self, text: str, key: int) -> IndexedTurn:
        return unencoded(a_turn(text, turn=key, seq=key), 384, self.counter, CODEC)

    def views(self, text: str) -> list[QueryView]:
        return views(Query(text), self.encoder, CODEC)


@pytest.fixture(scope="module")
def maker(encoder: OnnxEncoder, counter: TokenCounter) -> Maker:
    """Turns and views."""
    return Maker(encoder, counter)


def open_index(folder: Path, encoder: str = "minilm", codec: TokenCodec = CODEC) -> EmbeddedIndex:
    """Open the embedded index in a folder."""
    return EmbeddedIndex(folder, encoder, 384, codec, hot_bytes=1 << 30)


@pytest.fixture(params=["embedded", "embedded-cold"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Each adapter in turn; cold = nothing stays in memory between two calls."""
    hot_bytes = 1 << 30 if request.param == "embedded" else 0
    opened = EmbeddedIndex(tmp_path, "minilm", 384, CODEC, hot_bytes=hot_bytes)
    yield opened
    opened.close()


def best(index: Index, scope: Scope, maker: Maker, text: str, score: str = "maxsim") -> int:
    """Return the turn that scores highest."""
    found = index.search(scope, maker.views(text), Limits()).candidates
    return int(found.turn[np.argmax(getattr(found, score)[:, 0])])


def test_a_turn_is_found_by_meaning_and_by_word(index: Index, maker: Maker) -> None:
    """Dense, lexical and token scores all point at the right turn."""
    index.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])

    assert best(index, ADA, maker, "When do we go live?", "dense") == 0
    assert best(index, ADA, maker, "NX-4471", "lexical") == 1
    assert best(index, ADA, maker, "Which nuts must Ines avoid?") == 2


def test_scopes_never_meet(index: Index, maker: Maker) -> None:
    """Users and tenants of the same names elsewhere see nothing."""
    index.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    index.upsert(BOB, [maker.turn(TEXTS[0], 100)])

    for scope in (Scope("acme", "eve"), Scope("other", "ada"), Scope("ac", "meada")):
        assert index.search(scope, maker.views(TEXTS[0]), Limits()).size == 0
    assert set(index.search(BOB, maker.views(TEXTS[1]), Limits()).candidates.turn) == {100}


def test_one_session_can_be_searched_alone(index: Index, maker: Maker) -> None:
    """A session filter holds in every arm, neighbours included."""
    index.upsert(ADA, [maker.turn(text, key, session=key % 2) for key, text in enumerate(TEXTS)])

    found = index.search(ADA, maker.views(TEXTS[0]), Limits(), session=1).candidates

    assert set(found.session) == {1}
    assert set(found.turn) == {1, 3}


def test_upsert_twice_is_once(index: Index, maker: Maker) -> None:
    """A turn delivered twice is there once."""
    turns = [maker.turn(text, key) for key, text in enumerate(TEXTS)]
    index.upsert(ADA, turns)
    index.upsert(ADA, turns)

    found = index.search(ADA, maker.views(TEXTS[0]), Limits())

    assert found.size == len(TEXTS)
    assert sorted(found.candidates.turn) == list(range(len(TEXTS)))


def test_deleted_turns_are_gone_and_the_rest_stays(index: Index, maker: Maker) -> None:
    """Delete takes what is named, and what is absent is no error."""
    index.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    index.upsert(BOB, [maker.turn(TEXTS[0], 100)])

    index.delete(ADA, [0, 2, 999])
    assert sorted(index.search(ADA, maker.views(TEXTS[0]), Limits()).candidates.turn) == [1, 3]
    assert index.missing(ADA, [0, 1, 2, 3]) == {0, 2}

    index.delete(ADA)
    assert index.search(ADA, maker.views(TEXTS[0]), Limits()).size == 0
    assert index.search(BOB, maker.views(TEXTS[0]), Limits()).size == 1


def test_a_previewed_turn_is_found_by_its_words(tmp_path: Path, maker: Maker) -> None:
    """Before its vectors are there a turn has lexical scores, and then all of them, once."""
    index = open_index(tmp_path)
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    index.preview(ADA, [maker.bare(TEXTS[1], 1)])
    before = index.search(ADA, maker.views("NX-4471"), Limits()).candidates
    assert index.missing(ADA, [0, 1, 2]) == {2}

    index.upsert(ADA, [maker.turn(TEXTS[1], 1)])
    after = index.search(ADA, maker.views("NX-4471"), Limits()).candidates
    index.close()

    assert best_row(before, "lexical") == 1
    assert before.dense[before.turn == 1, 0] == before.coverage[before.turn == 1, 0] > 0
    assert after.dense[after.turn == 1, 0] > 0.3
    assert sorted(after.turn) == [0, 1]


def best_row(found: object, score: str) -> int:
    """Return the turn of the highest score."""
    return int(found.turn[np.argmax(getattr(found, score)[:, 0])])  # type: ignore[attr-defined]


def test_what_was_upserted_survives_a_restart(tmp_path: Path, maker: Maker) -> None:
    """Scores are equal before and after."""
    first = open_index(tmp_path)
    first.upsert(ADA, [maker.turn(text * 12, key) for key, text in enumerate(TEXTS)])
    before = first.search(ADA, maker.views("launch"), Limits()).candidates
    first.close()

    second = open_index(tmp_path)
    after = second.search(ADA, maker.views("launch"), Limits()).candidates
    second.close()

    assert np.array_equal(before.turn, after.turn)
    assert np.array_equal(before.start, after.start)
    assert np.allclose(before.maxsim, after.maxsim, atol=1e-6)
    assert np.allclose(before.dense, after.dense, atol=2e-3)  # half precision on disk


def test_another_encoder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Vectors of two encoders can't be compared."""
    open_index(tmp_path, encoder="minilm").close()

    with pytest.raises(EncoderMismatchError, match=r"minilm.*delete index\.sqlite3"):
        open_index(tmp_path, encoder="other")


def test_another_codec_is_refused(tmp_path: Path) -> None:
    """Nor can codes of two projections."""
    open_index(tmp_path).close()

    with pytest.raises(EncoderMismatchError, match="codec"):
        open_index(tmp_path, codec=TokenCodec(np.eye(384, 8, dtype=np.float32)))


def test_a_flipped_bit_is_noticed(tmp_path: Path, maker: Maker) -> None:
    """An entry that changed on disk is never answered with."""
    index = open_index(tmp_path)
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    index.close()
    path = tmp_path / "index.sqlite3"
    data = bytearray(path.read_bytes())
    pooled = maker.turn(TEXTS[0], 0).passages[0].pooled.astype("<f2").tobytes()
    data[data.index(pooled) + 100] ^= 1
    path.write_bytes(bytes(data))

    index = open_index(tmp_path)
    with pytest.raises(CorruptFileError):
        index.search(ADA, maker.views(TEXTS[0]), Limits())
    index.close()


def test_memory_is_bounded(tmp_path: Path, maker: Maker) -> None:
    """Users beyond the limit are read from disk again, and found all the same."""
    index = EmbeddedIndex(tmp_path, "minilm", 384, CODEC, hot_bytes=1)
    users = [Scope("acme", f"user{i}") for i in range(5)]
    for key, user in enumerate(users):
        index.upsert(user, [maker.turn(TEXTS[0], key)])
    for user in users:
        index.search(user, maker.views(TEXTS[0]), Limits())

    assert index.hot_scopes == 1
    assert all(index.search(user, maker.views(TEXTS[0]), Limits()).size == 1 for user in users)
    index.close()
