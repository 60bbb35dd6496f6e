"""Whether one system is better than another on the same questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.stats.bootstrap import interval
from memory.errors import SetupError

RESAMPLES = 9999


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean difference, its 95% interval over conversations, and two-sided p-values.

    p: sign-flip test over questions. p_conversations: the same over whole conversations, which assumes
    less but can't fall below 2 / 2**n for n conversations.
    """

    difference: float
    low: float | None
    high: float | None
    p: float
    p_conversations: float | None

    @property
    def mark(self) -> str:
        """Stars for .05, .01 and .001 over questions; none if the interval over conversations has 0."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return ""
        return "*" * sum(self.p < level for level in (0.05, 0.01, 0.001))


def compare(differences: Mapping[str, Sequence[float]], seed: int = 0) -> Comparison | None:
    """Return how sure a difference is; `differences` per question, by conversation. None without any.

    Fisher's randomisation test, as recommended for retrieval by Smucker et al. 2007.
    """
    groups = {name: np.asarray(values, float) for name, values in differences.items() if len(values)}
    if not groups:
        return None
    found = interval({name: list(values) for name, values in groups.items()}, seed)
    low, high = found or (None, None)
    everything = np.concatenate(list(groups.values()))
    # A conversation's sum, so that flipping its sign flips all of its questions at once.
    sums = np.array([values.sum() for values in groups.values()])
    by_conversation = _p(sums, seed) if len(sums) > 1 else None
    return Comparison(float(everything.mean()), low, high, _p(everything, seed), by_conversation)


def _p(differences: np.ndarray, seed: int) -> float:
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    try:
        from scipy.stats import permutation_test  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise SetupError("comparing runs needs the extra 'eval': pip install 'satchel[eval]'") from error
    tested = permutation_test(
        (moved,),
        lambda sample, axis: np.sum(sample, axis=axis),
        permutation_type="samples",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
        vectorized=True,
        batch=1000,
    )
    return float(tested.pvalue)
