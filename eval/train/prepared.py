"""Questions as the relevance model sees them: features of candidate turns, and which are evidence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.train.searched import Asked
from retrieval.features import Featured, featured
from retrieval.index import Candidates, Found

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready to learn from. gold, also: bool (n,), rows that are evidence, or neither.

    answerable: something in the memory is evidence, found or not. weight: in the
    fit.
    """

    asked: Asked
    turns: Featured
    gold: Mask
    also: Mask
    answerable: bool
    weight: float = 1.0

    @property
    def history(self) -> str:
        """Which history it belongs to: the unit of every split."""
        return self.asked.history


def prepared(asked: Asked, weight: float = 1.0) -> Prepared:
    """Return a question with features and labels."""
    turns = featured(asked.query, asked.found)
    question = asked.question
    gold = np.isin(turns.table.key, _keys(question.gold))
    also = np.isin(turns.table.key, np.array(sorted(question.also), np.int64)) & ~gold
    return Prepared(asked, turns, gold, also, bool(question.gold), weight)


def without_evidence(asked: Asked) -> Asked:
    """Return the question put to the same candidates without its evidence and what stands beside it."""
    candidates = asked.found.candidates
    question = asked.question
    gone = np.isin(candidates.turn, _keys((*question.gold, question.also)))
    beside = np.zeros(len(candidates), bool)
    for session in np.unique(candidates.session[gone]):
        seqs = candidates.seq[gone & (candidates.session == session)]
        near = np.abs(candidates.seq[:, None] - seqs[None, :]).min(axis=1) <= 1
        beside |= near & (candidates.session == session)
    kept: Candidates = candidates.take(~(gone | beside))
    bare = type(question)(
        question.id, question.kind, question.text, question.at, (), frozenset(), question.pool
    )
    return Asked(asked.history, bare, asked.query, Found(kept, asked.found.size), "robbed")


def folds(questions: Iterable[Prepared], count: int) -> Iterator[set[str]]:
    """Yield sets of histories that together are all, each history in one."""
    histories = sorted({question.history for question in questions})
    for place in range(min(count, len(histories))):
        yield set(histories[place::count])


def _keys(groups: Iterable[frozenset[int]]) -> NDArray[np.int64]:
    return np.array(sorted(set().union(*groups)), np.int64)
