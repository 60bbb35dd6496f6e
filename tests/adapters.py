"""Every adapter of the index port, opened alike: the contract and congruence tests run over all of them."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from qdrant_client import QdrantClient

from retrieval.codec import TokenCodec
from retrieval.embedded import EmbeddedIndex
from retrieval.index import Index
from retrieval.qdrant import Clients, QdrantIndex, QdrantOptions, connect
from tests.exact import ExactIndex
from tests.qdrant_rest import serving

# Opens an index in a folder; the same folder again gives the same index, as after a restart.
Open = Callable[[Path, str, TokenCodec], Index]

HOT = 1 << 30


def embedded(folder: Path, encoder: str, codec: TokenCodec, *, hot_bytes: int = HOT) -> Index:
    """Open the embedded index."""
    return EmbeddedIndex(folder, encoder, codec.encoder_dim, codec, hot_bytes=hot_bytes)


def qdrant(folder: Path, encoder: str, codec: TokenCodec, *, hot_bytes: int = HOT) -> Index:
    """Open the index on an in-process Qdrant that keeps its points in the folder."""
    client = QdrantClient(path=str(folder / "qdrant"), force_disable_check_same_thread=True)
    return _published(Clients(client, client), encoder, codec, QdrantOptions(), hot_bytes=hot_bytes)


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
    """The index on an in-process Qdrant behind its REST interface, an alias a folder."""

    def __init__(self) -> None:
        self._server = serving()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._aliases: dict[Path, str] = {}

    def __call__(self, folder: Path, encoder: str, codec: TokenCodec) -> Index:
        """Open the folder's index."""
        alias = self._aliases.setdefault(folder, f"test-{uuid4().hex}")
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        clients = connect(url, None, read_timeout=30, write_timeout=30)
        return _published(clients, encoder, codec, QdrantOptions(alias=alias))


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
    "qdrant": qdrant,
    "qdrant-rest": OverRest(),
    "qdrant-cold": lambda folder, encoder, codec: qdrant(folder, encoder, codec, hot_bytes=0),
}
if "QDRANT_URL" in os.environ:
    ADAPTERS["qdrant-server"] = qdrant_server
