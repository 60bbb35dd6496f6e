"""Long lists of numbers, in parts that every database takes as parameters."""

from collections.abc import Iterator, Sequence

_CHUNK = 500


def chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the numbers in their order, some hundreds at a time."""
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]
