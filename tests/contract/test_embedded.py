"""What the embedded index promises beside the contract."""

from pathlib import Path

import pytest

from memory.errors import CorruptFileError
from memory.scope import Scope
from retrieval.embedded import EmbeddedIndex
from retrieval.index.port import Limits
from tests.adapters import embedded
from tests.contract.conftest import ADA, CODEC, TEXTS, Maker


def test_a_flipped_bit_is_noticed(tmp_path: Path, maker: Maker) -> None:
    """An entry that changed on disk is never answered with."""
    index = embedded(tmp_path, "minilm", CODEC)
    index.upsert(ADA, [maker.turn(TEXTS[0], 0)])
    index.close()
    path = tmp_path / "index.sqlite3"
    data = bytearray(path.read_bytes())
    pooled = maker.turn(TEXTS[0], 0).passages[0].pooled.astype("<f2").tobytes()
    data[data.index(pooled) + 100] ^= 1
    path.write_bytes(bytes(data))

    index = embedded(tmp_path, "minilm", CODEC)
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
