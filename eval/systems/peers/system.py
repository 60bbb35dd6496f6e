"""A peer as a system: its ranking under our budget, and its own context besides."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.datasets.model import Query, Span, Unit
from eval.datasets.turns import spoken
from eval.metrics.credit import whole
from eval.systems.packing import Packer
from eval.systems.peers.install import installed
from eval.systems.peers.known import PEERS, python_of, worker_of
from eval.systems.peers.pipe import Pipe
from eval.systems.port import Delivered, Item, Means, SystemFailedError
from memory.turns import spoken_by

# How deep a list a peer is asked for: about what 8,192 tokens of short turns take.
DEEP = 300


class PeerSystem:
    """A memory system that is not ours.

    Same turns, encoder, counter, budget and renderer as for all; only the order is the peer's.
    """

    budgeted = True

    def __init__(self, name: str, means: Means) -> None:
        """Start nothing yet: the worker begins with the first conversation."""
        self.name = name
        self._means = means
        self._packer = Packer(means.counter)
        self._pipe: Pipe | None = None
        self._last: tuple[str, int, list[str]] | None = None
        self._units: dict[str, Unit] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"packages": installed(self.name), "note": PEERS[self.name].note, "deep": DEEP}

    def start(self, conversation: str) -> None:
        """Begin with an empty memory in the same process."""
        del conversation
        self._packer.forget()
        self._last = None
        self._units = {}
        if not python_of(self.name).exists():
            raise SystemFailedError(f"not installed; run `satchel eval peers install {self.name}`")
        if self._pipe is None:
            self._pipe = Pipe(python_of(self.name), worker_of(self.name), self._means.encoder)
        self._pipe.call("start")

    def remember(self, units: Sequence[Unit]) -> None:
        """Hand over the next turns."""
        self._packer.add(units)
        self._units.update((unit.id, unit) for unit in units)
        self._running.call("remember", turns=[_turn(unit) for unit in units])

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return the peer's best turns that fit."""
        return self._packer.pack(self._ranked(query), max_tokens)

    def own_context(self, query: Query) -> Delivered | None:
        """Return what the peer hands out by its own defaults."""
        answer = self._running.call("own", query=query.text)
        pieces = answer["pieces"]
        items = (
            Item(unit, _excerpts(self._units[unit], pieces[unit]) if unit in pieces else None)
            for unit in dict.fromkeys(answer["ids"])
        )
        return Delivered(answer["text"], tuple(items))

    def ranking(self, query: Query, k: int) -> list[str]:
        """Return the peer's best turns."""
        return self._ranked(query)[:k]

    def forget(self) -> None:
        """Delete the conversation by the peer's own means."""
        self._running.call("forget")

    def folder(self) -> Path:
        """Return the folder of all files that the peer keeps."""
        return Path(self._running.call("folder"))

    def close(self) -> None:
        """End the worker."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    @property
    def _running(self) -> Pipe:
        if self._pipe is None:
            raise SystemFailedError("the worker was not started")
        return self._pipe

    def _ranked(self, query: Query) -> list[str]:
        count = len(self._units)
        if self._last is None or self._last[:2] != (query.id, count):
            found = self._running.call("search", query=query.text, k=min(DEEP, count))
            self._last = (query.id, count, list(dict.fromkeys(found)))
        return self._last[2]


def _excerpts(unit: Unit, pieces: Sequence[str]) -> tuple[Span, ...] | None:
    """Return where in the unit each piece is; None = claim all of it, if one holds it or isn't its words."""
    said = spoken(unit)
    # The speaker's name is ours and no part of the unit.
    before = len(said) - len(unit.text)
    spans: list[Span] = []
    at = 0
    for piece in filter(None, (piece.strip() for piece in pieces)):
        # Pieces of a text that was altered follow each other; chunks come in any order.
        start = said.find(piece, at)
        if start < 0:
            start = said.find(piece)
        if start < 0:
            return None
        at = start + len(piece)
        if at > before:
            spans.append((max(start - before, 0), at - before))
    # Not merged: pieces that touch in the turn needn't touch in what was given.
    return None if any(whole(unit.text, [span]) for span in spans) else tuple(sorted(spans))


def _turn(unit: Unit) -> dict[str, Any]:
    role, speaker = spoken_by(unit.role)
    return {
        "id": unit.id,
        "session": unit.session,
        "ts": unit.ts,
        "role": role,
        "speaker": speaker,
        "text": unit.text,
    }
