"""API keys: only their hashes are kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa

from memory.errors import InvalidInputError, NotFoundError
from memory.ledger import audit, users
from memory.ledger.schema import keys
from memory.limits import NO_LIMITS, Limits
from memory.scope import check_name
from memory.times import now

Right = Literal["read", "write", "admin"]
RIGHTS: frozenset[Right] = frozenset(get_args(Right))

_PREFIX = "sk_"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed: never the secret itself. Times in microseconds.

    user: the only user it reaches, None = all of the tenant's. limits: its own, before the settings'.
    """

    id: str
    tenant: str
    rights: frozenset[Right]
    label: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    user: str | None = None
    last_used_at: int | None = None
    limits: Limits = NO_LIMITS


def create(
    tx: sa.Connection,
    tenant: str,
    rights: frozenset[Right] = RIGHTS,
    *,
    label: str = "",
    expires_at: int | None = None,
    user: str | None = None,
    limits: Limits = NO_LIMITS,
    actor: str = "cli",
) -> tuple[Key, str]:
    """Make a key; return it with its secret, which is shown this once.

    Raises `InvalidInputError` for unknown rights, and for `admin` on a key of one user: what an
    administrator does concerns the whole tenant.
    """
    check_name("tenant", tenant)
    if not rights or not rights <= RIGHTS:
        raise InvalidInputError(f"rights must be some of {', '.join(sorted(RIGHTS))}")
    if user is not None:
        check_name("user", user)
        if "admin" in rights:
            raise InvalidInputError("a key of one user can't have the right 'admin'; give it read,write")
    users.ensure_tenant(tx, tenant)
    number = secrets.token_hex(8)
    # The number in the secret finds the row without a search by hash.
    secret = f"{_PREFIX}{number}.{secrets.token_urlsafe(32)}"
    key = Key(number, tenant, rights, label, now(), expires_at, user=user, limits=limits)
    tx.execute(
        sa.insert(keys).values(
            id=key.id,
            tenant=tenant,
            hash=_hashed(secret),
            rights=",".join(sorted(rights)),
            label=label,
            created_at=key.created_at,
            expires_at=expires_at,
            bound_user=user,
            limits=limits.to_json(),
        )
    )
    bound = audit.subject(tenant, "user", user) if user is not None else None
    audit.record(tx, tenant, actor, "key.create", key.id, rights=sorted(rights), user=bound)
    return key, secret


def verify(tx: sa.Connection, secret: str) -> Key | None:
    """Return the key of this secret, unless it is unknown, revoked or expired.

    The row is found by the number in the secret, which is none itself; the hashes of the whole secrets
    are compared in constant time.
    """
    hashed = _hashed(secret)
    number, dot, _ = secret.removeprefix(_PREFIX).partition(".")
    # Keys made before secrets held a number are found by their hash.
    row = tx.execute(_select().where(keys.c.id == number if dot else keys.c.hash == hashed)).first()
    if row is None or not hmac.compare_digest(bytes(row.hash), hashed):
        return None
    key = _key(row)
    expired = key.expires_at is not None and key.expires_at <= now()
    return None if expired or key.revoked_at is not None else key


def all_of(tx: sa.Connection, tenant: str | None = None) -> list[Key]:
    """Return the keys of a tenant, or of all, oldest first."""
    query = _select().order_by(keys.c.created_at)
    if tenant is not None:
        query = query.where(keys.c.tenant == tenant)
    return [_key(row) for row in tx.execute(query)]


def revoke(tx: sa.Connection, key_id: str, *, actor: str = "cli") -> Key:
    """End a key at once; raise `NotFoundError` where none of that id is in use."""
    key = _in_use(tx, key_id)
    tx.execute(sa.update(keys).where(keys.c.id == key_id).values(revoked_at=now()))
    audit.record(tx, key.tenant, actor, "key.revoke", key.id)
    return key


def rotate(tx: sa.Connection, key_id: str, *, overlap: int, actor: str = "cli") -> tuple[Key, str]:
    """Make a key that may what the old one may; the old one ends after `overlap` microseconds.

    Raises `NotFoundError` where no key of that id is in use. The new key lasts as long as the old one
    was made to last.
    """
    old = _in_use(tx, key_id)
    ends = now() + overlap
    lasts = old.expires_at - old.created_at if old.expires_at is not None else None
    new, secret = create(
        tx,
        old.tenant,
        old.rights,
        label=old.label,
        expires_at=now() + lasts if lasts is not None else None,
        user=old.user,
        limits=old.limits,
        actor=actor,
    )
    ends = ends if old.expires_at is None else min(ends, old.expires_at)
    tx.execute(sa.update(keys).where(keys.c.id == key_id).values(expires_at=ends))
    audit.record(tx, old.tenant, actor, "key.rotate", old.id, by=new.id, ends_at=ends)
    return new, secret


def used(tx: sa.Connection, key_id: str, at: int) -> None:
    """Note when a key was last used (microseconds)."""
    tx.execute(sa.update(keys).where(keys.c.id == key_id).values(last_used_at=at))


def _in_use(tx: sa.Connection, key_id: str) -> Key:
    row = tx.execute(_select().where(keys.c.id == key_id)).first()
    key = _key(row) if row is not None else None
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now()):
        raise NotFoundError(f"no key {key_id!r} is in use; 'satchel keys list' shows the ids")
    return key


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(keys)


def _key(row: sa.Row[*tuple[Any, ...]]) -> Key:
    return Key(
        id=row.id,
        tenant=row.tenant,
        rights=frozenset(right for right in get_args(Right) if right in row.rights.split(",")),
        label=row.label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        user=row.bound_user,
        last_used_at=row.last_used_at,
        limits=Limits.from_json(row.limits),
    )
