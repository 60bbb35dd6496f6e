"""What Qdrant takes for one user: `python -m tests.qdrant.measure PATH [TURNS]`, PATH an evidence file.

Times are the processor's: of a search here, and of its requests in the engine alone.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import qdrant_edge as edge
from qdrant_client import models as q

from eval.datasets import read
from eval.latency.composed import ComposedEncoder, drawn
from memory.encoders import Encoder, OnnxEncoder
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.index.port import Index, Limits, QueryView
from retrieval.passages.codec import TokenCodec, default_codec
from retrieval.passages.making import encoded
from retrieval.qdrant import QdrantIndex, connect
from retrieval.qdrant.collection import DENSE, TOKENS
from retrieval.qdrant.points import of_owner, owner_of
from retrieval.qdrant.source import nearest
from retrieval.query.query import Query, views
from tests.helpers import a_turn
from tests.qdrant.process import qdrant_process
from tests.qdrant.translate import query

_SCOPE = Scope("default", "u")
_OWNER = owner_of(_SCOPE)
_SENTENCES = 300
_ASKED = 30
_AGAIN = 5
# Rows that a search compares token by token.
_NAMED = 300
_HOT = 1 << 30
# Prints how much memory that is in no file a shard takes: open, and asked for each point's indexed fields.
_RESIDENT = """
import sys, qdrant_edge as edge
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
before = anonymous()
shard = edge.EdgeShard.load(sys.argv[1])
shard.count(edge.CountRequest(exact=True))
print(anonymous() - before)
"""


def main(path: Path, count: int = 5000) -> dict[str, float]:
    """Return bytes a turn and milliseconds, with so many turns of two sentences."""
    said = [unit.text for conversation in read(path) for unit in conversation.units]
    sentences = sorted({text for text in said if 20 <= len(text) < 160})[:_SENTENCES]
    encoder = ComposedEncoder(OnnxEncoder(), sentences)
    codec = default_codec(encoder.dim)
    texts = list(islice(drawn(sentences, count), count + _ASKED))
    asked = [views(Query(text), encoder, codec) for text in texts[count:]]
    with tempfile.TemporaryDirectory() as folder:
        found = _searched(Path(folder), texts[:count], asked, encoder, codec)
        (shard,) = (Path(folder) / "engine").iterdir()
        found |= _sizes(shard, count) | _requested(shard, [each[0] for each in asked])
    return {"turns": count, **{name: round(value, 2) for name, value in found.items()}}


def _searched(
    folder: Path,
    texts: Sequence[str],
    asked: Sequence[Sequence[QueryView]],
    encoder: Encoder,
    codec: TokenCodec,
) -> dict[str, float]:
    """Fill both indexes, and return processor milliseconds of a search in each, here without the engine's."""
    said = [a_turn(text, turn=place, session=place // 100, seq=place) for place, text in enumerate(texts)]
    with qdrant_process(folder / "engine") as (_, port):
        clients = connect(f"http://127.0.0.1:{port}", None, read_timeout=600, write_timeout=600)
        qdrant = QdrantIndex(clients, encoder.id, encoder.dim, codec, hot_bytes=_HOT)
        embedded = EmbeddedIndex(folder, encoder.id, encoder.dim, codec, hot_bytes=_HOT)
        indexes: dict[str, Index] = {"qdrant": qdrant, "embedded": embedded}
        for first in range(0, len(said), 200):
            turns = encoded(said[first : first + 200], encoder.encode, TokenCounter(), codec)
            qdrant.upsert(_SCOPE, turns)
            embedded.upsert(_SCOPE, turns)
        qdrant.compact()  # which has segments indexed too, and all of it written
        took: dict[str, list[float]] = {"qdrant": [], "embedded": []}
        for each in asked:
            for name, index in indexes.items():
                begun = time.process_time()
                index.search(_SCOPE, each, Limits())
                took[name].append(time.process_time() - begun)
        qdrant.close()
        embedded.close()
    return {f"search_{name}_here_ms": statistics.median(seconds) * 1000 for name, seconds in took.items()}


def _sizes(shard: Path, count: int) -> dict[str, float]:
    """Return bytes a turn: on disk without the log, and in memory that no file backs."""
    files = (path for path in (shard / "segments").rglob("*") if path.is_file())
    disk = sum(path.stat().st_blocks * 512 for path in files)
    command = [sys.executable, "-c", _RESIDENT, str(shard)]
    memory = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return {"disk_bytes": disk / count, "memory_bytes": memory / count}


def _requested(folder: Path, asked: Sequence[QueryView]) -> dict[str, float]:
    """Return processor milliseconds of requests, and the share of the nearest that a search is told of.

    A search's two requests, one with prefetch in their place, the first of the two alone, and that one exact.
    """
    shard = edge.EdgeShard.load(str(folder))
    kinds = {"two_requests": _two, "one_with_prefetch": _one, "nearest": _near, "nearest_exact": _exact}
    found = {
        f"{name}_ms": min(
            statistics.median(each(Asking(shard), view).spent * 1000 for view in asked) for _ in range(_AGAIN)
        )
        for name, each in kinds.items()
    }
    ours, truth = ([each(Asking(shard), view).named for view in asked] for each in (_near, _exact))
    shares = [len(one & other) / len(other) for one, other in zip(ours, truth, strict=True)]
    shard.close()
    return found | {"nearest_found": statistics.mean(shares)}


@dataclass
class Asking:
    """Requests to a shard. spent: seconds that the processor was at them; other work only adds to that.

    named: points of the last answer.
    """

    shard: edge.EdgeShard
    spent: float = 0.0
    named: set[object] = field(default_factory=set)

    def ask(self, *requests: q.QueryRequest) -> list[list[edge.ScoredPoint]]:
        """Return the answers to a batch."""
        bodies = [query(each.model_dump(mode="json", exclude_unset=True)) for each in requests]
        begun = time.process_time()
        answers = self.shard.query_batch(edge.QueryBatchRequest(bodies))
        self.spent += time.process_time() - begun
        self.named = {point.id for point in answers[-1]}
        return answers


def _near(asking: Asking, view: QueryView) -> Asking:
    asking.ask(*nearest(_OWNER, [view], Limits(), None))
    return asking


def _exact(asking: Asking, view: QueryView) -> Asking:
    (near,) = nearest(_OWNER, [view], Limits(), None)
    asking.ask(near.model_copy(update={"params": q.SearchParams(exact=True)}))
    return asking


def _two(asking: Asking, view: QueryView) -> Asking:
    """Ask as a search does: what is near, then what is to be compared token by token."""
    (near,) = asking.ask(*nearest(_OWNER, [view], Limits(), None))
    where = of_owner(_OWNER, q.HasIdCondition(has_id=[str(point.id) for point in near[:_NAMED]]))
    asking.ask(
        q.QueryRequest(query=view.tokens.tolist(), using=TOKENS, filter=where, limit=_NAMED),
        q.QueryRequest(filter=where, limit=_NAMED, with_payload=True),
    )
    return asking


def _one(asking: Asking, view: QueryView) -> Asking:
    """Ask for what is near, and have as many of the nearest compared token by token."""
    (near,) = nearest(_OWNER, [view], Limits(), None)
    before = q.Prefetch(
        query=view.pooled.tolist(), using=DENSE, filter=near.filter, params=near.params, limit=_NAMED
    )
    asking.ask(
        near,
        q.QueryRequest(
            query=view.tokens.tolist(), using=TOKENS, prefetch=[before], limit=_NAMED, with_payload=True
        ),
    )
    return asking


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    print(json.dumps(main(Path(given[0]), int(given.get(1, 5000))), indent=1))  # noqa: T201 - a command
