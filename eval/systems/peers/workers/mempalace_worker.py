"""MemPalace: one drawer a turn in its exact SQLite store, hybrid ranking."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import Turn, quiet, said, serve, warm
    from eval.systems.peers.workers.loopback import embeddings_server
else:
    from harness import Turn, quiet, said, serve, warm
    from loopback import embeddings_server

HOME = quiet()
os.environ.update(
    MEMPALACE_BACKEND="sqlite_exact",
    MEMPALACE_EMBEDDING_MODEL="openai-compat",
    MEMPALACE_EMBEDDING_API_URL=embeddings_server(),
    MEMPALACE_EMBEDDING_API_MODEL="shared",
    MEMPALACE_EMBEDDING_API_KEY="x",
)


class MemPalace:
    """`union` candidates are its better mode; its default, `vector`, is what `own` uses."""

    def start(self, folder: Path) -> None:
        self._path = str(folder / "palace")
        self._collection: Any = import_module("mempalace.palace").get_collection(self._path, create=True)
        self._search = import_module("mempalace.searcher").search_memories

    def remember(self, turns: list[Turn]) -> None:
        warm([said(turn) for turn in turns])
        self._collection.upsert(
            ids=[turn["id"] for turn in turns],
            documents=[said(turn) for turn in turns],
            metadatas=[
                {
                    "wing": "user",
                    "room": turn["session"],
                    "source_file": f"{turn['session']}/{turn['id']}",
                    "chunk_index": 0,
                    "filed_at": turn["ts"] or "",
                }
                for turn in turns
            ],
        )

    def search(self, query: str, k: int) -> list[str]:
        return [row["drawer_id"] for row in self._found(query, n_results=k, candidate_strategy="union")]

    def own(self, query: str) -> tuple[str, list[str]]:
        found = self._found(query)
        return "\n".join(row["text"] for row in found), [row["drawer_id"] for row in found]

    def forget(self) -> None:
        self._collection.delete(where={"wing": "user"})

    def _found(self, query: str, **how: object) -> list[dict[str, Any]]:
        answer = self._search(query, self._path, wing="user", **how)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        rows: list[dict[str, Any]] = answer["results"]
        return rows


serve(MemPalace(), HOME)
