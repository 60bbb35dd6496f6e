"""The risk model's file: one logistic score per policy from a turn's vector, cues and words."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from memory.encoders.port import Floats
from memory.errors import CorruptFileError
from memory.risk.cues import CUES, cues
from memory.risk.policies import POLICIES

FORMAT = 1
FILE = "risk.npz"
_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_CHARS = 2000


@dataclass(frozen=True, slots=True)
class RiskModel:
    """vector: float32 (dim, policies). cue: (CUES, policies). word: (words, policies). bias: (policies,).

    watch, flag: (policies,), session scores that sessions without risk seldom reach.
    """

    name: str
    encoder: str
    words: dict[str, int]
    vector: Floats
    cue: Floats
    word: Floats
    bias: Floats
    watch: Floats
    flag: Floats
    on_vectors: bool = True

    def on(self, encoder: str) -> Self:
        """Return the model for vectors of this encoder: of another than its own it looks at words alone."""
        return self if encoder == self.encoder else replace(self, on_vectors=False)

    def probabilities(self, text: str, pooled: Floats) -> Floats:
        """Return float32 (policies,), 0 to 1: how likely this turn shows each risk."""
        raw = self.bias + cues(text) @ self.cue
        if self.on_vectors:
            raw = raw + pooled @ self.vector
        places = [self.words[gram] for gram in grams(text) if gram in self.words]
        if places:
            raw = raw + self.word[places].sum(axis=0) / np.float32(max(len(places), 4) ** 0.5)
        found: Floats = (1 / (1 + np.exp(-raw))).astype(np.float32)
        return found

    def save(self, path: Path) -> None:
        """Write the model, without pickle; weights in half precision."""
        np.savez_compressed(
            path,
            format=FORMAT,
            name=self.name,
            encoder=self.encoder,
            policies=np.array(POLICIES),
            words=np.array(sorted(self.words, key=self.words.__getitem__)),
            bias=self.bias.astype(np.float32),
            watch=self.watch.astype(np.float32),
            flag=self.flag.astype(np.float32),
            vector=self.vector.astype(np.float16),
            cue=self.cue.astype(np.float16),
            word=self.word.astype(np.float16),
        )


def grams(text: str) -> set[str]:
    """Return the words and pairs of words of a text's beginning."""
    words = _WORD.findall(text[:_CHARS].lower())
    return {*words, *(f"{left} {right}" for left, right in pairwise(words))}


def load(path: Path) -> RiskModel:
    """Return the model in `path`; raise `CorruptFileError` where it doesn't fit this version."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            raw = dict(stored)
        model = RiskModel(
            name=str(raw["name"]),
            encoder=str(raw["encoder"]),
            words={str(word): place for place, word in enumerate(raw["words"])},
            **{key: raw[key].astype(np.float32) for key in _BLOCKS},
        )
        fits = int(raw["format"]) == FORMAT and tuple(raw["policies"]) == POLICIES
    except (OSError, ValueError, KeyError) as error:
        raise CorruptFileError(f"{path.name} is no risk model: {error}") from error
    if not fits or model.cue.shape != (CUES, len(POLICIES)):
        raise CorruptFileError(f"{path.name} was made for other policies or another version; train it again")
    return model


_BLOCKS = ("vector", "cue", "word", "bias", "watch", "flag")


@lru_cache(maxsize=1)
def shipped() -> RiskModel:
    """Return the model that comes with the package."""
    with as_file(files("memory.risk") / "models" / FILE) as path:
        return load(path)
