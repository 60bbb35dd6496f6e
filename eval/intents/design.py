"""The design matrix: what the model sees of each session, laid out as its weights are."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from eval.intents.examples import Example
from eval.intents.vectors import VectorCache
from memory.encoders.port import Floats
from memory.intent.features import SHAPES, ends, shape
from memory.intent.state import turn_weight

# A word must occur in as many sources, so that it can't stand for one of them.
_SOURCES = 5
_TIMES = 15
# How much the shape of a text weighs against its vector; words weigh 1. Chosen by leave-one-source-out.
SHAPE_SCALE = 0.5


@dataclass(frozen=True, slots=True)
class Design:
    """rows: float32 sparse (n, dim + SHAPES + 2 x words). words: columns of each half."""

    rows: sp.csr_matrix
    words: dict[str, int]
    dim: int

    @property
    def dense(self) -> int:
        """Return the number of leading columns that are seldom zero."""
        return self.dim + SHAPES


def vocabulary(examples: Sequence[Example]) -> dict[str, int]:
    """Return the words and pairs of words that occur in several sources."""
    sources: dict[str, set[str]] = defaultdict(set)
    times: Counter[str] = Counter()
    for example in examples:
        for turn in example.turns:
            for gram in set().union(*ends(turn)):
                sources[gram].add(example.source)
                times[gram] += 1
    enough = min(_SOURCES, len({example.source for example in examples}))
    kept = sorted(gram for gram in sources if len(sources[gram]) >= enough and times[gram] >= _TIMES)
    return {gram: place for place, gram in enumerate(kept)}


def design(examples: Sequence[Example], cache: VectorCache, words: dict[str, int]) -> Design:
    """Return one row a session: the weighted mean of its turns, as the tagger's state has it."""
    starts = np.concatenate([[0], np.cumsum([len(example.turns) for example in examples])])
    turns = [turn for example in examples for turn in example.turns]
    pooled = cache.encode(turns)
    dense = np.hstack([pooled, SHAPE_SCALE * np.stack([shape(turn) for turn in turns])])
    mixing = _mixing(examples, starts)
    whole = sp.hstack([sp.csr_matrix(dense), _words(turns, words, 0), _words(turns, words, 1)])
    return Design(sp.csr_matrix(mixing @ whole, dtype=np.float32), words, pooled.shape[1])


def _mixing(examples: Sequence[Example], starts: NDArray[np.int64]) -> sp.csr_matrix:
    weights = []
    for example in examples:
        own = np.array([turn_weight(turn, first=place == 0) for place, turn in enumerate(example.turns)])
        weights.append(own / own.sum())
    columns = np.concatenate([np.arange(start, end) for start, end in pairwise(starts)])
    return sp.csr_matrix((np.concatenate(weights), columns, starts), shape=(len(examples), starts[-1]))


def _words(turns: Sequence[str], words: dict[str, int], end: int) -> sp.csr_matrix:
    """Return (turns, words): the words at one end, 0 head or 1 tail, scaled as the model does."""
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for turn in turns:
        found = sorted(words[gram] for gram in ends(turn)[end] if gram in words)
        columns += found
        values += [1 / max(len(found), 4) ** 0.5] * len(found)
        starts.append(len(columns))
    return sp.csr_matrix((values, columns, starts), shape=(len(turns), len(words)))


def split_weights(found: Design, weights: Floats) -> dict[str, Floats]:
    """Return the model's blocks of a weight matrix (columns, labels)."""
    first, second = found.dim, found.dense
    third = second + len(found.words)
    return {
        "vector": weights[:first],
        "shapes": SHAPE_SCALE * weights[first:second],
        "head": weights[second:third],
        "tail": weights[third:],
    }
