"""taosmd's vector memory: one passage a turn, hybrid search."""

import asyncio
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.systems.peers.workers.harness import Turn, encode, quiet, said, serve, warm
else:
    from harness import Turn, encode, quiet, said, serve, warm

HOME = quiet()
# Reciprocal rank of cosine and BM25: the better of its modes that need no download.
FUSION = "bm25_rrf"
_SEEN_CHARACTERS = 512
# What it puts in the place of words that look like a secret, before it stores them.
_REDACTED = re.compile(r"\[REDACTED:\w+\]")


class Model:
    """What taosmd expects of a local model."""

    def encode(self, text: str, **how: object) -> Any:
        """Return one vector, as an array."""
        del how
        return import_module("numpy").array(encode([text])[0], "float32")


class Taosmd:
    """Its own defaults are five passages and a keyword boost."""

    def start(self, folder: Path) -> None:
        memory = import_module("taosmd.vector_memory").VectorMemory
        self._memory: Any = memory(str(folder / "vectors.db"))
        asyncio.run(self._memory.init())
        self._memory._embed_mode = "local"  # noqa: SLF001 - it has no other way to be given a model
        self._memory._local_model = Model()  # noqa: SLF001 - likewise

    def remember(self, turns: list[Turn]) -> None:
        warm([said(turn)[:_SEEN_CHARACTERS] for turn in turns])

        async def add() -> None:
            for turn in turns:
                await self._memory.add(said(turn), metadata={"turn": turn["id"]})

        asyncio.run(add())

    def search(self, query: str, k: int) -> list[str]:
        found = asyncio.run(self._memory.search(query, limit=k, hybrid=True, fusion=FUSION))
        return [row["metadata"]["turn"] for row in found]

    def own(self, query: str) -> tuple[str, dict[str, list[str]]]:
        found = asyncio.run(self._memory.search(query))
        pieces = {row["metadata"]["turn"]: _REDACTED.split(row["text"]) for row in found}
        return "\n".join(row["text"] for row in found), pieces

    def forget(self) -> None:
        asyncio.run(self._memory.clear())


serve(Taosmd(), HOME)
