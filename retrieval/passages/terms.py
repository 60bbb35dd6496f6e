"""Text to the terms that lexical search counts."""

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from threading import local
from unicodedata import normalize

import numpy as np
import Stemmer
from numpy.typing import NDArray

Terms = NDArray[np.uint64]

# A word, or an identifier: NX-4471, v2.3.1, src/app.py, user@example.org, snake_case, 0x80070057.
_TOKEN = re.compile(r"[^\W_]+(?:[-_./:@#'’][^\W_]+)*")
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# Scripts written without spaces: their characters count in pairs (Chinese, Japanese, Thai …).
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_LONGEST = 64

_stemmers = local()


def terms(text: str) -> list[str]:
    """Return the stemmed terms of `text` in order; an identifier yields itself and its parts."""
    return [term for term, _, _ in located(text)]


def located(text: str) -> list[tuple[str, int, int]]:
    """Return the terms of `text` with their first and past-the-end characters.

    An identifier comes before its parts, all at the identifier's place.
    """
    found: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(text):
        found.extend((term, *match.span()) for term in _of_token(normalize("NFKC", match.group())))
    return found


def counted(text: str) -> tuple[Terms, NDArray[np.uint16]]:
    """Return the hashed terms of `text`, ascending, and how often each occurs."""
    counts = Counter(term_hash(term) for term in terms(text))
    keys = np.array(sorted(counts), np.uint64)
    return keys, np.array([min(counts[int(key)], 65535) for key in keys], np.uint16)


def term_hash(term: str) -> int:
    """Return 64 bits that stand for `term`: the index keeps no text."""
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _of_token(token: str) -> Iterator[str]:
    if _UNSPACED.search(token):
        yield from _pairs(token)
        return
    parts = _PART.findall(token)
    if len(parts) > 1:
        yield token.lower()[:_LONGEST]
    for part in parts:
        yield _stem(part)
        pieces = _CAMEL.findall(part)
        if len(pieces) > 1:
            yield from (_stem(piece) for piece in pieces if len(piece) > 1)


def _pairs(token: str) -> Iterator[str]:
    if len(token) == 1:
        yield token
    for place in range(len(token) - 1):
        yield token[place : place + 2].lower()


def _stem(word: str) -> str:
    # PyStemmer's stemmers are not thread-safe: one a thread. Their cache keeps 10,000 words that people said
    # in each thread, erased or not, and is slower than stemming: 0.9 us a word, and 0.2 without.
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer.Stemmer("english", 0)
    stemmed: str = _stemmers.english.stemWord(word.lower()[:_LONGEST])
    return stemmed
