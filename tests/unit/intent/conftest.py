from functools import lru_cache

import numpy as np
import pytest

from memory.encoders.port import Floats
from memory.intent import IntentTagger
from memory.intent.features import SHAPES
from memory.intent.model import IntentModel
from memory.intent.taxonomy import taxonomy

DIM = 17


@lru_cache(maxsize=1)
def toy_model() -> IntentModel:
    """A model over one-hot vectors: axis n of the vector speaks for label n."""
    labels = taxonomy().names
    return IntentModel(
        name="toy",
        encoder="toy/1",
        labels=labels,
        words={"sql": 0},
        vector=8 * np.eye(DIM, dtype=np.float32),
        shapes=np.zeros((SHAPES, DIM), np.float32),
        head=6 * np.eye(DIM, dtype=np.float32)[[labels.index("database_query")]],
        tail=np.zeros((1, DIM), np.float32),
        bias=np.zeros(DIM, np.float32),
        temperature=1.0,
        unsure=0.5,
        affective=0.5,
    )


@pytest.fixture
def model() -> IntentModel:
    return toy_model()


@pytest.fixture
def tagger(model: IntentModel) -> IntentTagger:
    return IntentTagger(model)


def toward(label: str) -> Floats:
    """Return the vector that speaks for `label`."""
    vector = np.zeros(DIM, np.float32)
    vector[taxonomy().names.index(label)] = 1
    return vector
