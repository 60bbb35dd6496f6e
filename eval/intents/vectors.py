"""Pooled vectors of many texts, kept on disk between runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.encoders import Encoder
from memory.encoders.port import Floats

_CHUNK = 2048


class VectorCache:
    """Encodes texts once; later runs read the vectors from one file in `folder`.

    Without a folder nothing is kept: what users said must stay where a purge finds it.
    """

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        self._encoder = encoder
        name = hashlib.sha256(encoder.id.encode()).hexdigest()[:12]
        self._file = folder / f"pooled-{name}.npz" if folder else None
        self._keys: dict[bytes, int] = {}
        self._rows: Floats = np.zeros((0, encoder.dim), np.float32)
        if self._file is not None and self._file.exists():
            with np.load(self._file, allow_pickle=False) as stored:
                self._rows = stored["rows"]
                self._keys = {key.tobytes(): place for place, key in enumerate(stored["keys"])}

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return float32 (n, dim), one unit vector per text, in the order of `texts`."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._keys}
        wanted = list(missing.items())
        for start in range(0, len(wanted), _CHUNK):
            self._add(wanted[start : start + _CHUNK])
        places = np.array([self._keys[key] for key in keys], np.int64)
        found: Floats = self._rows[places]
        return found

    def unsaved(self) -> "VectorCache":
        """Return a cache that knows what this one knows, and writes nothing."""
        copy = VectorCache(self._encoder, None)
        copy._keys, copy._rows = dict(self._keys), self._rows
        return copy

    def _add(self, wanted: Sequence[tuple[bytes, str]]) -> None:
        new = np.stack([encoding.pooled for encoding in self._encoder.encode([text for _, text in wanted])])
        for key, _ in wanted:
            self._keys[key] = len(self._keys)
        self._rows = np.concatenate([self._rows, new])
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        keys: NDArray[np.uint8] = np.stack([np.frombuffer(key, np.uint8) for key in self._keys])
        partial = self._file.with_suffix(".part.npz")
        np.savez(partial, keys=keys, rows=self._rows)
        partial.replace(self._file)
