"""Tombstones: what was purged stays purged, also in an older copy of the ledger.

A tombstone is a keyed hash of a kind and a number; numbers are never given again. It names nobody, and
without the ledger's pepper it can't be found by trying names.
"""

import hmac
from collections.abc import Collection
from hashlib import sha256
from typing import Literal

import sqlalchemy as sa

from memory.errors import CorruptFileError
from memory.ledger import data_keys
from memory.ledger.chunks import chunks
from memory.ledger.insert import insert_all_missing
from memory.ledger.schema import idempotency, insights, sessions, tombstones, turns, users
from memory.ledger.totals import recount
from memory.times import now

Kind = Literal["user", "session", "turn"]

PEPPER = "pepper"
_TABLES = {"user": users, "session": sessions, "turn": turns}


def add(tx: sa.Connection, kind: Kind, numbers: Collection[int]) -> None:
    """Leave a tombstone for each user, session or turn that this transaction erases.

    What hangs on a user or session needs none of its own.
    """
    pepper = _pepper(tx)
    at = now()
    rows = [{"hash": _hashed(pepper, kind, number), "at": at} for number in numbers]
    insert_all_missing(tx, tombstones, rows)


def all_of(tx: sa.Connection) -> list[tuple[bytes, int]]:
    """Return all tombstones, as (hash, when)."""
    return [(bytes(row.hash), row.at) for row in tx.execute(sa.select(tombstones.c.hash, tombstones.c.at))]


def merge(tx: sa.Connection, found: Collection[tuple[bytes, int]]) -> None:
    """Add tombstones from another copy of the same ledger."""
    insert_all_missing(tx, tombstones, [{"hash": hashed, "at": at} for hashed, at in found])


def apply(tx: sa.Connection) -> dict[Kind, int]:
    """Erase again all that has a tombstone; return how many users, sessions and turns that were."""
    known = set(tx.scalars(sa.select(tombstones.c.hash)))
    pepper = _pepper(tx)
    erased: dict[Kind, int] = {}
    kinds: tuple[Kind, ...] = ("user", "session", "turn")
    for kind in kinds:
        table = _TABLES[kind]
        numbers = tx.scalars(sa.select(table.c.id)).all() if known else []
        dead = [number for number in numbers if _hashed(pepper, kind, number) in known]
        erased[kind] = len(dead)
        erase(tx, kind, dead)
    return erased


def erase(tx: sa.Connection, kind: Kind, numbers: Collection[int]) -> None:
    """Erase rows and, by cascade, all that hangs on them; put right the totals of what stays."""
    table = _TABLES[kind]
    for chunk in chunks(sorted(numbers)):
        chosen = table.c.id.in_(chunk)
        owners = [] if kind == "user" else list(tx.scalars(sa.select(table.c.user_id).where(chosen)))
        places = list(tx.scalars(sa.select(turns.c.session_id).where(chosen))) if kind == "turn" else []
        tx.execute(sa.delete(table).where(chosen))
        # Answers and sums may speak of what is gone.
        tx.execute(sa.delete(idempotency).where(idempotency.c.user_id.in_(owners)))
        tx.execute(sa.delete(insights).where(insights.c.session_id.in_(places)))
        recount(tx, users, turns.c.user_id, owners)
        recount(tx, sessions, turns.c.session_id, places)


def _pepper(tx: sa.Connection) -> bytes:
    pepper = data_keys.secret(tx, PEPPER)
    if pepper is None:
        raise CorruptFileError("the ledger has lost its pepper; restore a backup")
    return pepper


def _hashed(pepper: bytes, kind: Kind, number: int) -> bytes:
    return hmac.digest(pepper, f"{kind}\0{number}".encode(), sha256)
