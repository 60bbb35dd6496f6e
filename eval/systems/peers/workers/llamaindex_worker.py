"""LlamaIndex's VectorMemoryBlock over embedded Qdrant: one message a node."""

import asyncio
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import Turn, encode, quiet, said, serve, warm
else:
    from harness import Turn, encode, quiet, said, serve, warm

HOME = quiet()
BaseEmbedding = import_module("llama_index.core.base.embeddings.base").BaseEmbedding


class Embedding(BaseEmbedding):  # type: ignore[misc, valid-type]
    """LlamaIndex's embedding port over the shared encoder."""

    def _get_query_embedding(self, query: str) -> list[float]:
        return encode([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return encode([query])[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return encode([text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return encode([text])[0]


class LlamaIndex:
    """Nodes hold text and no id of ours, so results are mapped back by their text."""

    def __init__(self) -> None:
        """One loop for all: the store's client belongs to it."""
        self._loop = asyncio.new_event_loop()

    def start(self, folder: Path) -> None:
        client = import_module("qdrant_client").AsyncQdrantClient(path=str(folder / "q"))
        store = import_module("llama_index.vector_stores.qdrant").QdrantVectorStore
        block = import_module("llama_index.core.memory").VectorMemoryBlock
        self._message = import_module("llama_index.core.base.llms.types").ChatMessage
        self._query = import_module("llama_index.core.vector_stores.types").VectorStoreQuery
        self._client: Any = client
        self._store: Any = store(collection_name="memory", aclient=client)
        # The query alone: its default of five messages would mix the last answers in.
        self._block: Any = block(
            vector_store=self._store, embed_model=Embedding(), retrieval_context_window=1
        )
        self._ids: dict[str, list[str]] = defaultdict(list)

    def remember(self, turns: list[Turn]) -> None:
        warm([_node_text(turn) for turn in turns])

        async def put() -> None:
            for turn in turns:
                self._ids[_node_text(turn)].append(turn["id"])
                await self._block.aput([self._message(role=_role(turn), content=said(turn))])

        self._loop.run_until_complete(put())

    def search(self, query: str, k: int) -> list[str]:
        asked = self._query(query_str=query, query_embedding=encode([query])[0], similarity_top_k=k)
        found = self._loop.run_until_complete(self._store.aquery(asked))
        return self._mapped([node.get_content() for node in found.nodes or []])

    def own(self, query: str) -> tuple[str, list[str]]:
        asked = [self._message(role="user", content=query)]
        text = self._loop.run_until_complete(self._block.aget(asked))
        return text, self._mapped(text.split("\n\n<message"))

    def forget(self) -> None:
        self._loop.run_until_complete(self._store.aclear())

    def _mapped(self, texts: list[str]) -> list[str]:
        """Return ids; of turns with the same words each is named once."""
        found: list[str] = []
        for text in texts:
            whole = text if text.startswith("<message") else f"<message{text}"
            found.extend(name for name in self._ids.get(whole, []) if name not in found)
        return found


def _role(turn: Turn) -> str:
    return turn["role"] if turn["role"] in {"user", "assistant", "system"} else "user"


def _node_text(turn: Turn) -> str:
    return f"<message role='{_role(turn)}'>{said(turn)}</message>"


serve(LlamaIndex(), HOME)
