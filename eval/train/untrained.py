"""The untrained sum, in the shape of a relevance model: what a search finds before anything is learned."""

import numpy as np

from retrieval.query.kinds import KINDS
from retrieval.relevance.known import INPUTS as KNOWN_INPUTS
from retrieval.relevance.model import CALIBRATED_ON, FORMAT, QUALITIES, RelevanceModel
from retrieval.relevance.quality import INPUTS as QUALITY_INPUTS

# The mean of the dense, lexical and token-level scores, each in standard deviations; again in such.
_SUM = "base z"


def untrained() -> RelevanceModel:
    """Return a model whose score is the untrained sum.

    Of probabilities it knows nothing: every turn is as likely as not to be needed, and it never keeps silent.
    """
    names = RelevanceModel.shipped().names
    nothing = np.zeros
    return RelevanceModel(
        {
            "format": np.array([FORMAT]),
            "names": np.array(names),
            "weights": np.array([[float(name == _SUM)] for name in names]),
            "bias": nothing(1),
            "gate": nothing((len(KINDS) + 1, 0)),
            "known": nothing(len(KNOWN_INPUTS)),
            "abstain": np.array([-np.inf]),
            "calibration": nothing(len(CALIBRATED_ON)),
            **{f"quality {key}": nothing(len(QUALITY_INPUTS)) for key in QUALITIES},
            "quality sufficient": nothing(2),
        },
        "untrained sum",
    )
