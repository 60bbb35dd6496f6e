"""A small memory to search, with vectors that are bags of words: like words, like vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memory.encoders import OnnxEncoder
from memory.encoders.port import Encoding, Floats, unit
from memory.tokens import TokenCounter
from memory.turns import Role, Turn
from retrieval.embedded.hot import HotScope
from retrieval.index.port import Found, Limits
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import indexed, spans_of
from retrieval.passages.terms import located, term_hash
from retrieval.query.query import Query, view

DIM = 64
DAY = 86_400
START = 1_700_000_000
CODEC = TokenCodec(np.eye(DIM, dtype=np.float32))
COUNTER = TokenCounter()


@dataclass(frozen=True)
class Said:
    """One turn of the small memory; day: days after the first."""

    text: str
    session: int = 1
    role: Role = "user"
    speaker: str | None = None
    day: int = 0


class WordsEncoder:
    """An encoder without a model, for tests of anything but meaning; it passes for the default one."""

    id = OnnxEncoder.id
    dim = OnnxEncoder.dim
    max_pieces = OnnxEncoder.max_pieces

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text."""
        return [encoding(text, self.dim) for text in texts]


def encoding(text: str, dim: int = DIM) -> Encoding:
    """Return vectors drawn from each word's hash."""
    found = [entry for entry in located(text) if entry[0]] or [("nothing", 0, 1)]
    tokens = np.stack([_drawn(term, dim) for term, _, _ in found])
    spans = np.array([[start, end] for _, start, end in found], np.int32)
    return Encoding(unit(tokens.mean(axis=0)), tokens, spans)


@lru_cache(10_000)
def _drawn(term: str, dim: int) -> Floats:
    return unit(np.random.default_rng(term_hash(term)).standard_normal(dim).astype(np.float32))


def memory(said: Sequence[Said]) -> HotScope:
    """Return a scope that holds these turns, numbered from 1."""
    scope = HotScope(DIM, CODEC.dim)
    seqs: dict[int, int] = {}
    for number, entry in enumerate(said, start=1):
        seq = seqs[entry.session] = seqs.get(entry.session, -1) + 1
        turn = Turn(
            id=number,
            name=f"t{number}",
            session=entry.session,
            session_name=f"s{entry.session}",
            seq=seq,
            role=entry.role,
            speaker=entry.speaker,
            content=entry.text,
            created_at=(START + entry.day * DAY) * 1_000_000,
            source="user",
            metadata={},
            tokens=COUNTER.count(entry.text),
        )
        spans = spans_of(turn)
        encodings = [encoding(entry.text[slice(*span)]) for span in spans]
        scope.add([indexed(turn, spans, encodings, COUNTER, CODEC)])
    return scope


def ask(text: str, said: Sequence[Said], *, recent: str | None = None, day: int = 400) -> tuple[Query, Found]:
    """Return a query and what a memory of these turns finds for it."""
    views = [view(part, encoding(part), CODEC) for part in (text, recent) if part]
    query = Query(text, (recent,) if recent else (), float(START + day * DAY))
    return query, memory(said).search(views, Limits(), None)


def found_in(scope: HotScope, text: str, *, session: int | None = None) -> Found:
    """Return what a scope finds for a text."""
    return scope.search([view(text, encoding(text), CODEC)], Limits(), session)
