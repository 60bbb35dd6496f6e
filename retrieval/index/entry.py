"""One indexed turn as bytes."""

import zlib
from itertools import pairwise

import numpy as np

from memory.encoders.port import Floats
from memory.errors import CorruptFileError
from memory.scope import Scope
from retrieval.index.port import IndexedTurn, Passage

_HEAD = 7
_PER_PASSAGE = 6


def packed(turn: IndexedTurn) -> bytes:
    """Return the turn as bytes: numbers, then pooled vectors (float16), codes, terms and counts."""
    numbers = [turn.key, turn.session, turn.seq, turn.role, turn.tokens, turn.speaker, len(turn.passages)]
    for part in turn.passages:
        numbers += [part.start, part.end, part.tokens, len(part.codes), len(part.terms), part.traits]
    arrays = [np.array(numbers, "<i8"), np.array([turn.at], "<f8")]
    arrays += [part.pooled.astype("<f2") for part in turn.passages]
    arrays += [part.codes.astype("i1") for part in turn.passages]
    arrays += [part.terms.astype("<u8") for part in turn.passages]
    arrays += [part.counts.astype("<u2") for part in turn.passages]
    return b"".join(array.tobytes() for array in arrays)


def unpacked(data: bytes, dim: int, code_dim: int) -> IndexedTurn:
    """Return what `packed` was given; raise `CorruptFileError` where lengths don't add up."""
    reader = _Reader(data)
    key, session, seq, role, tokens, speaker, passages = (int(n) for n in reader.take("<i8", _HEAD))
    table = reader.take("<i8", passages * _PER_PASSAGE).reshape(passages, _PER_PASSAGE)
    at = float(reader.take("<f8", 1)[0])
    pooled = reader.take("<f2", passages * dim).reshape(passages, dim).astype(np.float32)
    codes = reader.take("i1", int(table[:, 3].sum()) * code_dim).reshape(-1, code_dim)
    terms = reader.take("<u8", int(table[:, 4].sum()))
    counts = reader.take("<u2", int(table[:, 4].sum()))
    reader.end()
    code_ends = [0, *np.cumsum(table[:, 3]).tolist()]
    term_ends = [0, *np.cumsum(table[:, 4]).tolist()]
    parts = [
        Passage(
            int(start), int(end), int(size), pooled[i], codes[c0:c1], terms[t0:t1], counts[t0:t1], int(kind)
        )
        for i, ((start, end, size, _, _, kind), (c0, c1), (t0, t1)) in enumerate(
            zip(table, pairwise(code_ends), pairwise(term_ends), strict=True)
        )
    ]
    return IndexedTurn(key, session, seq, at, role, tokens, parts, speaker)


def pooled_of(data: bytes, dim: int) -> Floats:
    """Return the first passage's pooled vector alone, for a tenth of the time; `data` passed its check."""
    (passages,) = np.frombuffer(data, "<i8", 1, (_HEAD - 1) * 8)
    begin = (_HEAD + passages * _PER_PASSAGE + 1) * 8
    return np.frombuffer(data, "<f2", dim, int(begin)).astype(np.float32)


def checksum(scope: Scope, key: int, entry: bytes) -> int:
    """Return a checksum over the entry and whose it is: a row can't change hands unseen."""
    return zlib.crc32(entry, zlib.crc32(f"{scope.tenant}\0{scope.user}\0{key}".encode()))


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, dtype: str, count: int) -> np.ndarray:
        size = count * np.dtype(dtype).itemsize
        if count < 0 or self._place + size > len(self._data):
            raise CorruptFileError("an index entry is shorter than it says")
        array = np.frombuffer(self._data, dtype, count, self._place)
        self._place += size
        return array

    def end(self) -> None:
        if self._place != len(self._data):
            raise CorruptFileError("an index entry is longer than it says")
