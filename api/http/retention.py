"""How long memory is kept."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.access import Caller
from api.http.auth import Admin, Opened
from api.http.models import Name, RetentionIn, RetentionOut, SessionExpiry, SweepOut
from api.services import Services
from memory.times import to_datetime, to_micros

router = APIRouter(tags=["retention"])


@router.get("/v1/retention")
def get_retention(opened: Opened, caller: Admin) -> RetentionOut:
    """Return the rules, and what the last sweep did."""
    return _shown(opened, caller)


@router.put("/v1/retention")
def put_retention(body: RetentionIn, opened: Opened, caller: Admin) -> RetentionOut:
    """Replace the rules: days for all turns, and for those of some sources. Sweeps go by `created_at`."""
    opened.retention.set_rules(caller.tenant, body.days, body.sources, caller.actor)
    return _shown(opened, caller)


@router.put("/v1/sessions/{session_id}/expiry")
def put_session_expiry(
    session_id: Annotated[Name, Path()], body: SessionExpiry, opened: Opened, caller: Admin
) -> SessionExpiry:
    """Say when a session is to be erased; null leaves it to the rules."""
    at = to_micros(body.expires_at) if body.expires_at else None
    opened.retention.expire_session(caller.tenant, session_id, at, caller.actor)
    return body


def _shown(opened: Services, caller: Caller) -> RetentionOut:
    rules, sweep = opened.retention.rules(caller.tenant), opened.retention.last_sweep(caller.tenant)
    last = None
    if sweep is not None:
        last = SweepOut(
            started_at=to_datetime(sweep.started_at),
            finished_at=to_datetime(sweep.finished_at),
            turns=sweep.turns,
            held=sweep.held,
            more=bool(sweep.waiting),
            receipts=sweep.receipts,
        )
    return RetentionOut(days=rules.days, sources=rules.sources, last_sweep=last)
