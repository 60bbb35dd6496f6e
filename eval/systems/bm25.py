"""BM25 with stemming: the baseline that many memory systems lose to."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import Stemmer

from eval.datasets.model import Query, Unit
from eval.datasets.turns import spoken
from eval.systems.port import Means
from eval.systems.ranker import Ranker
from memory.encoders.port import Floats

K1 = 1.2
B = 0.75

_WORD = re.compile(r"\w+")


class Bm25(Ranker):
    """Robertson and Zaragoza 2009, with Lucene's IDF, over whole turns; no stop words are dropped.

    Written here rather than taken from the service, so that it stays the same when the service changes;
    a test holds it to the package bm25s.
    """

    name = "bm25"

    def __init__(self, means: Means) -> None:
        """Load the stemmer (Snowball, English)."""
        super().__init__(means)
        self._stemmer = Stemmer.Stemmer("english")

    @property
    def settings(self) -> dict[str, Any]:
        return {"k1": K1, "b": B, "stemmer": "snowball/english", "idf": "lucene"}

    def forget(self) -> None:
        """Begin a conversation."""
        self._postings: dict[str, list[tuple[int, int]]] = {}
        self._lengths: list[int] = []

    def add(self, units: Sequence[Unit]) -> None:
        """Take the next units."""
        for unit in units:
            terms = self.terms(spoken(unit))
            for term, times in Counter(terms).items():
                self._postings.setdefault(term, []).append((len(self._lengths), times))
            self._lengths.append(len(terms))

    def scores(self, query: Query) -> Floats:
        """Return BM25 of every unit."""
        lengths = np.array(self._lengths, np.float64)
        norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
        scores = np.zeros(len(lengths))
        for term, times in Counter(self.terms(query.text)).items():
            found = np.array(self._postings.get(term, ()), np.int64).reshape(-1, 2)
            idf = np.log1p((len(lengths) - len(found) + 0.5) / (len(found) + 0.5))
            rows, counts = found.T
            scores[rows] += times * idf * counts / (counts + norms[rows])
        return scores.astype(np.float32)

    def terms(self, text: str) -> list[str]:
        """Return the stemmed words of `text`."""
        stemmed: list[str] = self._stemmer.stemWords(_WORD.findall(text.lower()))
        return stemmed
