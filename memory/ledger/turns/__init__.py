"""Turns: appended once, read by number, session or time; never changed."""

from memory.ledger.turns.appending import append
from memory.ledger.turns.reading import (
    all_numbers,
    by_id,
    by_name,
    from_source,
    last_of_session,
    names_to_ids,
    newest,
    numbered,
    of_session,
    owners,
    page,
    stream,
    told_by_source,
)
from memory.ledger.turns.sealed import seal_plain, sealed

__all__ = [
    "all_numbers",
    "append",
    "by_id",
    "by_name",
    "from_source",
    "last_of_session",
    "names_to_ids",
    "newest",
    "numbered",
    "of_session",
    "owners",
    "page",
    "seal_plain",
    "sealed",
    "stream",
    "told_by_source",
]
