"""Fit the shipped risk model: `python -m eval.intents.risk_train --data …`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import scipy.sparse as sp
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from eval.intents.risk_examples import WRITTEN, RiskTurn, turns_to_learn
from eval.intents.vectors import VectorCache
from memory.encoders import Encoder, OnnxEncoder
from memory.encoders.port import Floats
from memory.risk.cues import CUES, cues
from memory.risk.model import RiskModel, grams
from memory.risk.policies import POLICIES

NAME = "risk-1"
STRENGTH = 1.0
_FOLDS = 5
# Shares of messages without risk, hard ones ten times as heavy, that may reach each limit.
_WATCH, _FLAG = 0.02, 0.004
_HARD = 10.0
_WORD_TIMES = 4
# The positives' share of the total weight in the fit; limits, not this, decide on prevalence.
_POSITIVE = 0.15


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


def matrix(turns: Sequence[RiskTurn], cache: VectorCache, words: dict[str, int]) -> sp.csr_matrix:
    """Return sparse float32 (n, dim + CUES + words)."""
    pooled = cache.encode([turn.text for turn in turns])
    dense = np.hstack([pooled, np.stack([cues(turn.text) for turn in turns])])
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for turn in turns:
        found = sorted(words[gram] for gram in grams(turn.text) if gram in words)
        columns += found
        values += [1 / max(len(found), 4) ** 0.5] * len(found)
        starts.append(len(columns))
    sparse = sp.csr_matrix((values, columns, starts), shape=(len(turns), len(words)))
    return sp.csr_matrix(sp.hstack([sp.csr_matrix(dense), sparse]), dtype=np.float32)


def fit(rows: sp.csr_matrix, truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> LogisticRegression:
    """Return a logistic model; positives carry a fixed share of the weight."""
    total = weights[truth].sum()
    scaled = np.where(truth, weights * _POSITIVE / (1 - _POSITIVE) * weights[~truth].sum() / total, weights)
    return LogisticRegression(C=STRENGTH, max_iter=200).fit(rows, truth, sample_weight=scaled / scaled.mean())


def importance(turns: Sequence[RiskTurn]) -> NDArray[np.float64]:
    """Return each message's weight: hard negatives and what was written for this count more."""
    return np.array([_HARD if turn.source in {*WRITTEN, "own"} else 1.0 for turn in turns])


def crossed(rows: sp.csr_matrix, truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> Floats:
    """Return float32 (n,): each message's probability by a model that never saw it."""
    folds = np.random.default_rng(1).permutation(len(truth)) % _FOLDS
    found = np.zeros(len(truth), np.float32)
    for fold in range(_FOLDS):
        inside = folds == fold
        model = fit(rows[~inside], truth[~inside], weights[~inside])
        found[inside] = model.predict_proba(rows[inside])[:, 1]
    return found


def _policy(
    rows: sp.csr_matrix, turns: Sequence[RiskTurn], policy: str
) -> tuple[Floats, float, float, float]:
    """Return (weights, bias, watch, flag) of one policy."""
    judged = np.flatnonzero([turn.risks[policy] is not None for turn in turns])
    truth = np.array([bool(turns[int(place)].risks[policy]) for place in judged])
    weights = importance(turns)[judged]
    unseen = crossed(rows[judged], truth, weights)
    watch, flag = (_limit(unseen[~truth], weights[~truth], share) for share in (_WATCH, _FLAG))
    model = fit(rows[judged], truth, weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0]), watch, flag


def _limit(scores: Floats, weights: NDArray[np.float64], share: float) -> float:
    """Return the score that the weighted share of the messages reaches."""
    order = np.argsort(-scores)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(np.clip(scores[order][np.searchsorted(reached, share)], 0.05, 0.95))


if __name__ == "__main__":
    typer.run(main)
