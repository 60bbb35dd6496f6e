"""Residue: bytes of what was erased, looked for in files without keeping what they say."""

from memory.residue.fingerprints import Fingerprints
from memory.residue.folder import Hit, Scan, scan
from memory.residue.forms import Piece, pieces_of_bytes, pieces_of_text, pieces_of_vectors

__all__ = [
    "Fingerprints",
    "Hit",
    "Piece",
    "Scan",
    "pieces_of_bytes",
    "pieces_of_text",
    "pieces_of_vectors",
    "scan",
]
