"""Fit the token projection: `python -m eval.train.projection --data DIR --out FILE`.

Principal directions, without centring so that dot products are kept, of the token vectors of
`own/histories.jsonl` below DIR.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from eval.train.encoded import EncodedTexts
from eval.train.evidence import read
from memory.encoders import OnnxEncoder
from memory.encoders.port import Floats
from memory.tokens import TokenCounter

DIMENSIONS = 96
# Characters of a turn that are encoded: about what the encoder sees at once.
SEEN = 720


def principal_directions(tokens: Floats, dimensions: int) -> tuple[Floats, float]:
    """Return float32 (dim, dimensions), orthonormal columns, and the share of the squares they keep."""
    values, vectors = np.linalg.eigh((tokens.T @ tokens).astype(np.float64) / len(tokens))
    kept = np.argsort(-values)[:dimensions]
    directions: Floats = vectors[:, kept].astype(np.float32)
    return directions, float(values[kept].sum() / values.sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write, as float16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds own/histories.jsonl")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    options = parser.parse_args(arguments)
    encoded = EncodedTexts(options.cache, OnnxEncoder())
    parts = []
    with threadpool_limits(1):
        for history in read(options.data / "own" / "histories.jsonl", TokenCounter()):
            texts = [turn.content[:SEEN] for turn in history.turns]
            parts += [encoding.tokens for encoding in encoded.encode(texts)]
        directions, kept = principal_directions(np.concatenate(parts), DIMENSIONS)
    np.save(options.out, directions.astype(np.float16))
    print(f"{DIMENSIONS} directions keep {kept:.4f} of the squared lengths")  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
