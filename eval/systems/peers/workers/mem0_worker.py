"""mem0 with `infer=False`: verbatim turns in its embedded Qdrant, no language model."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import DIM, Turn, encode, quiet, said, serve, warm
else:
    from harness import DIM, Turn, encode, quiet, said, serve, warm

HOME = quiet()


class Embedder:
    """mem0's embedder port over the shared encoder."""

    config = SimpleNamespace(embedding_dims=DIM)

    def embed(self, text: str, action: str | None = None) -> list[float]:
        del action
        return encode([text])[0]

    def embed_batch(self, texts: list[str], action: str | None = None) -> list[list[float]]:
        del action
        return encode(texts)


class Mem0:
    """Every turn its own `add`; offline its BM25 arm has no model and is idle."""

    def start(self, folder: Path) -> None:
        config = {
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": str(folder / "q"), "embedding_model_dims": DIM, "on_disk": True},
            },
            "embedder": {"provider": "openai", "config": {"api_key": "x", "embedding_dims": DIM}},
            "llm": {"provider": "openai", "config": {"api_key": "x"}},
            "history_db_path": str(folder / "history.db"),
        }
        self._memory: Any = import_module("mem0").Memory.from_config(config)
        self._memory.embedding_model = Embedder()

    def remember(self, turns: list[Turn]) -> None:
        warm([said(turn) for turn in turns])
        for turn in turns:
            role = "assistant" if turn["role"] == "assistant" else "user"
            message = {"role": role, "content": said(turn)}
            self._memory.add(
                [message], user_id="user", run_id=turn["session"], infer=False, metadata={"turn": turn["id"]}
            )

    def search(self, query: str, k: int) -> list[str]:
        return [row["metadata"]["turn"] for row in self._found(query, top_k=k, threshold=0.0)]

    def own(self, query: str) -> tuple[str, list[str]]:
        found = self._found(query)
        return "\n".join(row["memory"] for row in found), [row["metadata"]["turn"] for row in found]

    def forget(self) -> None:
        self._memory.delete_all(user_id="user")

    def _found(self, query: str, **how: float) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._memory.search(query, filters={"user_id": "user"}, **how)["results"]
        return rows


serve(Mem0(), HOME)
