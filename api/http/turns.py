"""Turns go in."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from api.http.auth import Opened, Writer
from api.http.insight import intent_out, risk_out
from api.http.links import AFTER_TURNS
from api.http.models import Name, TurnIn, TurnKept, TurnsIn, TurnsOut
from memory.errors import TooLargeError
from memory.intent import IntentTag
from memory.ledger.idempotency import Once
from memory.remember import Remembered
from memory.risk import RiskReport
from memory.scope import Scope
from memory.times import to_micros
from memory.turns import NewTurn

router = APIRouter(tags=["turns"])


@router.post(
    "/v1/sessions/{session_id}/turns", status_code=201, response_model=TurnsOut, responses=AFTER_TURNS
)
def post_turns(
    session_id: Annotated[Name, Path()],
    body: TurnsIn,
    *,
    request: Request,
    opened: Opened,
    caller: Writer,
    idempotency_key: Annotated[Name | None, Header()] = None,
) -> Response:
    """Remember turns at the end of a session. They are durable, and can be recalled, once this answers."""
    limit = opened.settings.max_turns_per_call
    if len(body.turns) > limit:
        raise TooLargeError(
            f"{len(body.turns)} turns in one request are more than {limit}; send less at a time"
        )
    scope = caller.scope(body.user_id, session_id)
    once = None
    if idempotency_key is not None:
        asked = f"{request.url.path}\n{body.model_dump_json()}".encode()
        once = Once(caller.tenant, idempotency_key, hashlib.sha256(asked).digest())
    # Of the turns encoded so far: encoding is not waited for. Read before, not within, the transaction:
    # one request must not need two connections at once.
    known = opened.insight.known(scope)
    remembered = opened.remember(
        scope,
        [new_turn(turn) for turn in body.turns],
        once=once,
        answer=lambda kept: _answer(scope, kept, *known),
        limits=caller.limits,
    )
    answer = remembered.answer or _answer(scope, remembered, *known)
    return Response(answer, 201, media_type="application/json")


def new_turn(turn: TurnIn) -> NewTurn:
    """Return the turn as the ledger takes it."""
    return NewTurn(
        role=turn.role,
        content=turn.content,
        speaker=turn.name,
        name=turn.id,
        created_at=to_micros(turn.created_at) if turn.created_at else None,
        metadata=turn.metadata,
        source=turn.source,
    )


def _answer(scope: Scope, kept: Remembered, tag: IntentTag | None, report: RiskReport) -> bytes:
    turns = [TurnKept(id=turn.name, seq=turn.seq, indexed=turn.id not in kept.queued) for turn in kept.turns]
    answer = TurnsOut(
        session_id=str(scope.session), turns=turns, intent=intent_out(tag), risk=risk_out(report)
    )
    return answer.model_dump_json().encode()
