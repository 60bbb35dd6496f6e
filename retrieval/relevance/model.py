"""The relevance model: how likely a candidate turn is needed, from its features. numpy alone."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from memory.errors import CorruptFileError, SetupError
from retrieval.evidence.features import Featured
from retrieval.relevance.known import INPUTS as KNOWN_INPUTS
from retrieval.relevance.known import known_inputs

FORMAT = 4

# Of a query's candidates, what the calibration looks at beside a candidate's own score.
CALIBRATED_ON = ("score", "score less the best", "score less all", "log-odds that it is known", "one")


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model says of each turn. score: float32 (n,), for ranking. relevance: float32 (n,), 0..1.

    known: chance that memory has anything on what is asked, 0 to 1.
    """

    score: Floats
    relevance: Floats
    known: float

    @property
    def order(self) -> NDArray[np.int64]:
        """Return rows, best first."""
        return np.argsort(-self.score, kind="stable")


class RelevanceModel:
    """Two linear rankers over `retrieval.evidence.features` and a gate between them by how memory is asked.

    Beside them the chance that memory has anything on it, and a logistic calibration of scores by both.

    Fitted by `python -m eval.train.relevance`; see docs/models/relevance.md.
    """

    def __init__(self, arrays: dict[str, NDArray[np.generic]], name: str) -> None:
        """Take the arrays of a model file; raise `CorruptFileError` where one is missing or misshapen."""
        try:
            self.names = tuple(str(entry) for entry in arrays["names"])
            self._weights = arrays["weights"].astype(np.float64)
            self._bias = arrays["bias"].astype(np.float64)
            self._gate = arrays["gate"].astype(np.float64)
            self._known = arrays["known"].astype(np.float64)
            self.abstain = float(arrays["abstain"][0])
            self._calibration = arrays["calibration"].astype(np.float64)
            self.quality = {key: arrays[f"quality {key}"].astype(np.float64) for key in QUALITIES}
            version = int(arrays["format"][0])
        except (KeyError, ValueError) as error:
            raise CorruptFileError(f"the relevance model lacks {error}; reinstall satchel") from error
        shapes = (len(self._weights), len(self._known)) == (len(self.names), len(KNOWN_INPUTS))
        if version != FORMAT or not shapes:
            raise CorruptFileError(
                f"the relevance model has format {version}, not {FORMAT}; reinstall satchel"
            )
        self.name = name

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the model of a file."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                arrays = {key: kept[key] for key in kept.files}
        except (OSError, ValueError) as error:
            raise SetupError(
                f"the relevance model {path.name} can't be read ({error}); reinstall satchel"
            ) from error
        return cls(arrays, str(arrays["name"][0]) if "name" in arrays else path.stem)

    @classmethod
    def shipped(cls) -> Self:
        """Return the model that comes with the package."""
        return cls.load(Path(str(files("retrieval") / "models" / "relevance.npz")))

    def score(self, turns: Featured) -> Scored:
        """Return scores and calibrated relevance of candidate turns."""
        if turns.names != self.names:
            raise CorruptFileError("the relevance model was fitted on other features; reinstall satchel")
        scores = self.score_of(turns, turns.values)
        return calibrated(scores, float(known_inputs(turns) @ self._known), self._calibration)

    def silent(self, scored: Scored) -> bool:
        """Say whether memory has so little on what is asked that it had better bring nothing."""
        return bool(log_odds(np.array(scored.known)) < self.abstain)

    def score_of(self, turns: Featured, values: Floats) -> Floats:
        """Return the ranker's scores, float32 (n,), as if the turns had these values."""
        return mixed(turns, self._weights, self._bias, self._gate, values)


# complete: of what memory has an answer to, whether all of it is packed.
QUALITIES = ("recall", "precision", "complete", "sufficient")


def gate_inputs(turns: Featured) -> Floats:
    """Return float32 (len(KINDS) + 1,): what the gate looks at, the query alone."""
    inputs: Floats = np.append(turns.kinds, np.float32(1))
    return inputs


def mixed(
    turns: Featured,
    weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    gate: NDArray[np.float64],
    values: Floats | None = None,
) -> Floats:
    """Return float32 (n,): the experts' scores, in the gate's shares.

    weights: (features, experts). bias: (experts,). gate: (gate inputs, experts - 1). values: the turns'
    own where None.
    """
    logits = np.append(0.0, gate_inputs(turns) @ gate)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    own = turns.values if values is None else values
    scores: Floats = (own @ (weights @ shares) + bias @ shares).astype(np.float32)
    return scores


def calibrated(scores: Floats, known: float, calibration: NDArray[np.float64]) -> Scored:
    """Return scores with what they are worth. known: log-odds that memory has anything on what is asked."""
    relevance = sigmoid(calibration_inputs(scores, known) @ calibration)
    return Scored(scores, relevance, float(sigmoid(np.array(known))))


def calibration_inputs(scores: Floats, known: float) -> Floats:
    """Return float32 (n, len(CALIBRATED_ON))."""
    if not len(scores):
        return np.zeros((0, len(CALIBRATED_ON)), np.float32)
    best = float(scores.max())
    total = best + float(np.log(np.exp(scores - best).sum()))
    shared = np.tile(np.array([known, 1.0], np.float32), (len(scores), 1))
    return np.concatenate([np.stack([scores, scores - best, scores - total], axis=1), shared], axis=1)


def log_odds(chances: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log-odds of chances from 0 to 1, within what a calibration can tell."""
    kept = np.clip(chances, 0.002, 0.998).astype(np.float64)
    odds: NDArray[np.float64] = np.log(kept / (1 - kept))
    return odds


def sigmoid(values: NDArray[np.floating]) -> Floats:
    """Return the logistic function, without overflow."""
    squashed: Floats = (1 / (1 + np.exp(-np.clip(values, -30, 30)))).astype(np.float32)
    return squashed
