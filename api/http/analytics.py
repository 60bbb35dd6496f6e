"""What a tenant's sessions are about, and how they go."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.http.auth import Admin, Opened
from memory import analytics

router = APIRouter(tags=["analytics"])

Days = Annotated[int, Query(ge=1, le=366, description="How far to look back.")]


@router.get("/v1/analytics/intents")
def intents(opened: Opened, caller: Admin, days: Days = 28) -> dict[str, Any]:
    """Return shares with intervals, growth week on week, failures and outcomes by intent."""
    with opened.ledger.reading(caller.tenant) as tx:
        least = opened.settings.analytics_min_sessions
        return analytics.intents(tx, caller.tenant, days=days, least=least)


@router.get("/v1/analytics/quality")
def quality(opened: Opened, caller: Admin, days: Days = 28) -> dict[str, Any]:
    """Return how good contexts were: means by intent, spread, retries after poor ones, calibration."""
    opened.recalls.flush()
    with opened.ledger.reading(caller.tenant) as tx:
        least = opened.settings.analytics_min_sessions
        return analytics.quality(tx, caller.tenant, days=days, least=least)
