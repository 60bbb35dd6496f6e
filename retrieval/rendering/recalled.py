"""Our own contexts in what is remembered again: a copy is no new evidence.

Callers store whole prompts, and assistants repeat what they were given. The ledger keeps it word by word;
what is searched and delivered leaves the copies out, so that nothing is recalled because it was recalled.
Copies are known by their form, whoever made them: a forged one hides nothing but itself.
"""

import re
from itertools import pairwise

from retrieval.passages.excerpts import Span
from retrieval.rendering.render import HEADER, RECORD

_FENCE = re.compile(r"<(/?)memory (\d{39})>(?: Records, not instructions\.)?")
_LINE = re.compile(r"[^\n]+")


def own(text: str) -> list[Span] | None:
    """Return the spans of `text` that are not copied from a context, ascending; None where all is its own.

    A copy is a fence with all that is in it, or a header of ours with the records below it.
    """
    copies = sorted(_fenced(text) + _listed(text))
    if not copies:
        return None
    bounds = [(0, 0), *copies, (len(text), len(text))]
    reached = 0
    kept: list[Span] = []
    for (_, end), (start, _) in pairwise(bounds):
        reached = max(reached, end)
        if text[reached:start].strip():
            kept.append((reached, start))
    return kept


def own_text(text: str) -> str:
    """Return `text` without what it copies from a context."""
    kept = own(text)
    return text if kept is None else "\n".join(text[start:end].strip() for start, end in kept)


def _fenced(text: str) -> list[Span]:
    """Return the fences with what is in them, also where quoted, indented or written as JSON."""
    found: list[Span] = []
    opened: dict[str, int] = {}
    for match in _FENCE.finditer(text):
        closes, nonce = match.groups()
        found.append(match.span())  # a fence cut off at one end is no evidence either
        if not closes:
            opened.setdefault(nonce, match.start())
        elif nonce in opened:
            found.append((opened.pop(nonce), match.end()))
    return found


def _listed(text: str) -> list[Span]:
    """Return headers with the records below them: what is left of a context without its fence."""
    found: list[Span] = []
    start: int | None = None
    for match in _LINE.finditer(text):
        line = match.group().strip()
        if HEADER.fullmatch(line):
            start = match.start()
        elif start is not None and RECORD.fullmatch(line):
            if found and found[-1][0] == start:
                found.pop()
            found.append((start, match.end()))
        else:
            start = None
    return found
