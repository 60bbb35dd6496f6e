"""Leave one source out: every example scored by a model that never saw its source."""

from collections.abc import Sequence

import numpy as np

from eval.intents.design import Design
from eval.intents.examples import Example
from eval.intents.fit import balance, fit, labels_of
from memory.encoders.port import Floats

# Both splits of a source are one source.
_SAME = {"own_dev": "own", "own_train": "own"}


def sources(examples: Sequence[Example]) -> list[str]:
    """Return each example's source, splits of one source under one name."""
    return [_SAME.get(example.source, example.source) for example in examples]


def out_of_source(found: Design, examples: Sequence[Example]) -> Floats:
    """Return float32 (n, labels): scores from models that saw all sources but the example's own."""
    names = np.array(sources(examples))
    labels, weights = labels_of(examples), balance(examples)
    scores = np.zeros((len(examples), labels.max() + 1), np.float32)
    for name in np.unique(names):
        rows, rest = np.flatnonzero(names == name), np.flatnonzero(names != name)
        scores[rows] = fit(found, rest, labels, weights).scores(found, rows)
    return scores
