"""What a candidate is, apart from its words: when, by whom, how long, what kind of text."""

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.evidence.signals import Named
from retrieval.evidence.turnwise import TurnTable
from retrieval.index.port import Ints
from retrieval.passages.terms import term_hash, terms
from retrieval.passages.traits import Trait, traits
from retrieval.query.dates import ranges
from retrieval.query.query import Query

_DAY = 86_400.0


def form(query: Query, table: TurnTable) -> Named:
    """Return length, role and what kind of text it is."""
    spoken = table.speaker == 0
    tokens = np.log1p(table.tokens.astype(np.float32))
    named: Named = [
        ("length", tokens / 6),
        ("short", np.maximum(0, 1 - table.tokens / 15).astype(np.float32)),
        ("long", (table.passages > 1).astype(np.float32)),
        ("assistant", ((table.role == 1) & spoken).astype(np.float32)),
    ]
    named += [(trait.name.lower(), _has(table.traits, trait)) for trait in Trait if trait.name]
    own = traits(query.text)
    for trait in (Trait.CODE, Trait.CHANGE, Trait.WISH):
        named.append((f"both {trait.name}".lower(), _has(table.traits, trait) * float(bool(own & trait))))
    return named


def _has(bits: Ints, trait: Trait) -> Floats:
    present: Floats = ((bits & int(trait)) > 0).astype(np.float32)
    return present


def speakers(query: Query, table: TurnTable) -> Named:
    """Return whether the query names who speaks here, or only somebody else who speaks."""
    named = np.array([term_hash(term) >> 1 for term in terms(query.text)], np.int64)
    this: NDArray[np.bool_] = np.isin(table.speaker, named) & (table.speaker != 0)
    another = ~this & (table.speaker != 0) & bool(this.any())
    return [("speaker named", this.astype(np.float32)), ("other named", another.astype(np.float32))]


def dates(query: Query, table: TurnTable) -> Named:
    """Return whether a turn's time fits a time that the query names, and how near it is."""
    at = query.at if query.at is not None else float(table.at.max(initial=0))
    spans = ranges(query.text, at)
    inside = np.zeros(len(table), np.float32)
    near = np.zeros(len(table), np.float32)
    for begin, end in spans:
        off = np.maximum(np.maximum(begin - table.at, table.at - end), 0) / _DAY
        inside = np.maximum(inside, off == 0).astype(np.float32)
        near = np.maximum(near, np.exp(-off / 7)).astype(np.float32)
    return [
        ("in time", inside - (inside.mean() if len(table) else 0)),
        ("near in time", near - (near.mean() if len(table) else 0)),
    ]


def recency(table: TurnTable, size: int) -> Named:
    age = table.age.astype(np.float32)
    newest = table.session == table.session[np.argmin(table.age)] if len(age) else age > 0
    return [
        ("newness", 1 - age / max(size, 1)),
        ("log newness", 1 - np.log1p(age) / np.log1p(max(size, 2))),
        ("newest session", newest.astype(np.float32)),
        ("opens session", (table.seq < 2).astype(np.float32)),  # noqa: PLR2004 - a question and its answer
    ]
