"""API keys: only their hashes are kept."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

import sqlalchemy as sa

from memory.errors import InvalidInputError, NotFoundError
from memory.ledger import users
from memory.ledger.schema import keys
from memory.scope import check_name
from memory.times import now

Right = Literal["read", "write", "admin"]
RIGHTS: frozenset[Right] = frozenset(get_args(Right))

_PREFIX = "sk_"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed: never the secret itself. Times in microseconds."""

    id: str
    tenant: str
    rights: frozenset[Right]
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


def create(
    tx: sa.Connection,
    tenant: str,
    rights: frozenset[Right] = RIGHTS,
    *,
    label: str = "",
    expires_at: int | None = None,
) -> tuple[Key, str]:
    """Make a key; return it with its secret, which is shown this once."""
    check_name("tenant", tenant)
    if not rights or not rights <= RIGHTS:
        raise InvalidInputError(f"rights must be some of {', '.join(sorted(RIGHTS))}")
    users.ensure_tenant(tx, tenant)
    secret = _PREFIX + secrets.token_urlsafe(32)
    key = Key(secrets.token_hex(8), tenant, rights, label, now(), expires_at, None)
    tx.execute(
        sa.insert(keys).values(
            id=key.id,
            tenant=tenant,
            hash=_hashed(secret),
            rights=",".join(sorted(rights)),
            label=label,
            created_at=key.created_at,
            expires_at=expires_at,
        )
    )
    return key, secret


def verify(tx: sa.Connection, secret: str) -> Key | None:
    """Return the key of this secret, unless it is unknown, revoked or expired.

    A secret has 256 random bits and is looked up by its hash, so timing tells nothing of use.
    """
    row = tx.execute(sa.select(keys).where(keys.c.hash == _hashed(secret))).first()
    if row is None:
        return None
    key = _key(row)
    expired = key.expires_at is not None and key.expires_at <= now()
    return None if expired or key.revoked_at is not None else key


def all_of(tx: sa.Connection, tenant: str | None = None) -> list[Key]:
    """Return the keys of a tenant, or of all, oldest first."""
    query = sa.select(keys).order_by(keys.c.created_at)
    if tenant is not None:
        query = query.where(keys.c.tenant == tenant)
    return [_key(row) for row in tx.execute(query)]


def revoke(tx: sa.Connection, key_id: str) -> None:
    """End a key at once; raise `NotFoundError` where there is none of that id."""
    changed = tx.execute(
        sa.update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now())
    )
    if not changed.rowcount:
        raise NotFoundError(f"no key {key_id!r} is in use; 'satchel keys list' shows the ids")


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    rights = frozenset(right for right in get_args(Right) if right in row.rights.split(","))
    return Key(row.id, row.tenant, rights, row.label, row.created_at, row.expires_at, row.revoked_at)
