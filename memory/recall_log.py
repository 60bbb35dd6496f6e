"""How good contexts were, summed by day and intent in memory, and written down now and then."""

import threading
from collections import defaultdict
from dataclasses import astuple, dataclass

import sqlalchemy as sa

from memory.ledger import Ledger
from memory.ledger.insert import insert_missing
from memory.ledger.schema import recalls
from memory.ledger.tenancy import EVERY_TENANT
from memory.times import now

DAY = 86_400_000_000
# Contexts after which the sums are written, so that a crash loses no more than these.
_MOST = 1000
_SUMS = ("contexts", "abstained", "degraded", "recall_sum", "sufficient_sum", "used_sum", "saved_sum")


@dataclass(slots=True)
class _Sums:
    contexts: int = 0
    abstained: int = 0
    degraded: int = 0
    recall_sum: float = 0.0
    sufficient_sum: float = 0.0
    used_sum: int = 0
    saved_sum: int = 0


class RecallLog:
    """Sums the quality reports of contexts; thread-safe. Reading a context never waits for a disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sums: defaultdict[tuple[str, int, str], _Sums] = defaultdict(_Sums)
        self._lock = threading.Lock()

    def add(
        self,
        tenant: str,
        label: str,
        *,
        abstained: bool,
        degraded: bool,
        recall: float,
        sufficient: float,
        used: int,
        saved: int,
    ) -> None:
        """Count one context. recall, sufficient: estimates from 0 to 1. used, saved: tokens."""
        with self._lock:
            sums = self._sums[tenant, now() // DAY, label]
            sums.contexts += 1
            sums.abstained += abstained
            sums.degraded += degraded
            sums.recall_sum += recall
            sums.sufficient_sum += sufficient
            sums.used_sum += used
            sums.saved_sum += saved
            full = sum(item.contexts for item in self._sums.values()) >= _MOST
        if full:
            self.flush()

    def flush(self) -> None:
        """Write the sums into the ledger."""
        with self._lock:
            taken, self._sums = self._sums, defaultdict(_Sums)
        if not taken:
            return
        with self._ledger.writing(EVERY_TENANT) as tx:
            for key, sums in taken.items():
                _add(tx, key, dict(zip(_SUMS, astuple(sums), strict=True)))


def _add(tx: sa.Connection, key: tuple[str, int, str], values: dict[str, float]) -> None:
    tenant, day, label = key
    chosen = (recalls.c.tenant == tenant, recalls.c.day == day, recalls.c.label == label)
    grown = {name: recalls.c[name] + value for name, value in values.items()}
    insert_missing(tx, recalls, tenant=tenant, day=day, label=label, **dict.fromkeys(values, 0))
    tx.execute(sa.update(recalls).where(*chosen).values(**grown))
