"""Test doubles for the evaluation."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from memory.encoders.port import Encoding, unit

DIM = 32


class HashEncoder:
    """Every word a fixed random direction: equal words are near, others are not."""

    id = "hash-words/1"
    dim = DIM
    max_pieces = 256

    def __init__(self) -> None:
        self.texts_seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text."""
        self.texts_seen.extend(texts)
        return [_encoded(text) for text in texts]


def _encoded(text: str) -> Encoding:
    words = list(re.finditer(r"\w+", text))
    tokens = np.stack([_direction(word.group().lower()) for word in words] or [np.zeros(DIM)])
    spans = np.array([word.span() for word in words] or [(0, 0)], np.int32)
    return Encoding(unit(tokens.sum(axis=0).astype(np.float32)), unit(tokens.astype(np.float32)), spans)


def _direction(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(DIM)
