"""LangGraph's in-memory store with an index: dense search in a namespace."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import DIM, Turn, encode, quiet, said, serve, warm
else:
    from harness import DIM, Turn, encode, quiet, said, serve, warm

HOME = quiet()
NAMESPACE = ("memories", "user")


class LangGraph:
    """One item a turn. Its store pads results with unscored items, which are dropped."""

    def start(self, folder: Path) -> None:
        del folder
        store = import_module("langgraph.store.memory").InMemoryStore
        self._store: Any = store(index={"dims": DIM, "embed": encode, "fields": ["text"]})

    def remember(self, turns: list[Turn]) -> None:
        # One by one: a batch that holds the same text twice fails in 4.1 ("number of embeddings").
        warm([said(turn) for turn in turns])
        for turn in turns:
            self._store.put(NAMESPACE, turn["id"], {"text": said(turn)})

    def search(self, query: str, k: int) -> list[str]:
        return [item.key for item in self._found(query, limit=k)]

    def own(self, query: str) -> tuple[str, list[str]]:
        found = self._found(query)
        return "\n".join(item.value["text"] for item in found), [item.key for item in found]

    def forget(self) -> None:
        while items := self._store.search(NAMESPACE, limit=1000):
            for item in items:
                self._store.delete(NAMESPACE, item.key)

    def _found(self, query: str, **how: int) -> list[Any]:
        return [item for item in self._store.search(NAMESPACE, query=query, **how) if item.score]


serve(LangGraph(), HOME)
