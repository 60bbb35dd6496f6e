"""Arrays that grow at the end."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


class Column(Generic[Scalar]):
    """A numpy array that takes new rows in constant time on average, by doubling its room."""

    def __init__(self, dtype: DTypeLike, width: int | None = None) -> None:
        self._rows: NDArray[Scalar] = np.empty((16,) if width is None else (16, width), dtype)
        self._used = 0

    def extend(self, rows: NDArray[Scalar]) -> None:
        """Add `rows` at the end."""
        needed = self._used + len(rows)
        if needed > len(self._rows):
            grown = np.empty((max(needed, 2 * len(self._rows)), *self._rows.shape[1:]), self._rows.dtype)
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        self._rows[self._used : needed] = rows
        self._used = needed

    @property
    def rows(self) -> NDArray[Scalar]:
        """A view of all rows; good until the next `extend`."""
        return self._rows[: self._used]

    @property
    def nbytes(self) -> int:
        """Bytes held, room to grow included."""
        return self._rows.nbytes

    def __len__(self) -> int:
        return self._used
