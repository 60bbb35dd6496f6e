"""How good the contexts were that were handed out: sums by day, and each session's last one.

No text and no user is named; what outcome events say later is counted where the context was.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from memory.ledger.insert import insert_missing
from memory.ledger.schema import last_contexts, recall_bins, recalls, sessions
from memory.times import DAY, HOUR

# Contexts are counted by `sufficient` in bins of this many to the whole.
BINS = 10
# An outcome says something about a context that is not older than this.
_MEANT = HOUR

Sums = dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """The quality report of one context. session: its name, where the caller gave one. at: microseconds.

    label: the intent, or `abstained`. expected_recall, sufficient: estimates from 0 to 1. budget, used,
    saved: tokens.
    """

    tenant: str
    session: str | None
    at: int
    label: str
    abstained: bool
    degraded: bool
    expected_recall: float
    sufficient: float
    budget: int
    used: int
    saved: int

    @property
    def day(self) -> int:
        """The day that it counts for."""
        return self.at // DAY

    @property
    def bin(self) -> int:
        """The bin of `sufficient`."""
        return min(int(self.sufficient * BINS), BINS - 1)


def keep(tx: sa.Connection, reports: Iterable[Report]) -> None:
    """Count reports in, oldest first."""
    by_label: defaultdict[tuple[str, int, str], Sums] = defaultdict(lambda: defaultdict(float))
    by_bin: defaultdict[tuple[str, int, int], Sums] = defaultdict(lambda: defaultdict(float))
    last: dict[tuple[str, str], Report] = {}
    for report in reports:
        sums = by_label[report.tenant, report.day, report.label]
        sums["contexts"] += 1
        sums["abstained"] += report.abstained
        sums["degraded"] += report.degraded
        sums["recall_sum"] += report.expected_recall
        sums["sufficient_sum"] += report.sufficient
        sums["budget_sum"] += report.budget
        sums["used_sum"] += report.used
        sums["saved_sum"] += report.saved
        sums = by_bin[report.tenant, report.day, report.bin]
        sums["contexts"] += 1
        sums["sufficient_sum"] += report.sufficient
        if report.session is not None:
            last[report.tenant, report.session] = report
    for (tenant, day, label), sums in sorted(by_label.items()):
        _grow(tx, recalls, {"tenant": tenant, "day": day, "label": label}, sums)
    for (tenant, day, place), sums in sorted(by_bin.items()):
        _grow(tx, recall_bins, {"tenant": tenant, "day": day, "bin": place}, sums)
    for (tenant, name), report in sorted(last.items()):
        _put_last(tx, tenant, name, report)


def judge(tx: sa.Connection, session: int, *, failed: bool, liked: bool | None, at: int) -> None:
    """Count what an outcome says of the session's last context, if that is not too old.

    A context fails once at most, and is liked or disliked once at most (None: the outcome says neither).
    """
    row = tx.execute(
        sa.select(last_contexts).where(
            last_contexts.c.session_id == session, last_contexts.c.at >= at - _MEANT
        )
    ).first()
    if row is None:
        return
    sums: Sums = {}
    if failed and not row.failed:
        sums["failed"] = 1
    if liked is not None and not row.judged:
        sums |= {"liked" if liked else "disliked": 1, "judged_sum": row.sufficient}
    if not sums:
        return
    _grow(tx, recall_bins, {"tenant": row.tenant, "day": row.at // DAY, "bin": row.bin}, sums)
    tx.execute(
        sa.update(last_contexts)
        .where(last_contexts.c.session_id == session)
        .values(failed=row.failed or failed, judged=row.judged or liked is not None)
    )


def _put_last(tx: sa.Connection, tenant: str, name: str, report: Report) -> None:
    chosen = sa.select(sessions.c.id).where(sessions.c.tenant == tenant, sessions.c.name == name)
    session = tx.scalar(chosen)
    if session is None:  # nothing was ever said in it
        return
    values = {
        "tenant": tenant,
        "at": report.at,
        "bin": report.bin,
        "sufficient": report.sufficient,
        "failed": False,
        "judged": False,
    }
    if not insert_missing(tx, last_contexts, session_id=session, **values):
        mine = (last_contexts.c.session_id == session, last_contexts.c.at < report.at)
        tx.execute(sa.update(last_contexts).where(*mine).values(**values))


def _grow(tx: sa.Connection, table: sa.Table, key: dict[str, str | int], sums: Sums) -> None:
    counted = [column.name for column in table.columns if not column.primary_key]
    insert_missing(tx, table, **key, **dict.fromkeys(counted, 0))
    chosen = [table.c[name] == value for name, value in key.items()]
    tx.execute(
        sa.update(table).where(*chosen).values({name: table.c[name] + value for name, value in sums.items()})
    )
