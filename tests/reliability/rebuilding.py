"""`satchel reindex` with another encoder: `python -m tests.reliability.rebuilding`, which can be killed.

It takes its settings from the environment and prints how many turns are done, a line a batch.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.reindexing import reindex
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.encoders.port import Encoding
from memory.intent.model import shipped
from tests.searching import encoding


class OtherWords:
    """Another encoder without a model, with vectors of another length."""

    id = "other-words/1"
    dim = 128
    max_pieces = OnnxEncoder.max_pieces

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text."""
        return [encoding(text, self.dim) for text in texts]


def intent_model(path: Path) -> Path:
    """Write an intent model for the other encoder, which looks at words alone."""
    known = shipped()
    blank = np.zeros((OtherWords.dim, known.vector.shape[1]), np.float32)
    replace(known, encoder=OtherWords.id, vector=blank).save(path)
    return path


def _told(done: int, of: int) -> None:
    sys.stdout.write(f"{done} {of}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    made = reindex(Settings(), _told, encoder=OtherWords())
    sys.stdout.write(f"added {made.added} of {made.turns}, switched {made.switched}\n")
