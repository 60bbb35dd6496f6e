"""How long turns are kept: rules, what has expired, and what the sweeps did."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from memory.ledger import sessions as session_table_of
from memory.ledger.schema import holds, retention, sessions, sweeps, tenants, turns, users
from memory.ledger.turns import from_source
from memory.ledger.users import ensure_tenant

DAY = 86_400_000_000
# Sweeps of a tenant that are kept to be looked at.
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """Days for which a tenant's turns are kept, None for ever, and those of some sources, by source."""

    days: float | None
    sources: dict[str, float]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One look for expired turns. Times in microseconds.

    turns: erased. held: expired, and kept by a legal hold. waiting: whether more had expired than one
    sweep takes (1) or not (0). receipts: of the purges.
    """

    started_at: int
    finished_at: int
    turns: int
    held: int
    waiting: int
    receipts: list[str]


def rules(tx: sa.Connection, tenant: str) -> Rules:
    """Return the tenant's rules."""
    rows = tx.execute(sa.select(retention.c.source, retention.c.days).where(retention.c.tenant == tenant))
    found = {row.source: float(row.days) for row in rows}
    return Rules(found.pop("", None), found)


def set_rules(tx: sa.Connection, tenant: str, days: float | None, sources: Mapping[str, float]) -> None:
    """Replace the tenant's rules."""
    ensure_tenant(tx, tenant)
    tx.execute(sa.delete(retention).where(retention.c.tenant == tenant))
    wanted = dict(sources) | ({} if days is None else {"": days})
    if wanted:
        rows = [{"tenant": tenant, "source": source, "days": value} for source, value in wanted.items()]
        tx.execute(sa.insert(retention), rows)


def expire_session(tx: sa.Connection, tenant: str, name: str, at: int | None) -> bool:
    """Say when a session is to be erased, None = by the rules; return whether there is such a session."""
    if session_table_of.find(tx, tenant, name) is None:
        return False
    where = (sessions.c.tenant == tenant, sessions.c.name == name)
    tx.execute(sa.update(sessions).where(*where).values(expires_at=at))
    return True


def every_tenant(tx: sa.Connection) -> list[str]:
    """Return the tenants of which something can expire."""
    ruled = sa.select(retention.c.tenant)
    dated = sa.select(sessions.c.tenant).where(sessions.c.expires_at.is_not(None))
    return list(tx.scalars(sa.select(tenants.c.name).where(tenants.c.name.in_(ruled.union(dated)))))


def expired(tx: sa.Connection, tenant: str, at: int, limit: int) -> list[int]:
    """Return the oldest turns that may be erased at `at`, by number, at most `limit`; none under a hold."""
    query = _expired(sa.select(turns.c.id), tx, tenant, at).where(~_held())
    return list(tx.scalars(query.order_by(turns.c.id).limit(limit)))


def held_back(tx: sa.Connection, tenant: str, at: int) -> int:
    """Return how many expired turns a legal hold keeps."""
    return int(tx.scalar(_expired(sa.select(sa.func.count()), tx, tenant, at).where(_held())) or 0)


def keep_sweep(tx: sa.Connection, tenant: str, sweep: Sweep) -> None:
    """Note a sweep; old notes go."""
    values = {name: getattr(sweep, name) for name in Sweep.__dataclass_fields__}
    tx.execute(sa.insert(sweeps).values(tenant=tenant, **values))
    newest = sa.select(sweeps.c.id).where(sweeps.c.tenant == tenant).order_by(sweeps.c.id.desc()).limit(_KEPT)
    kept = list(tx.scalars(newest))
    tx.execute(sa.delete(sweeps).where(sweeps.c.tenant == tenant, sweeps.c.id < min(kept)))


def last_sweep(tx: sa.Connection, tenant: str) -> Sweep | None:
    """Return the tenant's newest sweep."""
    columns = [sweeps.c[name] for name in Sweep.__dataclass_fields__]
    query = sa.select(*columns).where(sweeps.c.tenant == tenant).order_by(sweeps.c.id.desc()).limit(1)
    row = tx.execute(query).first()
    return None if row is None else Sweep(*row)


def _expired(query: sa.Select[tuple[int]], tx: sa.Connection, tenant: str, at: int) -> sa.Select[tuple[int]]:
    """Narrow a query over turns to those that have expired: by session, by source, by the tenant's rule.

    A rule for a source goes before the tenant's, however long it is; of two sources the longer name's.
    """
    known = rules(tx, tenant)
    cases = [
        (from_source(source), at - int(known.sources[source] * DAY))
        for source in sorted(known.sources, key=len, reverse=True)
    ]
    rest = None if known.days is None else at - int(known.days * DAY)
    # Without a rule nothing is older than the beginning of time.
    limit = sa.case(*cases, else_=rest) if cases else sa.literal(rest, sa.BigInteger)
    ended = sa.and_(sessions.c.expires_at.is_not(None), sessions.c.expires_at <= at)
    joined = turns.join(users, users.c.id == turns.c.user_id).join(
        sessions, sessions.c.id == turns.c.session_id
    )
    old = sa.and_(limit.is_not(None), turns.c.created_at < limit)
    return query.select_from(joined).where(turns.c.tenant == tenant, sa.or_(ended, old))


def _held() -> sa.ColumnElement[bool]:
    under = (holds.c.tenant == users.c.tenant, holds.c.name == users.c.name)
    return sa.exists().where(*under)
