"""The last word on a budget: what was packed by estimate is counted exactly, as it is delivered."""

from collections.abc import Sequence

from memory.tokens import TokenCounter
from retrieval.packing.packing import LOW_SHARE
from retrieval.rendering.render import Record, closing, new_nonce, opening, render


def fitted(records: Sequence[Record], budget: int, counter: TokenCounter) -> tuple[str, int, list[Record]]:
    """Return the rendered context, its tokens, and the records in it, of those given in order of packing.

    The last go until it fits, and of low trust until they take at most their share of the budget.
    """
    nonce = new_nonce()
    kept = list(records)
    text = render(kept, nonce)
    while (used := counter.count(text)) > budget:
        kept.pop()
        text = render(kept, nonce)
    while any(record.low for record in kept) and used - _trusted(kept, nonce, counter) > LOW_SHARE * budget:
        del kept[max(place for place, record in enumerate(kept) if record.low)]
        text = render(kept, nonce)
        used = counter.count(text)
    return text, used, kept


def _trusted(kept: Sequence[Record], nonce: str, counter: TokenCounter) -> int:
    """Return the tokens of what is not of low trust, and of the fence."""
    trusted = [record for record in kept if not record.low]
    return counter.count(render(trusted, nonce) or opening(nonce) + closing(nonce))
