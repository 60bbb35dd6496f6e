"""Every index adapter keeps the same promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory.errors import EncoderMismatchError
from memory.scope import Scope
from retrieval.index.port import Index, IndexSettings, Limits
from retrieval.passages.codec import TokenCodec
from tests.adapters import ADAPTERS, Open
from tests.contract.conftest import ADA, BOB, CODEC, TEXTS, Maker


@pytest.fixture(params=ADAPTERS.values(), ids=list(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> Open:
    """Each adapter in turn."""
    opens: Open = request.param
    return opens


@pytest.fixture
def index(adapter: Open, tmp_path: Path) -> Iterator[Index]:
    """A new index of each adapter in turn."""
    opened = adapter(tmp_path, "minilm", CODEC)
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


def test_a_previewed_turn_is_found_by_its_words(index: Index, maker: Maker) -> None:
    """Before its vectors are there a turn has lexical scores, and then all of them, once."""
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    index.preview(ADA, [maker.bare(TEXTS[1], 1)])
    before = index.search(ADA, maker.views("NX-4471"), Limits()).candidates
    assert index.missing(ADA, [0, 1, 2]) == {2}

    index.upsert(ADA, [maker.turn(TEXTS[1], 1)])
    after = index.search(ADA, maker.views("NX-4471"), Limits()).candidates

    assert best_row(before, "lexical") == 1
    assert before.dense[before.turn == 1, 0] == before.coverage[before.turn == 1, 0] > 0
    assert after.dense[after.turn == 1, 0] > 0.3
    assert sorted(after.turn) == [0, 1]


def best_row(found: object, score: str) -> int:
    """Return the turn of the highest score."""
    return int(found.turn[np.argmax(getattr(found, score)[:, 0])])  # type: ignore[attr-defined]


def test_what_was_upserted_survives_a_restart(adapter: Open, tmp_path: Path, maker: Maker) -> None:
    """Scores are equal before and after."""
    first = adapter(tmp_path, "minilm", CODEC)
    first.upsert(ADA, [maker.turn(text * 12, key) for key, text in enumerate(TEXTS)])
    before = first.search(ADA, maker.views("launch"), Limits()).candidates
    first.close()

    second = adapter(tmp_path, "minilm", CODEC)
    after = second.search(ADA, maker.views("launch"), Limits()).candidates
    second.close()

    assert np.array_equal(before.turn, after.turn)
    assert np.array_equal(before.start, after.start)
    assert np.allclose(before.maxsim, after.maxsim, atol=1e-6)
    assert np.allclose(before.dense, after.dense, atol=2e-3)  # half precision on disk


def test_settings_say_what_it_was_built_with(index: Index) -> None:
    """Encoder, dimension and codec."""
    assert index.settings == IndexSettings("minilm", CODEC.encoder_dim, CODEC.id)


def test_no_trace_is_held_of_what_was_deleted(index: Index, maker: Maker) -> None:
    """Traces of a turn are among what is held, if anything local is, until it was deleted and compacted."""
    index.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    traces = [piece.data for piece in index.traces(ADA, [0])]
    held = b"".join(index.held())
    assert any(trace in held for trace in traces) == bool(traces) == bool(held)
    assert not list(index.traces(BOB, [0])), "another user's"

    index.delete(ADA, [0])
    assert index.compact(thorough=True)

    held = b"".join(index.held())
    assert not any(trace in held for trace in traces)
    assert index.search(ADA, maker.views(TEXTS[1]), Limits()).size == len(TEXTS) - 1


def test_a_user_of_whom_nothing_is_there(index: Index, maker: Maker) -> None:
    """Searching, deleting and asking for turns is answered, not failed."""
    index.delete(ADA)
    index.delete(ADA, [1])

    assert len(index.search(ADA, maker.views("anything"), Limits()).candidates) == 0
    assert index.missing(ADA, [1, 2]) == {1, 2}


def test_a_turn_in_many_passages_is_one_turn(index: Index, maker: Maker) -> None:
    """Its passages are numbered, found together, and gone together."""
    index.upsert(ADA, [maker.turn(" ".join(TEXTS) * 12, 5), maker.turn(TEXTS[3], 6)])

    found = index.search(ADA, maker.views(TEXTS[2]), Limits())
    long = found.candidates.take(found.candidates.turn == 5)

    assert found.size == 2
    assert len(long) > 1
    assert list(long.passage) == list(range(long.passages[0]))
    index.delete(ADA, [5])
    assert index.search(ADA, maker.views(TEXTS[2]), Limits()).size == 1


def test_a_turn_without_words(index: Index, maker: Maker) -> None:
    """It is there, though nothing in it can be searched for."""
    index.upsert(ADA, [maker.turn("", 0), maker.turn(TEXTS[0], 1)])

    assert sorted(index.search(ADA, maker.views(TEXTS[0]), Limits()).candidates.turn) == [0, 1]


def test_another_encoder_is_refused_with_the_remedy(adapter: Open, tmp_path: Path) -> None:
    """Vectors of two encoders can't be compared."""
    adapter(tmp_path, "minilm", CODEC).close()

    with pytest.raises(
        EncoderMismatchError, match=r"encoder 'minilm' instead of 'other'.* Start with the encoder"
    ):
        adapter(tmp_path, "other", CODEC)


def test_another_codec_is_refused(adapter: Open, tmp_path: Path) -> None:
    """Nor can codes of two projections."""
    adapter(tmp_path, "minilm", CODEC).close()

    with pytest.raises(EncoderMismatchError, match="codec"):
        adapter(tmp_path, "minilm", TokenCodec(np.eye(384, 8, dtype=np.float32)))
