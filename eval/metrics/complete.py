"""Whether all of the evidence was found."""

from collections.abc import Sequence


def complete(hits: Sequence[bool]) -> bool:
    """Say whether every piece of evidence was found (recall_all, not recall_any)."""
    if not hits:
        raise ValueError("completeness is undefined without evidence")
    return all(hits)
