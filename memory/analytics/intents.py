"""What a tenant's sessions are about, and how they go on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.analytics.shares import share
from memory.ledger.events import FAILURES
from memory.ledger.schema import events, insights, sessions
from memory.times import DAY, now

_WEEK = 7 * DAY


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


def intents(tx: sa.Connection, tenant: str, *, days: int, least: int) -> dict[str, Any]:
    """Return shares, growth and outcomes by intent over the last `days`.

    Rows of fewer than `least` sessions are withheld and counted together under `withheld`; a share of a
    row that fewer make up is None.
    """
    facts = _facts(tx, tenant, now() - days * DAY)
    outcomes = _outcomes(tx, tenant, now() - days * DAY)
    labels = Counter(_label(fact) for fact in facts)
    shown = {label: count for label, count in labels.items() if count >= least}
    hidden = sum(labels.values()) - sum(shown.values())
    if hidden < least:
        # A small remainder could be worked out from the total, or from a share of it; so neither has it.
        facts = [fact for fact in facts if _label(fact) in shown]
    return {
        "days": days,
        "sessions": len(facts),
        "withheld_below": least,
        "withheld": hidden if hidden >= least else None,
        "groups": _groups(facts, least),
        "intents": [
            _intent(label, facts, outcomes, least) for label in sorted(shown, key=lambda x: -shown[x])
        ],
    }


def _groups(facts: Sequence[SessionFact], least: int) -> dict[str, dict[str, float]]:
    """Return the groups' shares; none where those that are too small could be worked out from the others."""
    counts = Counter(fact.group for fact in facts if not fact.abstained)
    small = sum(count for count in counts.values() if count < least)
    if 0 < small < least:
        return {}
    return {group: share(count, len(facts)) for group, count in counts.items() if count >= least}


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
        "share": share(len(mine), len(facts)),
        "growth": _growth(mine, facts, least),
        "failed": _told(failed, len(mine), least),
        "outcomes": {kind: _told(kinds[kind], len(mine), least) for kind in sorted(kinds)},
        "flagged": _told(flagged, len(mine), least),
        "turns_mean": sum(fact.user_turns for fact in mine) / len(mine),
        # A weak proxy by words of feeling; no evidence that the help was good.
        "mood_change_weak_proxy": sum(fact.mood_last - fact.mood_first for fact in mine) / len(mine),
    }


def _told(hits: int, n: int, least: int) -> dict[str, float] | None:
    """Return a share; None where so few are behind it that they could be known one by one."""
    return share(hits, n) if hits == 0 or hits >= least else None


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
