"""Share of the evidence that was found."""

from collections.abc import Sequence


def recall(hits: Sequence[bool]) -> float:
    """Return found evidence over all evidence, 0 to 1; `hits` has one entry a piece of evidence.

    Evidence recall as in LoCoMo (Maharana et al. 2024), table 3. Raises `ValueError` without evidence:
    a question that has none is judged by the quality report, never by recall.
    """
    if not hits:
        raise ValueError("recall is undefined without evidence")
    return sum(hits) / len(hits)
