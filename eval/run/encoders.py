"""The encoder that all systems share, loaded when the first text is new."""

from collections.abc import Sequence
from functools import cached_property

from memory.encoders import Encoder, Encoding, OnnxEncoder


class _LazyOnnx:
    """The default encoder, loaded at first use: a warm cache needs none."""

    id = OnnxEncoder.id
    dim = OnnxEncoder.dim
    max_pieces = OnnxEncoder.max_pieces

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        return self._loaded.encode(texts)

    @cached_property
    def _loaded(self) -> OnnxEncoder:
        return OnnxEncoder(threads=self._threads)


def lazy_encoder(name: str, *, threads: int = 0) -> Encoder:
    """Return the encoder of this name: `onnx`, or a sentence-transformers model by name or folder."""
    if name == "onnx":
        return _LazyOnnx(threads)
    from memory.encoders.transformers import TransformersEncoder  # noqa: PLC0415 - an optional extra

    return TransformersEncoder(name)
