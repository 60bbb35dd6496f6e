"""Questions as the relevance model sees them: features of candidate turns, and which are evidence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.train.searched import Asked
from retrieval.evidence.features import Featured, featured
from retrieval.index.port import Candidates, Found

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready to learn from. gold, also: bool (n,), rows that are evidence, or neither.

    answerable: something in the memory is evidence, found or not. weight: in the ranker's fit. dataset:
    where its history is from.
    """

    asked: Asked
    turns: Featured
    gold: Mask
    also: Mask
    answerable: bool
    weight: float = 1.0
    dataset: str = ""

    @property
    def answered(self) -> bool:
        """Whether it was asked as it was written, of the memory that has its evidence."""
        return self.answerable and self.asked.origin == "own"

    @property
    def history(self) -> str:
        """Which history it belongs to: the unit of every split."""
        return self.asked.history


def prepared(asked: Asked, weight: float = 1.0, dataset: str = "") -> Prepared:
    """Return a question with features and labels."""
    turns = featured(asked.query, asked.found)
    question = asked.question
    gold = np.isin(turns.table.key, _keys(question.gold))
    also = np.isin(turns.table.key, np.array(sorted(question.also), np.int64)) & ~gold
    return Prepared(asked, turns, gold, also, bool(question.gold), weight, dataset)


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


def of_few_sessions(asked: Asked, count: int, draw: np.random.Generator) -> Asked:
    """Return the question put to a young memory: its evidence's sessions, and others up to `count` in all."""
    candidates = asked.found.candidates
    holds = np.unique(candidates.session[np.isin(candidates.turn, _keys(asked.question.gold))])
    others = np.setdiff1d(candidates.session, holds)
    more = draw.permutation(others)[: max(count - len(holds), 0)]
    kept = candidates.take(np.isin(candidates.session, np.concatenate([holds, more])))
    return replace(asked, found=Found(kept, len(np.unique(kept.turn))))


def folds(questions: Iterable[Prepared], count: int) -> Iterator[set[str]]:
    """Yield sets of histories that together are all, each history in one."""
    histories = sorted({question.history for question in questions})
    for place in range(min(count, len(histories))):
        yield set(histories[place::count])


def _keys(groups: Iterable[frozenset[int]]) -> NDArray[np.int64]:
    return np.array(sorted(set().union(*groups)), np.int64)
