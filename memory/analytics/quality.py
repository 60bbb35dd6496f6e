"""How good contexts are in production, without labels; and with those that outcome events bring."""

from typing import Any

import sqlalchemy as sa

from memory.analytics.shares import share
from memory.ledger.contexts import BINS
from memory.ledger.schema import recall_bins, recalls
from memory.times import DAY, now

_WEEK = 7
_HALF = BINS // 2
Row = sa.RowMapping


def quality(tx: sa.Connection, tenant: str, *, days: int, least: int) -> dict[str, Any]:
    """Return how good contexts were over the last `days`; rows of fewer than `least` are withheld.

    intents: means by intent. sufficient: how contexts spread over the estimate, and how many of each bin
    were followed within the hour by an outcome that says that it failed. retries: the same for contexts
    that thought themselves insufficient and for the others. calibration: the estimate against thumbs up
    and down, and its drift.
    """
    today = now() // DAY
    span = range(today - days, today + 1)
    by_label = _sums(tx, recalls, tenant, span)
    bins = _sums(tx, recall_bins, tenant, span)
    return {
        "days": days,
        "withheld_below": least,
        "intents": sorted(
            (_intent(row) for row in by_label if row["contexts"] >= least),
            key=lambda item: -item["contexts"],
        ),
        "sufficient": [_bin(row) for row in bins if row["contexts"] >= least],
        "retries": {
            "insufficient": _failed([row for row in bins if row["bin"] < _HALF], least),
            "sufficient": _failed([row for row in bins if row["bin"] >= _HALF], least),
        },
        "calibration": _calibration(tx, tenant, bins, span, least),
    }


def _sums(tx: sa.Connection, table: sa.Table, tenant: str, days: range) -> list[Row]:
    """Return the days' counts added up, by what the table counts by beside tenant and day."""
    by = next(column for column in table.primary_key if column.name not in {"tenant", "day"})
    # PostgreSQL sums whole numbers to decimals, which no float can be divided by.
    sums = [
        sa.cast(sa.func.sum(column), column.type).label(column.name)
        for column in table.columns
        if not column.primary_key
    ]
    chosen = (table.c.tenant == tenant, table.c.day >= days.start, table.c.day < days.stop)
    query = sa.select(by, *sums).where(*chosen).group_by(by).order_by(by)
    return list(tx.execute(query).mappings())


def _intent(row: Row) -> dict[str, Any]:
    n = row["contexts"]
    return {
        "intent": row["label"],
        "contexts": n,
        "abstained": row["abstained"] / n,
        "degraded": row["degraded"] / n,
        "expected_recall": row["recall_sum"] / n,
        "sufficient": row["sufficient_sum"] / n,
        "tokens_used": row["used_sum"] / n,
        "tokens_saved": row["saved_sum"] / n,
        # Contexts of before budgets were counted have none.
        "budget_used": row["used_sum"] / row["budget_sum"] if row["budget_sum"] else None,
    }


def _bin(row: Row) -> dict[str, Any]:
    return {
        "from": row["bin"] / BINS,
        "to": (row["bin"] + 1) / BINS,
        "contexts": row["contexts"],
        "failed": share(row["failed"], row["contexts"]),
    }


def _failed(rows: list[Row], least: int) -> dict[str, Any] | None:
    contexts = sum(row["contexts"] for row in rows)
    if contexts < least:
        return None
    return {"contexts": contexts, "failed": share(sum(row["failed"] for row in rows), contexts)}


def _calibration(
    tx: sa.Connection, tenant: str, bins: list[Row], days: range, least: int
) -> dict[str, Any] | None:
    """Return estimate and thumbs side by side, and how the gap of the last week differs from before."""
    whole = _gap(bins, least)
    if whole is None:
        return None
    week = days.stop - _WEEK
    last = _gap(_sums(tx, recall_bins, tenant, range(week, days.stop)), least)
    before = _gap(_sums(tx, recall_bins, tenant, range(days.start, week)), least)
    drift = last["gap"] - before["gap"] if last and before else None
    return {**whole, "last_week": last, "before": before, "drift": drift}


def _gap(rows: list[Row], least: int) -> dict[str, Any] | None:
    liked = sum(row["liked"] for row in rows)
    judged = liked + sum(row["disliked"] for row in rows)
    if judged < least:
        return None
    expected = sum(row["judged_sum"] for row in rows) / judged
    return {
        "judged": judged,
        "expected": expected,
        "liked": share(liked, judged),
        "gap": expected - liked / judged,
    }
