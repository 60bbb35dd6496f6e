"""A weak proxy for mood: words of good and bad feeling, first against last user turns."""

import re

_GOOD = re.compile(
    r"\b(?:thanks?|thank you|great|good|nice|love(?:ly)?|perfect|awesome|happy|glad|helpful|works?|"
    r"better|yes+|"
    r"cool|"
    r"excellent|wonderful|relieved|calm|fun|haha|lol|super|brilliant|gracias|danke|merci)\b|[:;]-?\)|[😀-😊🎉👍❤]",
    re.IGNORECASE,
)
_BAD = re.compile(
    r"\b(?:bad|wrong|hate|awful|terrible|sad|angry|worse|fail(?:ed|s)?|broken|stuck|annoy\w*|useless|scared|afraid|"
    r"tired|hurt|cry(?:ing)?|alone|lonely|anxious|stress\w*|hopeless|worthless|stupid|ugh|pain|lost|not what|"
    r"doesn'?t work|no+)\b|:-?\(|[😞-😭💔]",
    re.IGNORECASE,
)
_CHARS = 2000


def mood(text: str) -> float:
    """Return -1 (only bad words) to 1 (only good ones), 0 where there are none."""
    part = text[:_CHARS]
    good, bad = (sum(1 for _ in rule.finditer(part)) for rule in (_GOOD, _BAD))
    return (good - bad) / (good + bad) if good + bad else 0.0
