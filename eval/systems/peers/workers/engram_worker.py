"""engram-search: dense, BM25 and boosts by reciprocal rank, without its reranker."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import DIM, Turn, encode, quiet, said, serve
else:
    from harness import DIM, Turn, encode, quiet, said, serve

HOME = quiet()


class Embedder:
    """engram's embedder port over the shared encoder."""

    dimension = DIM

    def encode_query(self, text: str) -> list[float]:
        """Return one vector."""
        return encode([text])[0]


class Engram:
    """One document a turn, instead of its chunks of six: the same units for every system."""

    def start(self, folder: Path) -> None:
        retrieval = import_module("engram.retrieval.pipeline")
        self._pipeline: Any = retrieval.RetrievalPipeline(embedder=Embedder(), use_reranker=False)
        self._document = import_module("engram.backends.base").Document
        faiss = import_module("engram.backends.faiss_backend").FaissBackend
        self._store: Any = faiss(folder / "faiss", dimension=DIM)
        self._documents: list[Any] = []

    def remember(self, turns: list[Turn]) -> None:
        vectors = encode([said(turn) for turn in turns])
        new = [
            self._document(
                id=turn["id"], text=said(turn), embedding=vector, metadata={"timestamp": turn["ts"] or ""}
            )
            for turn, vector in zip(turns, vectors, strict=True)
        ]
        self._store.add(new)
        self._documents.extend(new)

    def search(self, query: str, k: int) -> list[str]:
        return [document.id for document in self._pipeline.search(query, self._documents, top_k=k)]

    def own(self, query: str) -> tuple[str, list[str]]:
        found = self._pipeline.search(query, self._documents)
        return "\n".join(document.text for document in found), [document.id for document in found]

    def forget(self) -> None:
        self._store.delete([document.id for document in self._documents])
        self._documents = []


serve(Engram(), HOME)
