"""Sums over a scope's vectors, from which mean and spread of any query's cosines follow exactly."""

import numpy as np

from memory.encoders.port import Floats


class Moments:
    """First and second moments of some vectors, float32 (dim,) and (dim, dim)."""

    def __init__(self, dim: int) -> None:
        self._sum = np.zeros(dim, np.float32)
        self._outer = np.zeros((dim, dim), np.float32)

    def add(self, vectors: Floats) -> None:
        """Count vectors in."""
        self._sum += vectors.sum(axis=0)
        self._outer += vectors.T @ vectors

    def remove(self, vectors: Floats) -> None:
        """Take vectors out again."""
        self._sum -= vectors.sum(axis=0)
        self._outer -= vectors.T @ vectors

    def total(self, query: Floats) -> float:
        """Return the sum of the dot products of `query` with every vector."""
        return float(self._sum @ query)

    def deviation(self, query: Floats, count: int) -> float:
        """Return the standard deviation of those dot products, of `count` vectors."""
        mean = self.total(query) / count
        return float(np.sqrt(max(float(query @ self._outer @ query) / count - mean * mean, 0.0)))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._sum.nbytes + self._outer.nbytes
