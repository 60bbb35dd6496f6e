"""What was really delivered: credit is for words in the payload, not for ids in a list."""

import json
import re
from collections.abc import Iterable

_SPACE = re.compile(r"\s+")
_ESCAPED = re.compile(r'\\u[0-9a-f]{4}|\\["\\/bfnrt]')


class Payload:
    """A payload that can be searched for a turn's words, however it is quoted."""

    def __init__(self, text: str) -> None:
        """Undo JSON escapes, which renderers use to keep a record on its line, and forget white space."""
        self._plain = _squeezed(text)
        self._unescaped = _squeezed(_ESCAPED.sub(_unescape, text)) if "\\" in text else self._plain

    def holds(self, parts: Iterable[str]) -> bool:
        """Say whether every part is there, white space apart."""
        wanted = [_squeezed(part) for part in parts]
        return all(part in self._plain or part in self._unescaped for part in wanted)


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text)


def _unescape(match: re.Match[str]) -> str:
    found: str = json.loads(f'"{match.group()}"')
    return found
