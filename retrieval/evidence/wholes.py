"""What a candidate's session says of it."""

import numpy as np

from memory.encoders.port import Floats
from retrieval.evidence.signals import Named, ranks
from retrieval.evidence.turnwise import TurnTable, standard


def sessions(table: TurnTable, base: Floats) -> Named:
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


def threads(table: TurnTable) -> Named:
    """Return how a turn's whole session fits the query, and whether it is the thread's latest."""
    sessions, first, member = np.unique(table.session, return_index=True, return_inverse=True)
    best, centroid, thread = (
        standard(values[first]) for values in (table.session_best, table.session_centroid, table.thread)
    )
    fit = best + centroid
    newest = np.full(len(sessions), np.iinfo(np.int64).max)
    np.minimum.at(newest, member, table.age)
    # Of the sessions that came later, the one that fits best: it may have replaced this one.
    order = np.argsort(newest, kind="stable")
    later = np.full(len(sessions), -3.0, np.float32)
    later[order[1:]] = np.maximum.accumulate(fit[order])[:-1]
    latest = (fit >= later).astype(np.float32)
    fits = 1 / np.sqrt(ranks(fit))
    opens = (table.seq == 0).astype(np.float32)
    named: Named = [
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
