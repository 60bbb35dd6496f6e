"""Bytes a turn, by store: `python -m eval.sizes PATH [TURNS] [postgresql://… of an empty database]`."""

import base64
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from api.services import Services, open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from eval.datasets import read
from eval.latency.composed import ComposedEncoder, drawn
from memory.encoders import OnnxEncoder
from memory.scope import Scope
from memory.turns import NewTurn
from memory.vault.master import new_key
from retrieval.embedded.hot import HotScope
from retrieval.embedded.index import FILE
from retrieval.embedded.store import Store
from retrieval.index.port import IndexedTurn
from retrieval.passages.codec import default_codec
from retrieval.qdrant.points import points_of

_SENTENCES = 300
_SESSION = 100
_HALF = 2  # bytes of a number in half precision, in which the server keeps vectors
_RELATIONS = sa.text(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def main(path: Path, turns: int = 5000, database: str | None = None) -> dict[str, Any]:
    """Return bytes a turn, in sessions of a hundred turns of two sentences each, a user a session."""
    said = [unit.text for conversation in read(path) for unit in conversation.units]
    sentences = sorted({text for text in said if 20 <= len(text) < 160})[:_SENTENCES]  # noqa: PLR2004
    encoder = ComposedEncoder(OnnxEncoder(), sentences)
    texts = list(islice(drawn(sentences, turns), turns))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with open_services(Settings(data=data), encoder=encoder) as services:
            indexed = _filled(services, data, texts)
        found = {
            "turns": turns,
            "characters": sum(map(len, texts)) / turns,
            "sqlite_ledger": _file(data / "ledger.sqlite3") / turns,
            "embedded_index": _file(data / FILE) / turns,
            "embedded_index_hot": _hot(indexed) / turns,
            **{name: size / turns for name, size in _points(indexed).items()},
        }
    if database is not None:
        with tempfile.TemporaryDirectory() as folder:
            key = SecretStr(base64.b64encode(new_key()).decode())
            settings = Settings(data=Path(folder), database=SecretStr(database), master_key=key)
            with open_services(settings, encoder=encoder) as services:
                _filled(services, Path(folder), texts)
                services.ledger.compact()
                with services.ledger.reading(DEFAULT_TENANT) as tx:
                    found["postgresql_ledger"] = int(tx.scalar(_RELATIONS) or 0) / turns
    return {name: round(value) for name, value in found.items()}


def _filled(services: Services, data: Path, texts: Sequence[str]) -> list[IndexedTurn]:
    """Remember the texts; return what the embedded index keeps of them."""
    for first in range(0, len(texts), _SESSION):
        scope = Scope(DEFAULT_TENANT, f"u{first}", f"s{first}")
        services.remember(scope, [NewTurn("user", text) for text in texts[first : first + _SESSION]])
    services.drain()
    store = Store(data / FILE, services.index.settings, default_codec(services.index.settings.dim).dim)
    users = [Scope(DEFAULT_TENANT, f"u{first}") for first in range(0, len(texts), _SESSION)]
    kept = [turn for user in users for part in store.parts_of(user) for turn in part]
    store.close()
    return kept


def _file(path: Path) -> int:
    return path.stat().st_size


def _hot(indexed: Sequence[IndexedTurn]) -> int:
    hot = HotScope(384, default_codec(384).dim)
    hot.add(indexed)
    return hot.nbytes


def _points(indexed: Sequence[IndexedTurn]) -> dict[str, int]:
    """Return what points come to: vectors and payload on disk, and the quantised vectors in memory."""
    points = points_of(Scope(DEFAULT_TENANT, "u"), indexed)
    passages = [passage for turn in indexed for passage in turn.passages]
    vectors = sum(_HALF * (passage.pooled.size + passage.codes.size) for passage in passages)
    payload = sum(len(json.dumps(point.payload)) for point in points)
    return {
        "qdrant_points_computed": vectors + payload,
        "qdrant_memory_computed": sum(passage.pooled.size for passage in passages),
    }


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    print(json.dumps(main(Path(given[0]), int(given.get(1, 5000)), given.get(2)), indent=1))  # noqa: T201 - a command
