"""What speaks for and against a candidate turn, as numbers that mean the same in every memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.dates import ranges
from retrieval.index import Found, Ints
from retrieval.kinds import KINDS, kinds
from retrieval.matches import Matches
from retrieval.query import Query
from retrieval.terms import term_hash, terms
from retrieval.traits import Trait, traits
from retrieval.turnwise import TurnTable, standard, turnwise

_DAY = 86_400.0
_FEW = 5
_GOOD = 20
_ALIKE = 0.4  # cosine below which two turns are about different things
_KIND = {name: place for place, name in enumerate(KINDS)}
_Named = list[tuple[str, Floats]]


@dataclass(frozen=True, slots=True)
class Featured:
    """Turns with their features. values: float32 (n, len(names)). kinds: float32 (len(KINDS),).

    base: float32 (n,), the untrained sum of dense, lexical and token-level scores.
    """

    table: TurnTable
    values: Floats
    names: tuple[str, ...]
    kinds: Floats
    base: Floats


def featured(query: Query, found: Found) -> Featured:
    """Return the features of every candidate turn."""
    table = turnwise(found.candidates)
    asked = kinds(query.text)
    scores = {
        "dense": table.dense[:, 0],
        "lexical": table.lexical[:, 0],
        "maxsim": table.maxsim[:, 0],
        "coverage": table.coverage[:, 0],
    }
    base = (standard(scores["dense"]) + standard(scores["lexical"]) + standard(scores["maxsim"])) / 3
    named: _Named = []
    for name, values in (*scores.items(), ("base", base)):
        named += _relative(name, values)
    named += [(name, scores[name]) for name in ("dense", "maxsim", "coverage")]
    named.append(("rarest", table.rarest[:, 0]))
    named.append(("identifier", Matches(query.text, table.matched).identifiers))
    named += _neighbours(table, base)
    named += _sessions(table, base)
    named += _threads(table)
    named += _feedback(table, base)
    named += _versions(table, base)
    named += _recency(table, found.size)
    named += _recent_turns(table)
    named += _form(query, table)
    named += _speakers(query, table)
    named += _dates(query, table)
    named += _gated(dict(named), asked)
    values = np.stack([values for _, values in named], axis=1).astype(np.float32)
    return Featured(table, values, tuple(name for name, _ in named), asked, base)


def _relative(name: str, values: Floats) -> _Named:
    """Return a score by its spread, as a share of the best, and by rank (1, 1/2, 1/3 …)."""
    top = max(float(values.max(initial=0)), 1e-6)
    return [
        (f"{name} z", standard(values)),
        (f"{name} share", np.maximum(values, 0) / top),
        (f"{name} rank", 1 / np.sqrt(ranks(values))),
    ]


def ranks(values: Floats) -> Floats:
    """Return float32 (n,): 1 for the highest, 2 for the next; ties by place."""
    order = np.argsort(-values, kind="stable")
    placed = np.empty(len(values), np.float32)
    placed[order] = np.arange(1, len(values) + 1, dtype=np.float32)
    return placed


def _neighbours(table: TurnTable, base: Floats) -> _Named:
    """Return the scores of the turns one and two before and after, in the same session."""
    floor = float(base.min(initial=0))
    named: _Named = []
    near = {}
    for step in (-2, -1, 1, 2):
        shifted = np.full(len(base), floor, np.float32)
        # Rows are by session and place: a neighbour at distance k is at most k rows away.
        for rows in range(1, abs(step) + 1):
            here, there = (
                (slice(rows, None), slice(None, -rows))
                if step < 0
                else (slice(None, -rows), slice(rows, None))
            )
            same = (table.session[here] == table.session[there]) & (
                table.seq[there] - table.seq[here] == step
            )
            part = shifted[here]
            part[same] = base[there][same]
        near[step] = shifted
    named.append(("before", near[-1]))
    named.append(("after", near[1]))
    named.append(("around", np.maximum(near[-2], near[2])))
    named.append(("best beside", np.maximum(near[-1], near[1])))
    return named


def _sessions(table: TurnTable, base: Floats) -> _Named:
    """Return how a turn's session does: its best, the mean of its best three, its rank, its size here."""
    sessions, member = np.unique(table.session, return_inverse=True)
    count = len(sessions)
    order = np.lexsort((-base, member))
    sizes = np.bincount(member, minlength=count)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    place = np.arange(len(base)) - starts[member[order]]
    best = base[order[starts]] if count else base
    top = np.where(place < 3, base[order], 0)  # noqa: PLR2004 - best three
    mean = np.bincount(member[order], top, minlength=count) / np.minimum(np.maximum(sizes, 1), 3)
    second = np.full(count, best.min(initial=0), np.float32)
    runners = place == 1
    second[member[order][runners]] = base[order][runners]
    # Best of the others in the session: a turn's own score must not speak twice.
    own_best = np.zeros(len(base), bool)
    own_best[order[starts]] = True
    others = np.where(own_best, second[member], best[member])
    leading = ranks(base) <= 20  # noqa: PLR2004 - a screenful
    share = np.bincount(member[leading], minlength=count) / max(int(leading.sum()), 1)
    within = np.empty(len(base), np.float32)
    within[order] = 1 / np.sqrt(place + 1)
    return [
        ("session others", others),
        ("session mean", mean[member]),
        ("session rank", (1 / np.sqrt(ranks(mean.astype(np.float32))))[member]),
        ("session share", share[member]),
        ("rank in session", within),
    ]


def _threads(table: TurnTable) -> _Named:
    """Return how a turn's whole session fits the query, and whether it is the thread's latest."""
    sessions, first, member = np.unique(table.session, return_index=True, return_inverse=True)
    best, centroid, thread = (
        standard(values[first]) for values in (table.session_best, table.session_centroid, table.thread)
    )
    together = best + centroid
    newest = np.full(len(sessions), np.iinfo(np.int64).max)
    np.minimum.at(newest, member, table.age)
    # Of the sessions that came later, the one that fits best: it may have replaced this one.
    order = np.argsort(newest, kind="stable")
    later = np.full(len(sessions), -3.0, np.float32)
    later[order[1:]] = np.maximum.accumulate(together[order])[:-1]
    latest = (together >= later).astype(np.float32)
    fits = 1 / np.sqrt(ranks(together))
    opens = (table.seq == 0).astype(np.float32)
    named = [
        ("session best", best),
        ("session centroid", centroid),
        ("session fit rank", fits),
        ("thread", thread),
        ("later session fits", np.maximum(later, -3)),
        ("latest of thread", latest),
        ("latest in rank", latest * fits),
    ]
    spread = [(name, values[member].astype(np.float32)) for name, values in named]
    return [
        *spread,
        ("raw thread", table.thread),
        ("raw session centroid", table.session_centroid),
        ("opening fit", opens * fits[member]),
        ("opening", opens),
    ]


def _feedback(table: TurnTable, base: Floats) -> _Named:
    """Return likeness to the best few others: pseudo-relevance feedback (Rocchio 1971)."""
    few = np.argsort(-base, kind="stable")[:_FEW]
    if not len(few):
        return [("like the best", base), ("likest", base)]
    likeness = table.pooled @ table.pooled[few].T
    likeness[few, np.arange(len(few))] = np.nan
    weights = np.where(np.isnan(likeness), 0, 1 / np.arange(1, len(few) + 1))
    filled = np.nan_to_num(likeness)
    mean = (filled * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-6)
    return [("like the best", standard(mean)), ("likest", filled.max(axis=1))]


def _versions(table: TurnTable, base: Floats) -> _Named:
    """Return likeness to a good candidate that came later, or earlier: one may have changed the other."""
    good = np.argsort(-base, kind="stable")[:_GOOD]
    likeness = np.maximum(table.pooled @ table.pooled[good].T - _ALIKE, 0)
    later = table.age[good][None, :] < table.age[:, None]
    earlier = table.age[good][None, :] > table.age[:, None]
    return [
        ("said again later", (likeness * later).max(axis=1, initial=0)),
        ("said before", (likeness * earlier).max(axis=1, initial=0)),
    ]


def _recency(table: TurnTable, size: int) -> _Named:
    age = table.age.astype(np.float32)
    newest = table.session == table.session[np.argmin(table.age)] if len(age) else age > 0
    return [
        ("newness", 1 - age / max(size, 1)),
        ("log newness", 1 - np.log1p(age) / np.log1p(max(size, 2))),
        ("newest session", newest.astype(np.float32)),
        ("opens session", (table.seq < 2).astype(np.float32)),  # noqa: PLR2004 - a question and its answer
    ]


def _recent_turns(table: TurnTable) -> _Named:
    """Return the scores for the turns just before the new one, zero where there are none."""
    if table.dense.shape[1] == 1:
        nothing = np.zeros(len(table), np.float32)
        return [("recent", nothing), ("recent maxsim", nothing)]
    parts = (table.dense[:, 1], table.lexical[:, 1], table.maxsim[:, 1])
    together: Floats = np.sum([standard(part) for part in parts], axis=0, dtype=np.float32) / 3
    return [("recent", together), ("recent maxsim", table.maxsim[:, 1])]


def _form(query: Query, table: TurnTable) -> _Named:
    """Return length, role and what kind of text it is."""
    spoken = table.speaker == 0
    tokens = np.log1p(table.tokens.astype(np.float32))
    named: _Named = [
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


def _speakers(query: Query, table: TurnTable) -> _Named:
    """Return whether the query names who speaks here, or only somebody else who speaks."""
    named = np.array([term_hash(term) >> 1 for term in terms(query.text)], np.int64)
    this: NDArray[np.bool_] = np.isin(table.speaker, named) & (table.speaker != 0)
    another = ~this & (table.speaker != 0) & bool(this.any())
    return [("speaker named", this.astype(np.float32)), ("other named", another.astype(np.float32))]


def _dates(query: Query, table: TurnTable) -> _Named:
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


def _gated(features: dict[str, Floats], asked: Floats) -> _Named:
    return [
        (f"{name} if {kind}", features[name] * asked[_KIND[kind]])
        for kind, names in _GATES.items()
        for name in names
    ]
