"""Hindsight without a language model: chunks; dense, text search and graph by reciprocal rank; PostgreSQL."""

import asyncio
import os
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import DIM, Turn, quiet, said, serve, warm
    from eval.systems.peers.workers.loopback import embeddings_server
else:
    from harness import DIM, Turn, quiet, said, serve, warm
    from loopback import embeddings_server

HOME = quiet()
# Tokens by its own count of a long list; what is delivered is cut by us.
_LONG = 40_000
_PART = 50


class Hindsight:
    """One document a turn. Its server is started once; a conversation is a bank."""

    def __init__(self) -> None:
        """Start PostgreSQL and the engine."""
        self._loop = asyncio.new_event_loop()
        self._server: Any = import_module("pgserver").get_server(str(HOME / "postgres"))
        os.environ.update(
            HINDSIGHT_API_LLM_PROVIDER="none",
            HINDSIGHT_API_EMBEDDINGS_PROVIDER="openai",
            HINDSIGHT_API_EMBEDDINGS_OPENAI_API_KEY="x",
            HINDSIGHT_API_EMBEDDINGS_OPENAI_MODEL="shared",
            HINDSIGHT_API_EMBEDDINGS_OPENAI_BASE_URL=embeddings_server(),
            HINDSIGHT_API_EMBEDDINGS_DIMENSION=str(DIM),
            HINDSIGHT_API_RERANKER_PROVIDER="rrf",
            HINDSIGHT_API_DATABASE_URL=self._server.get_uri(),
        )
        package = import_module("hindsight_api")
        self._context: Any = package.RequestContext()
        self._engine: Any = package.MemoryEngine(db_url=self._server.get_uri())
        self._loop.run_until_complete(self._engine.initialize())
        self._widest = import_module("hindsight_api.engine.memory_engine").Budget.HIGH
        self._bank = ""

    def start(self, folder: Path) -> None:
        self._bank = folder.name

    def remember(self, turns: list[Turn]) -> None:
        for start in range(0, len(turns), _PART):
            part = turns[start : start + _PART]
            warm([said(turn) for turn in part])
            items = [
                {
                    "content": said(turn),
                    "document_id": turn["id"],
                    **({"event_date": datetime.fromisoformat(turn["ts"])} if turn["ts"] else {}),
                }
                for turn in part
            ]
            self._run(self._engine.retain_batch_async(self._bank, items, request_context=self._context))

    def search(self, query: str, k: int) -> list[str]:
        # Its widest search; its default, "mid", brings a few dozen turns.
        found = self._recall(query, max_tokens=_LONG, budget=self._widest)
        return list(dict.fromkeys(fact.document_id for fact in found))[:k]

    def own(self, query: str) -> tuple[str, dict[str, list[str]]]:
        # A turn of more than 3,000 characters is several chunks, and each is found by itself.
        found = self._recall(query)
        pieces: dict[str, list[str]] = {}
        for fact in found:
            pieces.setdefault(fact.document_id, []).append(fact.text)
        return "\n".join(fact.text for fact in found), pieces

    def forget(self) -> None:
        self._run(self._engine.delete_bank(self._bank, request_context=self._context))

    def _recall(self, query: str, **how: Any) -> list[Any]:
        found = self._run(self._engine.recall_async(self._bank, query, request_context=self._context, **how))
        facts: list[Any] = found.results
        return facts

    def _run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)


serve(Hindsight(), HOME)
