"""Every adapter of the index port, opened alike: the contract and congruence tests run over all of them."""

import atexit
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from retrieval.embedded import EmbeddedIndex
from retrieval.index.port import Index
from retrieval.passages.codec import TokenCodec
from retrieval.qdrant import Clients, QdrantIndex, QdrantOptions, connect
from tests.exact import ExactIndex
from tests.qdrant.rest import scratch, serving

# Opens an index in a folder; the same folder again gives the same index, as after a restart.
Open = Callable[[Path, str, TokenCodec], Index]

HOT = 1 << 30


def embedded(folder: Path, encoder: str, codec: TokenCodec, *, hot_bytes: int = HOT) -> Index:
    """Open the embedded index."""
    return EmbeddedIndex(folder, encoder, codec.encoder_dim, codec, hot_bytes=hot_bytes)


def qdrant_server(folder: Path, encoder: str, codec: TokenCodec) -> Index:
    """Open an index of its own for each folder on the server that QDRANT_URL names."""
    name = folder / "alias"
    if not name.exists():
        name.write_text(f"test-{uuid4().hex}")
    clients = connect(
        os.environ["QDRANT_URL"], os.environ.get("QDRANT_API_KEY"), read_timeout=30, write_timeout=30
    )
    return _published(clients, encoder, codec, QdrantOptions(alias=name.read_text()))


class OverRest:
    """The index on Qdrant's engine behind its REST interface, an alias a folder."""

    def __init__(self, *, eager: int = 0, hot_bytes: int = HOT) -> None:
        self._eager = eager
        self._hot_bytes = hot_bytes
        self._stack = ExitStack()
        self._aliases: dict[Path, str] = {}

    def __call__(self, folder: Path, encoder: str, codec: TokenCodec) -> Index:
        """Open the folder's index; the server starts with the first."""
        alias = self._aliases.setdefault(folder, f"test-{uuid4().hex}")
        clients = connect(self._url, None, read_timeout=30, write_timeout=30)
        return _published(clients, encoder, codec, QdrantOptions(alias=alias), hot_bytes=self._hot_bytes)

    @cached_property
    def _url(self) -> str:
        atexit.register(self._stack.close)
        folder = self._stack.enter_context(scratch())
        return self._stack.enter_context(serving(folder, eager=self._eager))


def exact(folder: Path, encoder: str, codec: TokenCodec) -> Index:
    """Open the reference, which computes everything anew."""
    return ExactIndex(folder, encoder, codec)


def _published(
    clients: Clients, encoder: str, codec: TokenCodec, options: QdrantOptions, *, hot_bytes: int = HOT
) -> Index:
    opened = QdrantIndex(clients, encoder, codec.encoder_dim, codec, hot_bytes=hot_bytes, options=options)
    opened.publish()
    return opened


ADAPTERS: dict[str, Open] = {
    "exact": exact,
    "embedded": embedded,
    # Cold: nothing stays in memory between two calls.
    "embedded-cold": lambda folder, encoder, codec: embedded(folder, encoder, codec, hot_bytes=0),
    "qdrant": OverRest(),
    "qdrant-cold": OverRest(hot_bytes=0),
    # Graphs, quantised vectors and rewritten segments from the first point on.
    "qdrant-graphs": OverRest(eager=1),
}
if "QDRANT_URL" in os.environ:
    ADAPTERS["qdrant-server"] = qdrant_server
