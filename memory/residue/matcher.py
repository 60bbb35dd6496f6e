"""Known pieces in a stream of bytes."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.residue.fingerprints import Fingerprints, Words, anchors, weak, words_at
from memory.residue.forms import WIDTHS

# A piece may lie across two chunks.
OVERLAP = max(WIDTHS) - 1
_ANCHORS = 1 << 24

# Which set, and which of its fingerprints by the strong hash.
Found = Counter[tuple[int, int]]


class Matcher:
    """Finds the pieces of several sets of fingerprints in one pass.

    At each byte 24 bits of the next eight are looked up; what passes is compared by 32 bits of its whole
    length, and what passes that by its strong hash.
    """

    def __init__(self, sought: Sequence[Fingerprints]) -> None:
        self._sought = sought
        self._anchors = np.zeros(_ANCHORS, np.bool_)
        self._weak: dict[int, NDArray[np.uint32]] = {}
        self._known: list[dict[int, set[int]]] = []
        for one in sought:
            self._anchors[one.rows["anchor"]] = True
        for width in WIDTHS:
            every = [one.rows["weak"][one.rows["width"] == width] for one in sought]
            joined = np.unique(np.concatenate(every)) if every else np.empty(0, np.uint32)
            if len(joined):
                self._weak[width] = joined
        self._known = [
            {width: set(one.rows["strong"][one.rows["width"] == width].tolist()) for width in self._weak}
            for one in sought
        ]

    def find(self, data: bytes) -> Found:
        """Return how often each piece is in `data`."""
        found: Found = Counter()
        for phase in range(8):
            words = words_at(data, phase)
            places = np.flatnonzero(self._anchors[anchors(words)])
            for width, known in self._weak.items():
                self._compare(words, places, width, known, found)
        return found

    def find_in(self, chunks: Iterable[bytes]) -> Found:
        """Return how often each piece is in the chunks, each looked at by itself."""
        found: Found = Counter()
        for chunk in chunks:
            found += self.find(chunk)
        return found

    def _compare(
        self, words: Words, places: NDArray[np.intp], width: int, known: NDArray[np.uint32], found: Found
    ) -> None:
        size = width // 8
        starts = places[places <= len(words) - size]
        if not len(starts):
            return
        hashes = weak([words[starts + step] for step in range(size)])
        likely = starts[_contains(known, hashes)]
        if not len(likely):
            return
        windows = np.stack([words[likely + step] for step in range(size)], axis=1)
        distinct, times = np.unique(windows, axis=0, return_counts=True)
        for window, count in zip(distinct, times, strict=True):
            data = window.tobytes()
            for number, one in enumerate(self._sought):
                strong = one.strong(data)
                if strong in self._known[number][width]:
                    found[number, strong] += int(count)


def _contains(known: NDArray[np.uint32], hashes: Words) -> NDArray[np.bool_]:
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    same: NDArray[np.bool_] = known[place] == hashes
    return same
