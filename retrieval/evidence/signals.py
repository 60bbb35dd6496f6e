"""Scores of a candidate turn, made comparable: against the other candidates and the turns beside it."""

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.evidence.turnwise import TurnTable, standard

Named = list[tuple[str, NDArray[np.floating]]]

_FEW = 5
_GOOD = 20
_ALIKE = 0.4  # cosine below which two turns are about different things


def relative(name: str, values: Floats) -> Named:
    """Return a score by its spread, as a share of the best, and by rank (1, 1/2, 1/3 …)."""
    top = max(float(values.max(initial=0)), 1e-6)
    return [
        (f"{name} z", standard(values)),
        (f"{name} share", np.maximum(values, 0) / top),
        (f"{name} rank", 1 / np.sqrt(ranks(values))),
    ]


def together(table: TurnTable, view: int) -> Floats:
    """Return float32 (n,): the untrained sum of dense, lexical and token-level scores for a view."""
    parts = (table.dense[:, view], table.lexical[:, view], table.maxsim[:, view])
    mean: Floats = np.mean([standard(part) for part in parts], axis=0).astype(np.float32)
    return mean


def ranks(values: Floats) -> Floats:
    """Return float32 (n,): 1 for the highest, 2 for the next; ties by place."""
    order = np.argsort(-values, kind="stable")
    placed = np.empty(len(values), np.float32)
    placed[order] = np.arange(1, len(values) + 1, dtype=np.float32)
    return placed


def neighbours(table: TurnTable, base: Floats) -> Named:
    """Return the scores of the turns one and two before and after, in the same session."""
    floor = float(base.min(initial=0))
    named: Named = []
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


def feedback(table: TurnTable, base: Floats) -> Named:
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


def versions(table: TurnTable, base: Floats) -> Named:
    """Return likeness to a good candidate that came later, or earlier: one may have changed the other."""
    good = np.argsort(-base, kind="stable")[:_GOOD]
    likeness = np.maximum(table.pooled @ table.pooled[good].T - _ALIKE, 0)
    later = table.age[good][None, :] < table.age[:, None]
    earlier = table.age[good][None, :] > table.age[:, None]
    return [
        ("said again later", (likeness * later).max(axis=1, initial=0)),
        ("said before", (likeness * earlier).max(axis=1, initial=0)),
    ]


def recent_turns(table: TurnTable) -> Named:
    """Return the scores for the turns just before the new one, zero where there are none."""
    if table.dense.shape[1] == 1:
        nothing = np.zeros(len(table), np.float32)
        return [("recent", nothing), ("recent maxsim", nothing)]
    return [("recent", together(table, 1)), ("recent maxsim", table.maxsim[:, 1])]
