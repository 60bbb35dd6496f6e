"""The turn that asks for context, as the index can search by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from memory.encoders.port import Encoder, Encoding
from retrieval.index.port import QueryView
from retrieval.passages.codec import TokenCodec
from retrieval.passages.excerpts import WHOLE
from retrieval.passages.terms import located, term_hash

# Characters of each of the turns before the new one that it is understood by.
_BEGINNING = 360


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: the new turn's text, the turns just before it (oldest first), and when (Unix time)."""

    text: str
    recent: tuple[str, ...] = field(default=())
    at: float | None = None


def view(text: str, encoding: Encoding, codec: TokenCodec) -> QueryView:
    """Return `text` as a view to search by; `encoding` is its own."""
    found = located(text)
    hashes = [term_hash(term) for term, _, _ in found]
    terms, places = np.unique(np.array(hashes, np.uint64), return_inverse=True)
    # A token belongs to the last term that covers its first character: the part, not the identifier.
    owner = np.full(len(text) + 1, -1, np.int64)
    for (_, start, end), place in zip(found, places, strict=True):
        owner[start:end] = place
    firsts = encoding.spans[:, 0]
    return QueryView(encoding.pooled, codec.project(encoding.tokens), terms, owner[firsts])


def views(query: Query, encoder: Encoder, codec: TokenCodec) -> list[QueryView]:
    """Return what to search by: the new turn and, where there are any, the turns before it."""
    texts = [query.text]
    if query.recent:
        texts.append(said_text(query.recent))
    return [view(text, encoding, codec) for text, encoding in zip(texts, encoder.encode(texts), strict=True)]


def said_text(recent: Sequence[str]) -> str:
    """Return the turns before a new one as one text to search by: the newest first, each by its beginning.

    The encoder sees the start of a text alone, and what was said last matters most.
    """
    return "\n".join(text[:_BEGINNING] for text in reversed(recent))[:WHOLE]
