"""What the tagger sees of a turn: its pooled vector, its first and last words, its shape."""

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Words looked at from either end: what is wanted stands there, pasted material in between.
_HEAD, _TAIL = 40, 25
_HEAD_CHARS, _TAIL_CHARS = 400, 250
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[?!*]|[^\W\d_]+")

_SHAPES = {
    "fence": r"```|<code>|<pre>",
    "code": (
        r"[;{]\s*$|^\s*(?:def|class|import|from|public|private|const|let|var|func|fn|#include|"
        r"<\w+[ >])\b|\)\s*[{:]\s*$|=>|::|\w\(\)|</"
    ),
    "trace": (
        r"traceback|exception|\berror\b|errno|stack ?trace|segfault|\bfailed\b|undefined|\bcrash|"
        r"0x[0-9a-f]{4}"
    ),
    "sql": (
        r"\bselect\b.+\bfrom\b|\b(?:inner|left|outer) join\b|\bgroup by\b|\bwhere\b.+=|"
        r"\bcreate table\b|\binsert into\b|\bsql\b|\bsqlite\b|\bpostgres|\bdatabase\b|\btables?\b"
    ),
    "rows": r"^(?:[^\n,;|\t]{1,30}[,;|\t]){2,}[^\n]*$",
    "action": r"\*[^*\n]{2,80}\*|\([^)\n]*ooc",
    "quote": r"^\s*[\"“«]",
    "bullets": r"^\s*(?:[-*•]|\d+[.)])\s",
    "url": r"https?://",
    "choice": r"^\s*\(?[A-D][.):]\s",
    "maths": r"[a-z]\s*\^\s*\d|\d\s*[+*/=]\s*\d|\\frac|\$\d|\d+%|∫|√|\bequation\b",
    "first_person": r"\b(?:i|i'm|im|i've|my|me|myself)\b",
    "second_person": r"\b(?:you|your|you're|u)\b",
    "kin": (
        r"\b(?:mum|mom|dad|mother|father|sister|brother|wife|husband|boyfriend|girlfriend|friend|"
        r"ex|partner|son|daughter|parents)\b"
    ),
    "feeling": (
        r"\b(?:feel|feeling|felt|sad|cry|crying|alone|lonely|anxious|anxiety|scared|hurt|hate|"
        r"miss|tired|love|depress\w*|overwhelm\w*|numb|guilty|worthless|stress\w*)\b"
    ),
    "please": r"\bplease\b|\bpls\b|\bcould you\b|\bcan you\b",
    "question": r"\?",
    "emphasis": r"!|:\)|:\(|lol|haha|[\U0001F300-\U0001FAFF]",
    "label": r"^\s*[A-Z][\w /]{1,24}:\s",
    "path": r"(?:[/\\][\w.-]+){2,}|\w+\.(?:py|js|ts|java|cpp|json|csv|sh|html|css|sql)\b",
}
_COMPILED = {name: re.compile(rule, re.IGNORECASE | re.MULTILINE) for name, rule in _SHAPES.items()}
# The last letter of Latin Extended-B: characters beyond it are of other scripts or pictures.
_LATIN = 0x24F
# Beyond this a text's shape is known.
_SHAPE_CHARS = 2000
SHAPES = len(_SHAPES) + 6


def ends(text: str) -> tuple[set[str], set[str]]:
    """Return the one- and two-word sequences at the beginning and, in longer texts, at the end."""
    head = _WORD.findall(text[:_HEAD_CHARS].lower())[:_HEAD]
    rest = text[_HEAD_CHARS:]
    tail = _WORD.findall(rest[-_TAIL_CHARS:].lower())[-_TAIL:]
    return _grams(["^", *head]), _grams([*tail, "$"]) if tail else set()


def _grams(words: list[str]) -> set[str]:
    return {*words, *(f"{left} {right}" for left, right in pairwise(words))}


def shape(text: str) -> NDArray[np.float32]:
    """Return float32 (shapes,): what kind of text it is, each about 0 to 1."""
    part = text[:_SHAPE_CHARS]
    seen = [min(sum(1 for _ in rule.finditer(part)), 4) / 4 for rule in _COMPILED.values()]
    length = max(len(text), 1)
    words = part.split()
    sizes = [
        min(np.log1p(len(text)) / 10, 1),
        min(part.count("\n") / 20, 1),
        sum(char.isdigit() for char in part) / max(len(part), 1),
        sum(ord(char) > _LATIN for char in part) / max(len(part), 1),
        float(len(words) <= 3),  # noqa: PLR2004 - a greeting or a word of thanks
        float(length > _SHAPE_CHARS),
    ]
    return np.array(seen + sizes, np.float32)
