"""Which words of the query a candidate has, word by word."""

import re
from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import MATCHED_TERMS
from retrieval.passages.terms import located, term_hash
from retrieval.query.content import has_content

# An exact name of something: it has a digit or inner punctuation, or shouts.
_IDENTIFIER = re.compile(r"(?=.{3,})(?:.*\d.*|.*[-_./:@#].*|[A-Z][A-Z0-9]{2,}|\w*[a-z][A-Z]\w*)")
_COMMON_DATE = re.compile(r"(?:19|20)\d\d|\d{1,2}(?:st|nd|rd|th)?|\d{4}-\d\d-\d\d")


class Matches:
    """Bits of the first view's terms, read with the words of the query.

    words: the query's words by place. content, names: places of those that say what it is about, and of
    those written as names.
    """

    def __init__(self, text: str, matched: NDArray[np.uint64]) -> None:
        """Take the query's text and uint64 (n, 2), see `Candidates`."""
        found = located(text)
        hashes = np.array([term_hash(term) for term, _, _ in found], np.uint64)
        order, places = np.unique(hashes, return_inverse=True)
        self._matched = matched
        self._columns: dict[int, NDArray[np.bool_]] = {}
        self.words: dict[int, str] = {}
        for (_, start, end), place in zip(found, places.tolist(), strict=True):
            if place < MATCHED_TERMS:
                self.words.setdefault(place, text[start:end])
        self.content = {
            place for (term, _, _), place in zip(found, places.tolist(), strict=True) if has_content(term)
        } & self.words.keys()
        starts = {start for _, start, _ in found if text[:start].strip() and text[start].isupper()}
        self.names = {
            place for (_, start, _), place in zip(found, places.tolist(), strict=True) if start in starts
        }
        self._exact = [
            place
            for place, word in self.words.items()
            if _IDENTIFIER.fullmatch(word)
            and not _COMMON_DATE.fullmatch(word)
            # The identifier itself, not its parts, which share its place in the text.
            and order[place] == np.uint64(term_hash(next(iter(self._whole(word)), "")))
        ]

    @staticmethod
    def _whole(word: str) -> list[str]:
        return [term for term, _, _ in located(word)][:1]

    @property
    def identifiers(self) -> Floats:
        """Return float32 (n,): share of the query's identifiers that each candidate has; 0 if none."""
        if not self._exact:
            return np.zeros(len(self._matched), np.float32)
        total: Floats = np.mean([self._has(place) for place in self._exact], axis=0, dtype=np.float32)
        return total

    def unseen(self, among: Collection[int] | None = None) -> float:
        """Return the share of the query's words, or of those at these places, that no candidate has."""
        places = self.words if among is None else self.words.keys() & among
        held = [bool(self._seen[place // 64] >> (place % 64) & 1) for place in places]
        return 1 - sum(held) / len(held) if held else 0.0

    def exact(self, row: int) -> list[str]:
        """Return the query's identifiers that a candidate has."""
        return [self.words[place] for place in self._exact if self._has(place)[row]]

    def rare(self, row: int, most: float) -> list[str]:
        """Return the words of a candidate that at most this share of the candidates have, rarest first."""
        shares = self._shares
        chosen = [place for place in self.words if self._has(place)[row] and shares[place] <= most]
        words = [self.words[place] for place in sorted(chosen, key=shares.__getitem__)]
        return list(dict.fromkeys(words))

    def _has(self, place: int) -> NDArray[np.bool_]:
        if place not in self._columns:
            bit = np.uint64(1 << place % 64)
            self._columns[place] = (self._matched[:, place // 64] & bit) > 0
        return self._columns[place]

    @cached_property
    def _seen(self) -> list[int]:
        """Return the bits of all candidates together."""
        return [int(bits) for bits in np.bitwise_or.reduce(self._matched, axis=0, initial=0)]

    @cached_property
    def _shares(self) -> dict[int, float]:
        """Return the share of the candidates that has each word."""
        return {place: float(self._has(place).mean()) for place in self.words}
