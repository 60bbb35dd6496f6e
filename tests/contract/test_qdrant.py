"""What the index on Qdrant promises beside the contract."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from httpx import Headers
from qdrant_client import QdrantClient
from qdrant_client import models as q
from qdrant_client.http.exceptions import UnexpectedResponse

from memory.errors import CorruptFileError, SetupError, UnavailableError
from memory.scope import Scope
from retrieval.index.port import Limits
from retrieval.qdrant import Clients, QdrantIndex, QdrantOptions, connect, vacuum
from retrieval.qdrant.collection import collection_name
from retrieval.qdrant.remote import Remote, answering
from tests.contract.conftest import ADA, BOB, CODEC, TEXTS, Maker
from tests.qdrant.rest import scratch, serving

ANY = {"any": q.VectorParams(size=2, distance=q.Distance.DOT)}


def opened(client: QdrantClient, hot_bytes: int = 1 << 30) -> QdrantIndex:
    """Open an index, as one more process would."""
    return QdrantIndex(Clients(client, client), "minilm", 384, CODEC, hot_bytes=hot_bytes)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The server's files."""
    with scratch() as made:
        yield made


@pytest.fixture
def client(folder: Path) -> Iterator[QdrantClient]:
    """A client that several indexes share, of a server of its own."""
    with serving(folder) as url:
        made = QdrantClient(url, check_compatibility=False, timeout=60)
        yield made
        made.close()


def found(index: QdrantIndex, maker: Maker, scope: Scope = ADA) -> list[int]:
    """Return the turns that a search finds."""
    return sorted(set(index.search(scope, maker.views(TEXTS[0]), Limits()).candidates.turn.tolist()))


def test_a_new_turn_is_found_by_every_process(client: QdrantClient, maker: Maker) -> None:
    """The first search after a write elsewhere has it, whatever was in memory."""
    one, other = opened(client), opened(client)
    for key, text in enumerate(TEXTS):
        one.upsert(ADA, [maker.turn(text, key)])
        assert found(other, maker) == list(range(key + 1))
        assert other.missing(ADA, [key]) == set()


def test_a_deleted_turn_is_found_by_no_process(client: QdrantClient, maker: Maker) -> None:
    """Nor does it weigh in any score: what is left scores as if it had never been."""
    one, other, fresh = opened(client), opened(client), opened(client)
    one.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    assert found(other, maker) == [0, 1, 2, 3]

    one.delete(ADA, [0, 2])

    views = maker.views(TEXTS[1])
    after, anew = other.search(ADA, views, Limits()), fresh.search(ADA, views, Limits())
    assert found(other, maker) == [1, 3]
    assert np.array_equal(after.candidates.lexical, anew.candidates.lexical)
    assert np.array_equal(after.candidates.session_best, anew.candidates.session_best)


def test_a_deletion_that_was_cut_off_is_carried_through(
    client: QdrantClient, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is, no process trusts its memory; it says so where points are still there."""
    one, other = opened(client), opened(client)
    one.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    assert found(other, maker) == [0, 1, 2, 3]
    with monkeypatch.context() as patched:
        patched.setattr(client, "delete", lambda *_, **__: None)
        with pytest.raises(UnavailableError, match="still there"):
            one.delete(ADA, [0])
    # Points go while no stamp tells of it: a process that was cut off at this very place.
    client.delete(other._remote.collection, q.FilterSelector(filter=_of_turn(0)))  # noqa: SLF001 - behind its back

    assert found(other, maker) == [1, 2, 3]
    one.delete(ADA, [0])
    assert found(other, maker) == [1, 2, 3]


def _of_turn(key: int) -> q.Filter:
    return q.Filter(must=[q.FieldCondition(key="key", match=q.MatchValue(value=key))])


def test_a_preview_gives_way_to_what_another_process_indexed(client: QdrantClient, maker: Maker) -> None:
    """Shown by its words here, indexed there: its vectors are found here, and it is there once."""
    one, other = opened(client), opened(client)
    one.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    other.preview(ADA, [maker.bare(TEXTS[1], 1)])
    assert found(other, maker) == [0, 1]

    one.upsert(ADA, [maker.turn(TEXTS[1], 1)])

    views = maker.views("NX-4471")
    here, there = other.search(ADA, views, Limits()), opened(client).search(ADA, views, Limits())
    assert here.size == 2
    assert np.allclose(here.candidates.dense, there.candidates.dense, atol=1e-3)
    assert np.allclose(here.candidates.session_centroid, there.candidates.session_centroid, atol=1e-3)


def test_a_turn_that_comes_out_of_order_is_found(client: QdrantClient, maker: Maker) -> None:
    """One that was put off is indexed after later ones."""
    one, other = opened(client), opened(client)
    one.upsert(ADA, [maker.turn(TEXTS[0], 7)])
    assert found(other, maker) == [7]
    one.upsert(ADA, [maker.turn(TEXTS[1], 3)])

    assert found(other, maker) == [3, 7]


def test_nothing_that_was_said_is_on_the_server(client: QdrantClient, maker: Maker) -> None:
    """Payloads hold numbers, hashes and vectors: no word of a turn, no name."""
    index = opened(client)
    index.upsert(ADA, [maker.turn(text, key) for key, text in enumerate(TEXTS)])
    index.delete(ADA, [3])

    points, _ = client.scroll(index._remote.collection, limit=100, with_payload=True)  # noqa: SLF001 - all of it
    stored = json.dumps([point.payload for point in points]).lower()
    words = {word.strip(".?,").lower() for text in TEXTS for word in text.split() if len(word) > 4}
    assert len(points) == 3 + 2  # two stamps
    assert not [word for word in {*words, "acme", "nx-4471"} if word in stored]


def test_a_users_last_point_goes_with_the_user(client: QdrantClient, maker: Maker) -> None:
    """After a purge only two random stamps under a hash are left, and others keep theirs."""
    index = opened(client)
    index.upsert(ADA, [maker.turn(text * 20, key) for key, text in enumerate(TEXTS)])
    index.upsert(BOB, [maker.turn(TEXTS[0], 100)])

    index.delete(ADA)

    points, _ = client.scroll(index._remote.collection, limit=100, with_vectors=True)  # noqa: SLF001 - all of it
    assert [point.payload["key"] for point in points if point.vector] == [100]  # type: ignore[index]
    assert {tuple(sorted(point.payload)) for point in points if not point.vector} == {  # type: ignore[arg-type]
        ("kind", "marks", "stamp")
    }


@pytest.mark.parametrize(("eager", "more"), [(0, 0), (1, 120)], ids=["small", "with graphs"])
def test_a_deleted_point_leaves_the_files(
    folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch, eager: int, more: int
) -> None:
    """Deletion alone leaves it. Compaction gets it out, of the smallest segment too, or says it did not."""
    turns = [maker.turn(text, key) for key, text in enumerate(TEXTS)]
    vectors = [turn.passages[0].pooled.astype("<f2").tobytes() for turn in turns]
    with (
        serving(folder, eager=eager) as url,
        closing(QdrantClient(url, check_compatibility=False, timeout=60)) as client,
    ):
        index = opened(client)
        index.upsert(ADA, turns)
        index.upsert(ADA, [replace(turns[1], key=4 + key) for key in range(more)])
        index.delete(ADA, [0])
        left = _holding(folder, vectors[0])
        assert left

        with monkeypatch.context() as patched:
            patched.setattr(vacuum, "_PATIENCE", 0)
            patched.setattr(Remote, "is_optimized", lambda _: False)
            assert "has yet to rewrite" in index.compact()
        assert "segments rewritten" in index.compact()

        assert not [segment for segment in left if segment.exists()]
        assert [bool(_holding(folder, vector)) for vector in vectors] == [False, True, True, True]
        assert found(index, maker) == [*range(1, 4 + more)]
        there = client.get_collection(index.collection)
        assert (there.points_count, there.config.optimizer_config.deleted_threshold) == (3 + more + 2, 0.2)


def test_a_key_that_may_not_change_a_collection_still_purges(
    client: QdrantClient, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is said: deleted, not rewritten."""
    index = opened(client)
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])

    def refuse(*_: object, **__: object) -> None:
        raise UnexpectedResponse(403, "Forbidden", b"{}", Headers())

    monkeypatch.setattr(client, "update_collection", refuse)

    index.delete(ADA)
    assert "took no orders" in index.compact()


def _holding(folder: Path, piece: bytes) -> list[Path]:
    """Return the segments that hold these bytes."""
    return [
        segment
        for segment in folder.glob("*/segments/*")
        if any(piece in path.read_bytes() for path in segment.rglob("*") if path.is_file())
    ]


def test_a_point_that_changed_is_never_answered_with(client: QdrantClient, maker: Maker) -> None:
    """Nor one that changed hands: the checksum covers whose it is."""
    index = opened(client)
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    index.upsert(BOB, [maker.turn(TEXTS[1], 1)])
    owner = client.scroll(index._remote.collection, scroll_filter=_of_turn(1))[0][0].payload["owner"]  # type: ignore[index]  # noqa: SLF001

    client.set_payload(index._remote.collection, {"owner": owner}, points=_of_turn(0))  # noqa: SLF001

    with pytest.raises(CorruptFileError, match="turn 0"):
        opened(client).search(BOB, maker.views(TEXTS[0]), Limits())


def test_a_collection_of_somebody_else_is_refused(client: QdrantClient) -> None:
    """It says nothing of an encoder."""
    options = QdrantOptions()
    client.create_collection("theirs", vectors_config=ANY)
    alias = q.CreateAlias(collection_name="theirs", alias_name=options.alias)
    client.update_collection_aliases([q.CreateAliasOperation(create_alias=alias)])

    with pytest.raises(SetupError, match=r"theirs.*SATCHEL_QDRANT_COLLECTION"):
        opened(client)


def test_an_index_is_current_once_it_is_published(client: QdrantClient) -> None:
    """The alias moves in one step, wherever it pointed before."""
    index = opened(client)
    assert not index.published
    index.publish()
    assert index.published
    client.create_collection("next", vectors_config=ANY)
    client.update_collection_aliases(
        [
            q.DeleteAliasOperation(delete_alias=q.DeleteAlias(alias_name="satchel")),
            q.CreateAliasOperation(create_alias=q.CreateAlias(collection_name="next", alias_name="satchel")),
        ]
    )
    index.publish()

    names = {alias.alias_name: alias.collection_name for alias in client.get_aliases().aliases}
    assert names == {"satchel": collection_name(index.settings, QdrantOptions())}


def test_a_server_that_does_not_answer() -> None:
    """Opening says so, as an error that calls for another try."""
    with pytest.raises(UnavailableError, match="does not answer"):
        QdrantIndex(
            connect("http://127.0.0.1:1", None, read_timeout=1, write_timeout=1),
            "minilm",
            384,
            CODEC,
            hot_bytes=0,
        )


def test_a_read_gives_up_in_fractions_of_a_second() -> None:
    """A server that takes connections and says nothing: a read gives up well before a write would in 1 s."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        clients = connect(url, None, read_timeout=0.05, write_timeout=1)
        waited = []
        for client in (clients.reads, clients.writes):
            begun = time.perf_counter()
            with pytest.raises(UnavailableError), answering():
                client.get_aliases()
            waited.append(time.perf_counter() - begun)
        clients.close()
    assert waited[0] < waited[1] / 2
