"""The intent model's file: a linear map from what is seen of a turn to a score for each label."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from memory.encoders.port import Floats
from memory.errors import CorruptFileError, EncoderMismatchError
from memory.intent.features import SHAPES, ends, shape
from memory.intent.taxonomy import Taxonomy, taxonomy

FORMAT = 1
FILE = "intent.npz"


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Weights, and what is needed to read probabilities off them.

    vector: float32 (dim, labels). shapes: (SHAPES, labels). head, tail: (words, labels), each word's
    weights where it stands at either end. bias: (labels,). temperature: divides the scores before
    the softmax. unsure: a best probability below this abstains. affective: the affective group is
    named only from this probability on.
    """

    name: str
    encoder: str
    labels: tuple[str, ...]
    words: dict[str, int]
    vector: Floats
    shapes: Floats
    head: Floats
    tail: Floats
    bias: Floats
    temperature: float
    unsure: float
    affective: float

    def scores(self, text: str, pooled: Floats) -> Floats:
        """Return float32 (labels,): the turn's scores before temperature; `pooled` is its unit vector."""
        found = self.bias + pooled @ self.vector + shape(text) @ self.shapes
        for grams, weights in zip(ends(text), (self.head, self.tail), strict=True):
            places = [self.words[gram] for gram in grams if gram in self.words]
            if places:
                found = found + weights[places].sum(axis=0) / np.float32(max(len(places), 4) ** 0.5)
        scores: Floats = found.astype(np.float32)
        return scores

    def check(self, encoder: str, dim: int) -> None:
        """Raise `EncoderMismatchError` unless vectors of this encoder are what the model was fitted on."""
        if encoder.split("/", maxsplit=1)[0] != self.encoder.split("/")[0] or dim != len(self.vector):
            raise EncoderMismatchError(
                f"the intent model was fitted on {self.encoder}, not on {encoder}; "
                "run `satchel intents train` with this encoder, or set it back"
            )

    def save(self, path: Path) -> None:
        """Write the model, without pickle; weights in half precision."""
        np.savez_compressed(
            path,
            format=FORMAT,
            taxonomy=taxonomy().version,
            name=self.name,
            encoder=self.encoder,
            labels=np.array(self.labels),
            words=np.array(sorted(self.words, key=self.words.__getitem__)),
            vector=self.vector.astype(np.float16),
            shapes=self.shapes.astype(np.float16),
            head=self.head.astype(np.float16),
            tail=self.tail.astype(np.float16),
            bias=self.bias.astype(np.float32),
            limits=np.array([self.temperature, self.unsure, self.affective]),
        )


def load(path: Path, known: Taxonomy | None = None) -> IntentModel:
    """Return the model in `path`; raise `CorruptFileError` where it doesn't fit this version."""
    known = known or taxonomy()
    try:
        with np.load(path, allow_pickle=False) as stored:
            raw = dict(stored)
        model = _read(raw)
        fits = int(raw["format"]) == FORMAT and int(raw["taxonomy"]) == known.version
    except (OSError, ValueError, KeyError) as error:
        raise CorruptFileError(f"{path.name} is no intent model: {error}") from error
    shapes = {model.shapes.shape[0] == SHAPES, len(model.bias) == len(model.labels), fits}
    if shapes != {True} or model.labels != known.names:
        raise CorruptFileError(f"{path.name} was made for another taxonomy or version; train it again")
    return model


@lru_cache(maxsize=1)
def shipped() -> IntentModel:
    """Return the model that comes with the package."""
    with as_file(files("memory.intent") / "models" / FILE) as path:
        return load(path)


def _read(raw: dict[str, np.ndarray]) -> IntentModel:
    temperature, unsure, affective = (float(value) for value in raw["limits"])
    weights = {key: raw[key].astype(np.float32) for key in ("vector", "shapes", "head", "tail", "bias")}
    return IntentModel(
        name=str(raw["name"]),
        encoder=str(raw["encoder"]),
        labels=tuple(str(label) for label in raw["labels"]),
        words={str(word): place for place, word in enumerate(raw["words"])},
        temperature=temperature,
        unsure=unsure,
        affective=affective,
        **weights,
    )
