"""Analytics: what a tenant's sessions are about and how they go, from the ledger, without any text."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.ledger.schema import events, insights, recalls, sessions
from memory.recall_log import DAY
from memory.times import now

_WEEK = 7 * DAY
_Z = 1.959964
# Outcomes that say that a session did not go well.
FAILURES = ("retry", "abandon", "fallback", "tool_error", "thumbs_down")


@dataclass(frozen=True, slots=True)
class SessionFact:
    """One session as analytics sees it."""

    session: int
    label: str
    group: str
    abstained: bool
    level: str
    user_turns: int
    last_at: int
    mood_first: float
    mood_last: float


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, squared = hits / n, _Z * _Z
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = _Z * math.sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def intents(tx: sa.Connection, tenant: str, *, days: int, least: int) -> dict[str, Any]:
    """Return shares, growth and outcomes by intent over the last `days`.

    Rows of fewer than `least` sessions are withheld and counted together under `withheld`.
    """
    facts = _facts(tx, tenant, now() - days * DAY)
    outcomes = _outcomes(tx, tenant, now() - days * DAY)
    labels = Counter(_label(fact) for fact in facts)
    shown = {label: count for label, count in labels.items() if count >= least}
    hidden = sum(labels.values()) - sum(shown.values())
    groups = Counter(fact.group for fact in facts if not fact.abstained)
    # A single small row could be worked out from the total; so the total leaves it out too.
    return {
        "days": days,
        "sessions": sum(shown.values()) if hidden < least else len(facts),
        "withheld_below": least,
        "withheld": hidden if hidden >= least else None,
        "groups": {group: _share(count, len(facts)) for group, count in groups.items() if count >= least},
        "intents": [
            _intent(label, facts, outcomes, least) for label in sorted(shown, key=lambda x: -shown[x])
        ],
    }


def quality(tx: sa.Connection, tenant: str, *, days: int, least: int) -> dict[str, Any]:
    """Return how good contexts were, by intent, over the last `days`."""
    since = (now() - days * DAY) // DAY
    names = ("contexts", "abstained", "degraded", "recall_sum", "sufficient_sum", "used_sum", "saved_sum")
    # PostgreSQL sums whole numbers to decimals, which no float can be divided by.
    sums = [sa.cast(sa.func.sum(recalls.c[name]), recalls.c[name].type).label(name) for name in names]
    query = sa.select(recalls.c.label, *sums).where(recalls.c.tenant == tenant, recalls.c.day >= since)
    rows = []
    for row in tx.execute(query.group_by(recalls.c.label)).mappings():
        n = row["contexts"]
        if n < least:
            continue
        rows.append(
            {
                "intent": row["label"],
                "contexts": n,
                "abstained": row["abstained"] / n,
                "degraded": row["degraded"] / n,
                "expected_recall": row["recall_sum"] / n,
                "sufficient": row["sufficient_sum"] / n,
                "tokens_used": row["used_sum"] / n,
                "tokens_saved": row["saved_sum"] / n,
            }
        )
    return {
        "days": days,
        "withheld_below": least,
        "intents": sorted(rows, key=lambda item: -item["contexts"]),
    }


def _facts(tx: sa.Connection, tenant: str, since: int) -> list[SessionFact]:
    query = (
        sa.select(
            insights.c.session_id,
            sa.func.coalesce(insights.c.label, "other"),
            sa.func.coalesce(insights.c.intent_group, "other"),
            insights.c.abstained,
            insights.c.level,
            insights.c.user_turns,
            sessions.c.last_at,
            sa.func.coalesce(insights.c.mood_first, 0.0),
            sa.func.coalesce(insights.c.mood_last, 0.0),
        )
        .join(sessions, sessions.c.id == insights.c.session_id)
        .where(insights.c.tenant == tenant, sessions.c.last_at >= since, insights.c.user_turns > 0)
    )
    return [SessionFact(*row) for row in tx.execute(query)]


def _outcomes(tx: sa.Connection, tenant: str, since: int) -> dict[int, set[str]]:
    query = sa.select(events.c.session_id, events.c.type).where(
        events.c.tenant == tenant, events.c.created_at >= since
    )
    found: dict[int, set[str]] = {}
    for session, kind in tx.execute(query.distinct()):
        found.setdefault(session, set()).add(kind)
    return found


def _label(fact: SessionFact) -> str:
    return "abstained" if fact.abstained else fact.label


def _intent(
    label: str, facts: Sequence[SessionFact], outcomes: dict[int, set[str]], least: int
) -> dict[str, Any]:
    mine = [fact for fact in facts if _label(fact) == label]
    kinds = Counter(kind for fact in mine for kind in outcomes.get(fact.session, ()))
    failed = sum(bool(outcomes.get(fact.session, set()) & set(FAILURES)) for fact in mine)
    flagged = sum(fact.level in {"elevated", "high"} for fact in mine)
    return {
        "intent": label,
        "sessions": len(mine),
        "share": _share(len(mine), len(facts)),
        "growth": _growth(mine, facts, least),
        "failed": _share(failed, len(mine)),
        "outcomes": {kind: kinds[kind] / len(mine) for kind in sorted(kinds)},
        "flagged": _share(flagged, len(mine)) if flagged == 0 or flagged >= least else None,
        "turns_mean": sum(fact.user_turns for fact in mine) / len(mine),
        # A weak proxy by words of feeling; no evidence that the help was good.
        "mood_change_weak_proxy": sum(fact.mood_last - fact.mood_first for fact in mine) / len(mine),
    }


def _growth(mine: Sequence[SessionFact], facts: Sequence[SessionFact], least: int) -> float | None:
    """Return the last week's share less that of the week before; None where either week is too thin."""
    at = now()

    def within(chosen: Sequence[SessionFact], start: int, end: int) -> int:
        return sum(at - end <= fact.last_at < at - start for fact in chosen)

    weeks = [(0, _WEEK), (_WEEK, 2 * _WEEK)]
    totals = [within(facts, *week) for week in weeks]
    if min(totals) < least:
        return None
    new, old = (within(mine, *week) / total for week, total in zip(weeks, totals, strict=True))
    return new - old


def _share(hits: int, n: int) -> dict[str, float]:
    low, high = wilson(hits, n)
    return {"value": hits / n if n else 0.0, "low": low, "high": high}
