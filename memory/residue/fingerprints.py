"""Fingerprints: enough of each piece to know it again, and not what it says."""

import secrets
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from memory.residue.forms import WIDTHS, Piece

Words = NDArray[np.uint64]

# One row a piece. anchor: 24 bits of its first eight bytes. weak: 32 bits of all of it. strong: a keyed
# BLAKE2b of 64 bits. form: place in `FORMS`.
ROW = np.dtype([("width", "u1"), ("form", "u1"), ("anchor", "<u4"), ("weak", "<u4"), ("strong", "<u8")])
FORMS = (
    "utf-8",
    "utf-16 le",
    "utf-16 be",
    "json",
    "lowercase",
    "base64",
    "term",
    "float32 le",
    "float32 be",
    "float32 cbor",
    "float16 le",
    "int8 codes",
    "term hashes",
    "ciphertext",
    "index entry",
)
# More are thinned out by half, again and again, evenly: memory and time stay bounded.
MOST = 400_000
_KEY = 16
# Odd numbers that spread bits (from xxHash64 and splitmix64); they need not be secret.
_SPREADERS = np.array(
    [0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xBF58476D1CE4E5B9], np.uint64
)


class Fingerprints:
    """What to look for after an erasure, kept as hashes under a random key for as long as it takes.

    Whoever holds them can confirm a guess of eight bytes or more, but not read them back. `level`: one in
    2 ** level pieces was kept.
    """

    def __init__(self, key: bytes | None = None, level: int = 0) -> None:
        self.key = key or secrets.token_bytes(_KEY)
        self.level = level
        self._rows: NDArray[np.void] = np.empty(0, ROW)

    @property
    def rows(self) -> NDArray[np.void]:
        """The fingerprints, of dtype `ROW`, each once."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, pieces: Iterable[Piece]) -> None:
        """Take in pieces."""
        for width, chosen in _by_width(pieces):
            self._keep(_fingerprinted(width, chosen, self.key))

    def merge(self, other: "Fingerprints") -> None:
        """Take in those of another set under the same key."""
        self.level = max(self.level, other.level)
        self._keep(other.rows)

    def only(self, strong: set[int]) -> "Fingerprints":
        """Return those of these strong hashes."""
        made = Fingerprints(self.key, self.level)
        made._rows = self._rows[np.isin(self._rows["strong"], np.array(sorted(strong), np.uint64))]
        return made

    def to_bytes(self) -> bytes:
        """Return the set for keeping."""
        return self.key + bytes([self.level]) + self._rows.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Fingerprints":
        """Return a set that was kept."""
        made = cls(data[:_KEY], data[_KEY])
        made._rows = np.frombuffer(data, ROW, offset=_KEY + 1).copy()
        return made

    def strong(self, window: bytes) -> int:
        """Return the keyed hash of a window."""
        return _strong(window, self.key)

    def _keep(self, more: NDArray[np.void]) -> None:
        rows = np.concatenate([self._rows, more])
        _, first = np.unique(rows["strong"], return_index=True)
        rows = rows[np.sort(first)]
        while len(thinned := rows[rows["strong"] % (1 << self.level) == 0]) > MOST:
            self.level += 1
        self._rows = thinned


def words_at(data: bytes, phase: int) -> Words:
    """Return the eight-byte words that begin at `phase`, at `phase` + 8, …"""
    count = (len(data) - phase) // 8
    return np.frombuffer(data, "<u8", max(count, 0), phase) if count > 0 else np.empty(0, np.uint64)


def anchors(words: Words) -> NDArray[np.uint64]:
    """Return 24 bits of each word."""
    found: Words = (words * _SPREADERS[0]) >> np.uint64(40)
    return found


def weak(words: Iterable[Words]) -> NDArray[np.uint64]:
    """Return 32 bits of windows, given as columns of one, two or four words."""
    parts = [word * by for word, by in zip(words, _SPREADERS, strict=False)]
    mixed: Words = np.add.reduce(parts)
    found: Words = (mixed ^ (mixed >> np.uint64(29))) * _SPREADERS[3] >> np.uint64(32)
    return found


def _strong(window: bytes, key: bytes) -> int:
    return int.from_bytes(blake2b(window, digest_size=8, key=key).digest(), "little")


def _fingerprinted(width: int, pieces: list[Piece], key: bytes) -> NDArray[np.void]:
    words = np.frombuffer(b"".join(piece.data for piece in pieces), "<u8").reshape(-1, width // 8)
    rows = np.empty(len(pieces), ROW)
    rows["width"] = width
    rows["form"] = [FORMS.index(piece.form) for piece in pieces]
    rows["anchor"] = anchors(words[:, 0])
    rows["weak"] = weak(words.T)
    rows["strong"] = [_strong(piece.data, key) for piece in pieces]
    return rows


def _by_width(pieces: Iterable[Piece]) -> Iterator[tuple[int, list[Piece]]]:
    listed = list(pieces)
    for width in WIDTHS:
        chosen = [piece for piece in listed if len(piece.data) == width]
        if chosen:
            yield width, chosen
