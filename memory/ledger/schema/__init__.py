"""The tables of the ledger, the same on SQLite and PostgreSQL.

Times are whole microseconds since 1970, UTC. Migrations, not this package, change a database; a test
holds the two equal.
"""

from memory.ledger.schema.access import idempotency, keys
from memory.ledger.schema.audit import audit, audit_heads
from memory.ledger.schema.base import Number, tables
from memory.ledger.schema.content import TOLD_BY_SOURCE, sessions, tenants, turns, users
from memory.ledger.schema.erasing import backups, holds, purges, retention, sweeps, tombstones
from memory.ledger.schema.insight import events, insights, last_contexts, recall_bins, recalls, reviews
from memory.ledger.schema.queue import outbox
from memory.ledger.schema.sealing import data_keys, secrets

__all__ = [
    "TOLD_BY_SOURCE",
    "Number",
    "audit",
    "audit_heads",
    "backups",
    "data_keys",
    "events",
    "holds",
    "idempotency",
    "insights",
    "keys",
    "last_contexts",
    "outbox",
    "purges",
    "recall_bins",
    "recalls",
    "retention",
    "reviews",
    "secrets",
    "sessions",
    "sweeps",
    "tables",
    "tenants",
    "tombstones",
    "turns",
    "users",
]
