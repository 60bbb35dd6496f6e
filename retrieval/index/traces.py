"""What an indexed turn leaves behind, cut into pieces to look for."""

from collections.abc import Iterator

import numpy as np

from memory.residue import Piece, pieces_of_bytes, pieces_of_vectors
from retrieval.index.port import IndexedTurn


def pieces_of(turn: IndexedTurn) -> Iterator[Piece]:
    """Yield pieces of its vectors in every form that a store keeps them in, its codes and hashed terms."""
    for passage in turn.passages:
        yield from pieces_of_vectors(np.asarray(passage.pooled, np.float32)[None])
        yield from pieces_of_bytes("int8 codes", passage.codes.tobytes())
        yield from pieces_of_bytes("term hashes", passage.terms.astype("<u8").tobytes())
