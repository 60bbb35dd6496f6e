"""Millions of different turns from a few thousand sentences, with real vectors and few forward passes."""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from memory.encoders.over import EncoderOver
from memory.encoders.port import Encoder, Encoding, unit

# Stands between two sentences; no text of a data set holds it.
_JOINT = " \u2016 "


class ComposedEncoder(EncoderOver):
    """An `Encoder` for texts joined of known sentences: their vectors are put together, not computed anew.

    The pooled vector is the mean of the sentences', the tokens are theirs, one behind the other. Other
    texts are encoded for real. So a memory of any size is filled at the cost of storing it, and its
    vectors are spread like real ones; filling says nothing about the speed of ingest.
    """

    def __init__(self, encoder: Encoder, sentences: Sequence[str]) -> None:
        super().__init__(encoder)
        self._known = dict(zip(sentences, encoder.encode(sentences), strict=True))

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        parts = [text.split(_JOINT) for text in texts]
        strange = [text for text, known in zip(texts, parts, strict=True) if not self._knows(known)]
        fresh = dict(zip(strange, self._encoder.encode(strange), strict=True)) if strange else {}
        return [
            fresh[text] if text in fresh else _joined(known, [self._known[part] for part in known])
            for text, known in zip(texts, parts, strict=True)
        ]

    def _knows(self, parts: Sequence[str]) -> bool:
        return all(part in self._known for part in parts)


def drawn(sentences: Sequence[str], seed: int) -> Iterator[str]:
    """Yield turns without end, two sentences each, drawn at random."""
    generator = random.Random(seed)  # noqa: S311 - a benchmark's data, nothing secret
    while True:
        yield _JOINT.join(generator.choices(sentences, k=2))


def _joined(parts: Sequence[str], encodings: Sequence[Encoding]) -> Encoding:
    starts = np.cumsum([0, *(len(part) + len(_JOINT) for part in parts[:-1])])
    return Encoding(
        pooled=unit(np.mean([encoding.pooled for encoding in encodings], axis=0)),
        tokens=np.concatenate([encoding.tokens for encoding in encodings]),
        spans=np.concatenate([e.spans + start for e, start in zip(encodings, starts, strict=True)]).astype(
            np.int32
        ),
    )
