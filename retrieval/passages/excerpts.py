"""Long turns in parts: spans that can be searched and packed alone."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

# Characters. A span stays below the encoder's sight (256 word pieces), so all of it is searched;
# a turn shorter than `WHOLE` is one span.
TARGET = 480
WHOLE = 720

_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n+")
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\s]+|\n")


def excerpts(text: str) -> list[Span]:
    """Return consecutive spans (start, end) that cover `text`: blocks, joined up to `TARGET`.

    A code block, a table row and a list item are cut only where they alone are longer.
    """
    if len(text) <= WHOLE:
        return [(0, len(text))]
    spans: list[Span] = []
    start = 0
    for end in _cuts(text):
        if spans and end - spans[-1][0] <= TARGET:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        start = end
    return spans


def _cuts(text: str) -> Iterator[int]:
    """Yield the ends of the smallest parts, in order, the last being the end of the text."""
    for start, end in _blocks(text):
        if end - start <= TARGET:
            yield end
        else:
            yield from _within(text, start, end)


def _blocks(text: str) -> Iterator[Span]:
    """Yield paragraphs and fenced code blocks; a fence is never parted from its code."""
    start = 0
    fences = [match.start() for match in _FENCE.finditer(text)]
    code = [
        (opening, text.find("\n", closing) + 1 or len(text))
        for opening, closing in zip(fences[::2], fences[1::2], strict=False)
    ]
    for opening, closing in [*code, (len(text), len(text))]:
        for blank in _BLANK.finditer(text, start, opening):
            yield start, blank.end()
            start = blank.end()
        if start < opening:
            yield start, opening
        if opening < closing:
            yield opening, closing
        start = closing


def _within(text: str, start: int, end: int) -> Iterator[int]:
    """Cut a long block after sentences or lines, or hard where one is longer than a span."""
    begun = start
    for stop in [*(match.end() for match in _SENTENCE.finditer(text, start, end)), end]:
        while stop - begun > WHOLE:
            begun += TARGET
            yield begun
        if stop > begun:
            yield stop
            begun = stop
