"""Encodings kept on disk, so that no text is encoded twice between experiments."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memory.encoders import Encoder, Encoding


class EncodedTexts:
    """An encoder's answers, a file a list of texts, named by what was encoded and by which encoder."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder = folder
        self._encoder = encoder
        folder.mkdir(parents=True, exist_ok=True)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text; token vectors are float16 values as float32."""
        path = self._path(texts)
        if not path.exists():
            self._write(path, self._encoder.encode(texts))
        with np.load(path) as kept:
            pooled, ends = kept["pooled"], kept["ends"]
            tokens, spans = kept["tokens"], kept["spans"]
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        return [
            Encoding(pooled[i], tokens[a:b].astype(np.float32), spans[a:b].astype(np.int32))
            for i, (a, b) in enumerate(zip(starts, ends, strict=True))
        ]

    def _path(self, texts: Sequence[str]) -> Path:
        digest = hashlib.sha256(self._encoder.id.encode())
        for text in texts:
            digest.update(hashlib.sha256(text.encode("utf-8", "replace")).digest())
        return self._folder / f"{digest.hexdigest()[:32]}.npz"

    @staticmethod
    def _write(path: Path, encodings: list[Encoding]) -> None:
        partial = path.with_suffix(".partial.npz")
        np.savez(
            partial,
            pooled=np.stack([encoding.pooled for encoding in encodings]),
            ends=np.cumsum([len(encoding.tokens) for encoding in encodings]),
            tokens=np.concatenate([encoding.tokens for encoding in encodings]).astype(np.float16),
            spans=np.concatenate([encoding.spans for encoding in encodings]).astype(np.int16),
        )
        partial.rename(path)
