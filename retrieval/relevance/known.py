"""Whether memory has anything on what is asked: the question before any turn is weighed."""

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.evidence.features import Featured
from retrieval.passages.traits import Trait, traits
from retrieval.query.kinds import KINDS
from retrieval.query.query import Query

INPUTS = (
    "one",
    "best dense",
    "lead in dense",
    "best base",
    "third base",
    "best session",
    "has content",
    "content unseen",
    "names unseen",
    "speaker named",
    "named speaker leads",
)

_BACK, _ORDER = KINDS.index("back"), KINDS.index("order")
_FEW = 5
# Cosine from which on a turn may be about the same thing in other words. Of 22 questions about twelve
# plain facts, 20 came nearer to theirs; of ten about something else, none came nearer to any.
_NEAR = 0.22
_ENOUGH = 2  # content words from which on a query can be looked up


def known_inputs(turns: Featured) -> Floats:
    """Return float32 (len(INPUTS),): what the query is about, and how far the best candidates stand out.

    Few and plain on purpose: the more of the scores' shape is looked at, the less of it holds in
    another memory; see docs/decisions.
    """
    if not len(turns.table):
        return np.zeros(len(INPUTS), np.float32)
    matches = turns.matches
    dense = turns.table.dense[:, 0]
    values = [
        1.0,
        _nth(dense, 1),
        _nth(dense, 1) - _nth(dense, _FEW),
        _nth(turns.base, 1),
        _nth(turns.base, 3),
        float(turns.table.session_best.max()),
        min(len(matches.content), _ENOUGH) / _ENOUGH,
        matches.unseen(matches.content),
        matches.unseen(matches.names),
        *speaker_leads(turns),
    ]
    return np.array(values, np.float32)


def asks_nothing(query: Query, turns: Featured) -> bool:
    """Say whether the new turn has no word by which anything could be found.

    Where turns came before it, "the same" or "go on" point at them; "thanks" doesn't.
    """
    matches = turns.matches
    if matches.content or matches.names:
        return False
    if traits(query.text) & Trait.CHATTER:
        return True
    return not query.recent and not turns.kinds[_BACK]


def nothing_near(turns: Featured) -> bool:
    """Say whether no candidate shares a word of content with the query, nor comes near its meaning."""
    strange = turns.matches.unseen(turns.matches.content) == 1
    return strange and float(turns.table.dense[:, 0].max()) < _NEAR


def leans_back(query: Query, turns: Featured) -> bool:
    """Say whether the new turn is likely to mean what was said just before: "fix the second one"."""
    brief = len(turns.matches.content) <= _ENOUGH
    return bool(query.recent) and bool(brief or turns.kinds[_BACK] or turns.kinds[_ORDER])


def speaker_leads(turns: Featured) -> tuple[float, float]:
    """Return whether the query names a speaker, and by how much that one's turns lead the others'.

    A question that fits what somebody else said best may have the wrong person in mind.
    """
    this = turns.values[:, turns.names.index("speaker named")] > 0
    other = turns.values[:, turns.names.index("other named")] > 0
    if not this.any() or not other.any():
        return 0.0, 0.0
    token_level = turns.table.maxsim[:, 0]
    return 1.0, float(token_level[this].max() - token_level[other].max())


def _nth(values: NDArray[np.floating], place: int) -> float:
    """Return the value that many places from the top, or the last."""
    place = min(place, len(values))
    return float(np.partition(values, -place)[-place])
