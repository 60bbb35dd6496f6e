"""What speaks for and against a candidate turn, as numbers that mean the same in every memory."""

from dataclasses import dataclass

import numpy as np

from memory.encoders.port import Floats
from retrieval.evidence.form import dates, form, recency, speakers
from retrieval.evidence.matches import Matches
from retrieval.evidence.signals import Named, feedback, neighbours, recent_turns, relative, together, versions
from retrieval.evidence.turnwise import TurnTable, turnwise
from retrieval.evidence.wholes import sessions, threads
from retrieval.index.port import Found
from retrieval.query.kinds import KINDS, kinds
from retrieval.query.query import Query

_KIND = {name: place for place, name in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Featured:
    """Turns with their features. values: float32 (n, len(names)). kinds: float32 (len(KINDS),).

    base: float32 (n,), the untrained sum of dense, lexical and token-level scores. matches: the query's
    words in them.
    """

    table: TurnTable
    values: Floats
    names: tuple[str, ...]
    kinds: Floats
    base: Floats
    matches: Matches


def featured(query: Query, found: Found) -> Featured:
    """Return the features of every candidate turn."""
    table = turnwise(found.candidates)
    asked = kinds(query.text)
    matches = Matches(query.text, table.matched)
    scores = {
        "dense": table.dense[:, 0],
        "lexical": table.lexical[:, 0],
        "maxsim": table.maxsim[:, 0],
        "coverage": table.coverage[:, 0],
    }
    base = together(table, 0)
    named: Named = []
    for name, signal in {**scores, "base": base}.items():
        named += relative(name, signal)
    named += [(name, scores[name]) for name in ("dense", "maxsim", "coverage")]
    named.append(("rarest", table.rarest[:, 0]))
    named.append(("identifier", matches.identifiers))
    named += neighbours(table, base)
    named += sessions(table, base)
    named += threads(table)
    named += feedback(table, base)
    named += versions(table, base)
    named += recency(table, found.size)
    named += recent_turns(table)
    named += form(query, table)
    named += speakers(query, table)
    named += dates(query, table)
    named += _gated(dict(named), asked)
    values = np.stack([values for _, values in named], axis=1).astype(np.float32)
    return Featured(table, values, tuple(name for name, _ in named), asked, base, matches)


# What a kind of question changes: for each cue, the features whose weight may differ with it.
_THREAD = ("session fit rank", "thread", "latest in rank", "opening fit", "opening")
_GATES: dict[str, tuple[str, ...]] = {
    "question": (
        *_THREAD,
        "newness",
        "log newness",
        "newest session",
        "session mean",
        "asks",
        "assistant",
        "base z",
    ),
    "when": ("time", "number"),
    "number": ("number",),
    "back": (*_THREAD, "newness", "log newness", "newest session", "assistant", "session mean"),
    "assistant": ("assistant", "long"),
    "self": ("assistant", "first_person"),
    "current": ("newness", "change", "said again later", "said before"),
    "first": ("newness", "change", "said again later", "said before"),
    "order": (*_THREAD, "newness", "log newness", "newest session", "assistant", "wish", "base z"),
    "many": ("session mean", "session share", "base z", "like the best"),
    "length": (
        "newness",
        "log newness",
        "newest session",
        "session mean",
        "session share",
        "base z",
        "assistant",
    ),
}


def _gated(features: dict[str, Floats], asked: Floats) -> Named:
    return [
        (f"{name} if {kind}", features[name] * asked[_KIND[kind]])
        for kind, names in _GATES.items()
        for name in names
    ]
