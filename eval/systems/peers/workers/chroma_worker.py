"""Chroma: a persistent collection, one document a turn, its vectors ours."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import Turn, encode, quiet, said, serve, warm
else:
    from harness import Turn, encode, quiet, said, serve, warm

HOME = quiet()


class Chroma:
    """Dense search over HNSW; the collection's own defaults otherwise."""

    def start(self, folder: Path) -> None:
        client = import_module("chromadb").PersistentClient(path=str(folder))
        self._turns: Any = client.get_or_create_collection("turns", metadata={"hnsw:space": "cosine"})

    def remember(self, turns: list[Turn]) -> None:
        texts = [said(turn) for turn in turns]
        warm(texts)
        self._turns.add(
            ids=[turn["id"] for turn in turns],
            documents=texts,
            embeddings=encode(texts),
            metadatas=[{"user": "user", "session": turn["session"]} for turn in turns],
        )

    def search(self, query: str, k: int) -> list[str]:
        return [found for found, _ in self._found(query, k)]

    def own(self, query: str) -> tuple[str, list[str]]:
        found = self._found(query, 10)  # its default
        return "\n".join(text for _, text in found), [turn for turn, _ in found]

    def forget(self) -> None:
        self._turns.delete(where={"user": "user"})

    def _found(self, query: str, count: int) -> list[tuple[str, str]]:
        answer = self._turns.query(query_embeddings=encode([query]), n_results=count)
        return list(zip(answer["ids"][0], answer["documents"][0], strict=True))


serve(Chroma(), HOME)
