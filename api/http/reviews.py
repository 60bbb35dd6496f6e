"""Flagged sessions are looked at and decided on; every look is audited."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.access import Caller
from api.http.auth import Admin, Opened
from api.http.models import DecisionIn, ReviewDetail, ReviewOut, ReviewsOut
from api.http.sessions import Cursor, Limit, place
from memory.ledger.reviews import Review, Status
from memory.times import to_datetime

router = APIRouter(tags=["reviews"])

# Databases know no larger number, and would fail on one.
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/v1/reviews")
def list_reviews(
    opened: Opened,
    caller: Admin,
    status: Annotated[Status, Query()] = "open",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ReviewsOut:
    """List reviews, newest first, without any text."""
    page = opened.reviews.page(caller.tenant, status, place(cursor), limit)
    more = str(page[-1].id) if len(page) == limit else None
    return ReviewsOut(reviews=[_review(review) for review in page], next=more)


@router.get("/v1/reviews/{review_id}")
def get_review(review_id: Number, opened: Opened, caller: Admin) -> ReviewDetail:
    """Return one review with the turn at which the flag rose, masked."""
    review, text, advice = opened.reviews.look(caller.tenant, review_id, caller.actor)
    return ReviewDetail(
        **_review(review).model_dump(),
        text=text,
        response_template=advice.response_template if advice else None,
        escalate=advice.escalate if advice else False,
    )


@router.post("/v1/reviews/{review_id}/decision")
def post_decision(review_id: Number, body: DecisionIn, opened: Opened, caller: Admin) -> ReviewOut:
    """Keep what a reviewer decided; it can't be changed afterwards."""
    return _review(_decided(opened, caller, review_id, body))


def _decided(opened: Opened, caller: Caller, number: int, body: DecisionIn) -> Review:
    return opened.reviews.decide(
        caller.tenant, number, decision=body.decision, label=body.label, actor=caller.actor
    )


def _review(review: Review) -> ReviewOut:
    return ReviewOut(
        id=review.id,
        session_id=review.session,
        user_id=review.user,
        turn_id=review.turn,
        policy=review.policy,
        level=review.level,
        score=review.score,
        opened_at=to_datetime(review.opened_at),
        decision=review.decision,
        label=review.relabelled,
        decided_by=review.decided_by,
        decided_at=to_datetime(review.decided_at) if review.decided_at else None,
    )
