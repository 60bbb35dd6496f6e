"""Which evidence a delivered context holds: by whole turns, and by excerpts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

Span = tuple[int, int]


class Counts(Protocol):
    """Counts tokens."""

    def count(self, text: str) -> int:
        """Return the number of tokens in `text`."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans as few as cover the same characters, ascending."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def whole(text: str, spans: Sequence[Span]) -> bool:
    """Say whether the spans leave out nothing but white space: the strict figure."""
    left_out, at = [], 0
    for start, end in merged(spans):
        left_out.append(text[at:start])
        at = end
    return not "".join([*left_out, text[at:]]).strip()


def earned(text: str, spans: Sequence[Span], labelled: Sequence[Span], counter: Counts) -> bool:
    """Say whether the spans earn credit for the turn `text`: the excerpt figure.

    They must cover the labelled characters or, where none are labelled, half of the turn's tokens.
    """
    parts = merged(spans)
    if labelled:
        return all(any(a <= start and end <= b for a, b in parts) for start, end in labelled)
    if whole(text, parts):
        return True
    return 2 * sum(counter.count(text[a:b]) for a, b in parts) >= counter.count(text)


def group_hits(groups: Sequence[Sequence[str]], credited: Mapping[str, bool]) -> list[bool]:
    """Return for each group whether any of its units is credited."""
    return [any(credited.get(unit, False) for unit in group) for group in groups]
