"""How memory is being asked: from the words of the query alone."""

import re

import numpy as np

from memory.encoders.port import Floats

_LONG = 60  # words beyond which a query is a working turn, not a question

_CUES = {
    # A question, as against an order or a report.
    "question": (
        r"\?|^\W*(?:what|when|where|who|whom|whose|which|why|how|did|do|does|is|are|was|were|has|have|can|"
        r"could|would)\b"
    ),
    # Its answer is a date or a duration.
    "when": (
        r"\b(?:when|what (?:date|day|year|month|time)|how long|how many (?:days|weeks|months|years)|"
        r"since when|by when)\b"
    ),
    # Its answer is a number.
    "number": (
        r"\bhow (?:many|much|tall|big|far|old|often|high|heavy|wide)\b|"
        r"\b(?:number|cost|price|budget|total|amount|percentage|version|id)\b"
    ),
    # It points back at what was said.
    "back": (
        r"\b(?:last time|earlier|before|previous(?:ly)?|again|remember|remind|"
        r"as (?:we|i|you) (?:discussed|said|agreed)|"
        r"you (?:said|mentioned|suggested|told|gave|recommended|wrote)|"
        r"we (?:discussed|agreed|decided|talked|settled)|"
        r"i (?:said|mentioned|told)|already|the same|still|that (?:one|plan|idea|thing)|back to|regarding|"
        r"continu\w*|follow(?:ing)? up)\b"
    ),
    # It asks for what the assistant said.
    "assistant": (
        r"\b(?:you|your)\b.{0,30}\b(?:said|say|suggest\w*|recommend\w*|told|tell|gave|give|list\w*|"
        r"propos\w*|mention\w*|wrote|explain\w*)\b"
    ),
    # It asks about the user who asks.
    "self": r"\b(?:i|my|me|mine|i'm|i've|we|our)\b",
    # It asks for the present state of what may have changed.
    "current": (
        r"\b(?:now|current(?:ly)?|latest|these days|at the moment|newest|up to date|final(?:ly)?|in the end|"
        r"still|today)\b"
    ),
    # It asks for the first state.
    "first": (
        r"\b(?:original(?:ly)?|at first|initial(?:ly)?|the first|used to|in the beginning|"
        r"before (?:that|it))\b"
    ),
    # It orders work.
    "order": (
        r"^\W*(?:please|now|ok(?:ay)?|let's|lets|can you|could you|write|draft|make|give|add|change|fix|"
        r"update|create|show|help|put|do|use|summari[sz]e|list|explain)\b"
    ),
    # It wants several things put together.
    "many": (
        r"\b(?:all|every|each|list|both|order|sequence|throughout|over time|across|overall|summar\w+|"
        r"how many|compare|different|things|which ones)\b"
    ),
}
_PATTERNS = [re.compile(pattern, re.IGNORECASE) for pattern in _CUES.values()]

KINDS: tuple[str, ...] = (*_CUES, "length", "sentences")


def kinds(text: str) -> Floats:
    """Return float32 (len(KINDS),): cues, 1 where present, then length and sentences, 0 to 1."""
    words = len(text.split())
    sentences = len(re.findall(r"[.!?\n]+(?:\s|$)", text))
    cues = [float(bool(pattern.search(text))) for pattern in _PATTERNS]
    return np.array([*cues, min(words / _LONG, 1), min(sentences / 5, 1)], np.float32)
