"""Every form in which a text or a vector may lie in a file, cut into pieces to look for."""

import base64
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A piece is as long as the longest of these that fits. Thirty-two bytes of prose are rarely another
# person's too; eight are the shortest that say anything.
WIDTHS = (32, 16, 8)
# Fewer different bytes than this are padding or a rule of dashes, which any file may hold.
_VARIED = 5
# Most pieces of one text in the form it is stored in; they lie side by side up to this, then spread out.
_TILES = 64
_SPREAD = 2
# A single word is looked for by itself where hardly anybody else will have it: an identifier, or long.
_RARE = re.compile(r"(?=\S*\d)[^\s\"']{8,64}|[^\W\d_]{14,64}")
_RARE_WORDS = 16


class Piece(NamedTuple):
    """Bytes to look for, 8, 16 or 32, and the form that they are in."""

    form: str
    data: bytes


def pieces_of_text(text: str) -> Iterator[Piece]:
    """Yield pieces of a text in UTF-8, UTF-16 of both orders, JSON, lowercase and base64."""
    plain = text.encode()
    yield from _cut("utf-8", plain, _TILES)
    for form, data in _other_forms(text, plain):
        yield from _cut(form, data, _SPREAD)
    for match, _ in zip(_RARE.finditer(text.lower()), range(_RARE_WORDS), strict=False):
        yield from _cut("term", match.group().encode(), 1)


def pieces_of_vectors(vectors: NDArray[np.float32]) -> Iterator[Piece]:
    """Yield pieces of vectors, float32 (n, dim), as float32 of both byte orders, CBOR and float16.

    CBOR is what Qdrant's write-ahead log holds, float16 what the embedded index keeps.
    """
    for vector in vectors:
        big = vector.astype(">f4")
        cbor = np.empty((len(vector), 5), np.uint8)
        cbor[:, 0] = 0xFA
        cbor[:, 1:] = big.view(np.uint8).reshape(-1, 4)
        yield from _cut("float32 le", vector.astype("<f4").tobytes(), _SPREAD)
        yield from _cut("float32 be", big.tobytes(), _SPREAD)
        yield from _cut("float32 cbor", cbor.tobytes(), _SPREAD)
        yield from _cut("float16 le", vector.astype("<f2").tobytes(), _SPREAD)


def pieces_of_bytes(form: str, data: bytes) -> Iterator[Piece]:
    """Yield a few pieces of bytes that are stored as they are."""
    yield from _cut(form, data, _SPREAD)


def _other_forms(text: str, plain: bytes) -> Iterator[tuple[str, bytes]]:
    yield "utf-16 le", text.encode("utf-16-le")
    yield "utf-16 be", text.encode("utf-16-be")
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
        if escaped != plain:
            yield "json", escaped
    lower = text.lower().encode("utf-8", "replace")
    if lower != plain:
        yield "lowercase", lower
    # Three bytes make four characters, so inside a larger whole a text can begin in three ways.
    for shift in range(3):
        whole = plain[shift : shift + (len(plain) - shift) // 3 * 3]
        yield "base64", base64.b64encode(whole)


def _cut(form: str, data: bytes, most: int) -> Iterator[Piece]:
    width = next((width for width in WIDTHS if len(data) >= width), 0)
    if not width:
        return
    count = min(most, -(-len(data) // width))
    last = len(data) - width
    starts = [last * place // max(count - 1, 1) for place in range(count)]
    for start in dict.fromkeys(starts):
        window = data[start : start + width]
        if len(set(window)) >= _VARIED:
            yield Piece(form, window)
