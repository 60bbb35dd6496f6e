"""What an encoder is, and what both of ours share."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.errors import CorruptFileError

Floats = NDArray[np.float32]

# Padded word pieces in one forward pass. Measured on two cores with MiniLM: 256 is the fastest of
# 1 to 2048 (10.4k pieces/s against 9.0k one text at a time and 9.2k at 2048).
BATCH_PIECES = 256


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text's vectors, from one forward pass.

    pooled: float32 (dim,), unit length. tokens: float32 (n, dim), unit length each, special tokens
    left out. spans: int32 (n, 2), each token's first and past-the-end character in the text.
    """

    pooled: Floats
    tokens: Floats
    spans: NDArray[np.int32]


class Encoder(Protocol):
    """Text to vectors. Thread-safe; text beyond `max_pieces` word pieces is not seen."""

    @property
    def id(self) -> str:
        """Name and version: vectors of equal id are comparable, others are not."""

    @property
    def dim(self) -> int:
        """Length of every vector."""

    @property
    def max_pieces(self) -> int:
        """Word pieces seen of one text, special ones included."""

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""


def batches_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield places in `lengths`, shortest first, so that little of a batch is padding."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > BATCH_PIECES:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def unit(vectors: Floats) -> Floats:
    """Return `vectors` scaled to unit length along the last axis; zero stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return scaled


def checked_file(path: Path, sha256: str) -> Path:
    """Return `path` if its content has this hash, else raise `CorruptFileError`."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CorruptFileError(
            f"{path.name} can't be read ({error.strerror}); reinstall its package"
        ) from error
    if found != sha256:
        raise CorruptFileError(
            f"{path.name} has sha256 {found[:12]}…, not {sha256[:12]}…; reinstall the package that carries it"
        )
    return path
