"""Which questions are asked."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eval.datasets.model import Conversation, Query


def selected(conversations: Sequence[Conversation], limit: int | None, seed: int) -> list[Conversation]:
    """Return the conversations with at most `limit` questions in all, drawn without replacement."""
    places = [
        (c, q) for c, conversation in enumerate(conversations) for q in range(len(conversation.queries))
    ]
    if limit is None or limit >= len(places):
        return [conversation for conversation in conversations if conversation.queries]
    drawn = np.random.default_rng(seed).choice(len(places), limit, replace=False)
    kept: dict[int, set[int]] = {}
    for c, q in (places[place] for place in drawn):
        kept.setdefault(c, set()).add(q)
    return [
        replace(conversation, queries=tuple(q for n, q in enumerate(conversation.queries) if n in kept[c]))
        for c, conversation in enumerate(conversations)
        if c in kept
    ]


def with_traps(conversation: Conversation) -> Conversation:
    """Return the conversation with traps as gold, as published LoCoMo figures count them."""

    def changed(query: Query) -> Query:
        if query.groups or not query.trap:
            return query
        return replace(query, groups=tuple((unit,) for unit in query.trap), trap=())

    return replace(conversation, queries=tuple(changed(query) for query in conversation.queries))
