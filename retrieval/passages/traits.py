"""What kind of text a passage is, as bits: the index keeps no text, but the relevance model asks."""

import re
from enum import IntFlag

from retrieval.passages.terms import term_hash, terms


class Trait(IntFlag):
    """Surface facts of a passage. They say how it may serve, never what it says."""

    NUMBER = 1
    TIME = 2
    ASKS = 4
    CODE = 8
    FIRST_PERSON = 16
    LINK = 32
    CHANGE = 64
    WISH = 128
    CHATTER = 256
    SECOND_PERSON = 512


_WORDS = {
    Trait.NUMBER: r"\d",
    Trait.TIME: (
        r"\b(?:yesterday|today|tonight|tomorrow|ago|last (?:week|month|year|night|summer|winter|spring|fall|"
        r"autumn|weekend|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|next (?:week|month|year|weekend)|"
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|"
        r"september|october|november|december|(?:19|20)\d\d|\d{1,2}:\d\d|"
        r"this (?:week|month|morning|weekend))\b"
    ),
    Trait.ASKS: r"\?\s*$",
    Trait.CODE: r"```|^\s*(?:def|class|import|from|const|let|function|SELECT|#include)\b|[;{}]\s*$",
    Trait.FIRST_PERSON: r"\b(?:i|i'm|i've|i'd|i'll|my|me|we|our|we're|we've)\b",
    Trait.LINK: r"https?://|www\.",
    Trait.CHANGE: (
        r"\b(?:actually|instead|no longer|changed|change of plan|moved to|now it's|not anymore|correction|"
        r"scrap that|rather than|update[ds]?|switch(?:ed)?|postponed|pushed back|brought forward|new plan)\b"
    ),
    Trait.WISH: (
        r"\b(?:prefer|always|never|please|from now on|don't|do not|i like|i love|i hate|i want|i need|"
        r"make sure|must|favou?rite|allergic|rather|keep it)\b"
    ),
    Trait.SECOND_PERSON: r"\b(?:you|your|you're|you've|you'd)\b",
}
_PATTERNS = {
    trait: re.compile(pattern, re.IGNORECASE | re.MULTILINE if trait is Trait.CODE else re.IGNORECASE)
    for trait, pattern in _WORDS.items()
}
_CHATTER = re.compile(
    r"^\W*(?:thanks?|thank you|ok(?:ay)?|sure|great|cool|wow|hi|hey|hello|bye|good (?:morning|night)|"
    r"see you|sounds good|you're welcome|no problem|nice|awesome|perfect|got it)\b",
    re.IGNORECASE,
)
_CHATTER_WORDS = 14


def traits(text: str) -> int:
    """Return the `Trait` bits of `text`."""
    found = Trait(0)
    for trait, pattern in _PATTERNS.items():
        if pattern.search(text):
            found |= trait
    if _CHATTER.match(text) and len(text.split()) <= _CHATTER_WORDS:
        found |= Trait.CHATTER
    return int(found)


def speaker_code(speaker: str | None) -> int:
    """Return 63 bits that stand for a speaker, by the first term of the name; 0 for none."""
    first = next(iter(terms(speaker)), None) if speaker else None
    return 0 if first is None else term_hash(first) >> 1
