"""Fit the shipped risk model: `python -m eval.intents.risk_train --data …`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import scipy.sparse as sp
import typer
from numpy.typing import NDArray

from eval.intents.risk_examples import WRITTEN, RiskTurn, turns_to_learn
from eval.intents.softmax import softmax_weights
from eval.intents.vectors import VectorCache
from memory.encoders import Encoder, OnnxEncoder
from memory.encoders.port import Floats
from memory.risk.cues import CUES, cues
from memory.risk.model import RiskModel, grams
from memory.risk.policies import POLICIES

NAME = "risk-2"
STRENGTH = 1.0
_FOLDS = 5
# Shares of hard negatives, by messages not seen in the fit, that may reach each limit.
_WATCH, _FLAG = 0.03, 0.01
# Scores of these add up over harmless sessions more than others do, as our own dev sessions show.
_SELDOM = {"eating_disorder": 0.005, "delusion": 0.005}
_HARD = 10.0
_CAREFUL = {*WRITTEN, "own", "xstest"}
_WORD_TIMES = 4
# The positives' share of the total weight in the fit; limits, not this, decide on prevalence.
_POSITIVE = 0.15


@dataclass(frozen=True, slots=True)
class Rows:
    """dense: float32 (n, dim + CUES), vectors and cues. words: float32 sparse (n, words)."""

    dense: Floats
    words: sp.csr_matrix

    def at(self, places: NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.dense[places], self.words[places])


@dataclass(frozen=True, slots=True)
class Logistic:
    """float32 weights (dim + CUES + words,) and a bias."""

    weights: Floats
    bias: float

    def probabilities(self, rows: Rows) -> Floats:
        """Return float32 (n,)."""
        width = rows.dense.shape[1]
        scores = rows.dense @ self.weights[:width] + rows.words @ self.weights[width:] + self.bias
        found: Floats = (1 / (1 + np.exp(-scores))).astype(np.float32)
        return found


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("memory/risk/models/risk.npz"),
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
) -> None:
    """Fit the model, set its limits by cross-validation, write it."""
    encoder = OnnxEncoder(threads=1)
    model = train(turns_to_learn(data), encoder, VectorCache(encoder, cache))
    out.parent.mkdir(parents=True, exist_ok=True)
    model.save(out)
    for place, policy in enumerate(POLICIES):
        typer.echo(f"{policy:18s} watch {model.watch[place]:.3f} flag {model.flag[place]:.3f}")


def train(turns: Sequence[RiskTurn], encoder: Encoder, cache: VectorCache) -> RiskModel:
    """Return the model of these messages."""
    words = vocabulary(turns)
    rows = matrix(turns, cache, words)
    blocks = [_policy(rows, turns, policy) for policy in POLICIES]
    weights = np.stack([block[0] for block in blocks], axis=1)
    dim = encoder.dim
    return RiskModel(
        name=NAME,
        encoder=encoder.id,
        words=words,
        vector=weights[:dim],
        cue=weights[dim : dim + CUES],
        word=weights[dim + CUES :],
        bias=np.array([block[1] for block in blocks], np.float32),
        watch=np.array([block[2] for block in blocks], np.float32),
        flag=np.array([block[3] for block in blocks], np.float32),
    )


def vocabulary(turns: Sequence[RiskTurn]) -> dict[str, int]:
    """Return the words and pairs that occur in several messages with risk."""
    times = Counter(gram for turn in turns if any(turn.risks.values()) for gram in grams(turn.text))
    kept = sorted(gram for gram, count in times.items() if count >= _WORD_TIMES)
    return {gram: place for place, gram in enumerate(kept)}


def matrix(turns: Sequence[RiskTurn], cache: VectorCache, words: dict[str, int]) -> Rows:
    """Return one row a message."""
    pooled = cache.encode([turn.text for turn in turns])
    dense = np.hstack([pooled, np.stack([cues(turn.text) for turn in turns])]).astype(np.float32)
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for turn in turns:
        found = sorted(words[gram] for gram in grams(turn.text) if gram in words)
        columns += found
        values += [1 / max(len(found), 4) ** 0.5] * len(found)
        starts.append(len(columns))
    shape = (len(turns), len(words))
    return Rows(dense, sp.csr_matrix((values, columns, starts), shape=shape, dtype=np.float32))


def fit(rows: Rows, truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> Logistic:
    """Return a logistic model; positives carry a fixed share of the weight."""
    total = weights[truth].sum()
    scaled = np.where(truth, weights * _POSITIVE / (1 - _POSITIVE) * weights[~truth].sum() / total, weights)
    both = np.stack([~truth, truth], axis=1).astype(np.float32)
    heavy = (scaled / scaled.mean()).astype(np.float32)
    # Two columns share the penalty that one would bear: half the strength gives the same model.
    found = softmax_weights(rows.dense, rows.words, both, heavy, STRENGTH / 2)
    one = found[:, 1] - found[:, 0]
    return Logistic(one[:-1], float(one[-1]))


def importance(turns: Sequence[RiskTurn]) -> NDArray[np.float64]:
    """Return each message's weight: hard negatives and what was written for this count more."""
    return np.array([_HARD if turn.source in {*WRITTEN, "own"} else 1.0 for turn in turns])


def crossed(rows: Rows, truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> Floats:
    """Return float32 (n,): each message's probability by a model that never saw it."""
    folds = np.random.default_rng(1).permutation(len(truth)) % _FOLDS
    found = np.zeros(len(truth), np.float32)
    for fold in range(_FOLDS):
        inside, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        found[inside] = fit(rows.at(rest), truth[rest], weights[rest]).probabilities(rows.at(inside))
    return found


def _policy(rows: Rows, turns: Sequence[RiskTurn], policy: str) -> tuple[Floats, float, float, float]:
    """Return (weights, bias, watch, flag) of one policy."""
    judged = np.flatnonzero([turn.risks[policy] is not None for turn in turns])
    truth = np.array([bool(turns[int(place)].risks[policy]) for place in judged])
    weights, mine = importance(turns)[judged], rows.at(judged)
    unseen = crossed(mine, truth, weights)
    harmless = np.array([_hard_negative(turns[int(place)]) for place in judged])
    watch, flag = (_limit(unseen[harmless], share) for share in (_WATCH, _SELDOM.get(policy, _FLAG)))
    model = fit(mine, truth, weights)
    return model.weights, model.bias, watch, flag


def _hard_negative(turn: RiskTurn) -> bool:
    """Say whether a message is of those that were judged with care, and shows no risk at all."""
    return turn.source in _CAREFUL and not any(turn.risks.values())


def _limit(scores: Floats, share: float) -> float:
    """Return the score that the share of the messages reaches."""
    return float(np.clip(np.quantile(scores, 1 - share), 0.05, 0.95))


if __name__ == "__main__":
    typer.run(main)
