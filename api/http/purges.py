"""Memory is erased, and the erasure proved."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.access import Caller
from api.http.auth import Admin, Opened
from api.http.links import AFTER_HOLD, AFTER_PURGE
from api.http.models import (
    HoldIn,
    HoldOut,
    HoldsOut,
    KeyOut,
    KeysOut,
    Name,
    PreviewOut,
    ProblemOut,
    PurgeBegun,
    PurgeOut,
    PurgesIn,
    PurgesOut,
    ReceiptOut,
    SubjectIn,
)
from api.services import Services
from memory.errors import SatchelError
from memory.ledger import holds
from memory.ledger.erasing import Kind
from memory.ledger.holds import Hold
from memory.purge import Receipt, Subject
from memory.scope import Scope
from memory.times import to_datetime

router = APIRouter(tags=["purge"])

_DRY = "What would be erased, with `dry_run`."
_PREVIEWED: dict[int | str, dict[str, Any]] = {200: {"model": PreviewOut, "description": _DRY}}

DryRun = Annotated[bool, Query(description="Count what would be erased; change nothing.")]


@router.delete("/v1/turns/{turn_id}", status_code=202, responses=_PREVIEWED | AFTER_PURGE)
def delete_turn(
    turn_id: Annotated[Name, Path()],
    opened: Opened,
    caller: Admin,
    response: Response,
    *,
    dry_run: DryRun = False,
) -> PurgeOut | PreviewOut:
    """Erase one turn."""
    return _one(opened, caller, "turn", turn_id, response, dry_run=dry_run)


@router.delete("/v1/sessions/{session_id}", status_code=202, responses=_PREVIEWED | AFTER_PURGE)
def delete_session(
    session_id: Annotated[Name, Path()],
    opened: Opened,
    caller: Admin,
    response: Response,
    *,
    dry_run: DryRun = False,
) -> PurgeOut | PreviewOut:
    """Erase a session."""
    return _one(opened, caller, "session", session_id, response, dry_run=dry_run)


@router.delete("/v1/users/{user_id}/memory", status_code=202, responses=_PREVIEWED | AFTER_PURGE)
def delete_user_memory(
    user_id: Annotated[Name, Path()],
    opened: Opened,
    caller: Admin,
    response: Response,
    *,
    dry_run: DryRun = False,
) -> PurgeOut | PreviewOut:
    """Erase all that is remembered of a user."""
    return _one(opened, caller, "user", user_id, response, dry_run=dry_run)


@router.delete("/v1/sources/{source}", status_code=202, responses=_PREVIEWED | AFTER_PURGE)
def revoke_source(
    source: Annotated[Name, Path()],
    opened: Opened,
    caller: Admin,
    response: Response,
    *,
    dry_run: DryRun = False,
) -> PurgeOut | PreviewOut:
    """Erase every turn that came from a source or one below it (`tool` also means `tool:browser`)."""
    return _one(opened, caller, "source", source, response, dry_run=dry_run)


@router.post("/v1/purges", status_code=202, responses={200: {"model": PurgesOut, "description": _DRY}})
def post_purges(body: PurgesIn, opened: Opened, caller: Admin, response: Response) -> PurgesOut:
    """Erase many subjects, each by itself: one receipt each, and what is refused says why."""
    if body.dry_run:
        response.status_code = 200
    return PurgesOut(purges=[_of_many(opened, caller, item, dry_run=body.dry_run) for item in body.subjects])


@router.get("/v1/purges/keys")
def get_purge_keys(opened: Opened, caller: Admin) -> KeysOut:
    """Return the public key that signs receipts: keep it, to check them without this service."""
    del caller
    signer = opened.purge.signer
    return KeysOut(keys=[KeyOut(key_id=signer.key_id, public_key=signer.public_key)])


@router.get("/v1/purges/{receipt_id}")
def get_purge(receipt_id: Annotated[Name, Path()], opened: Opened, caller: Admin) -> ReceiptOut:
    """Tell how far a purge is: `done` once nothing of it is left in any file of the store."""
    return receipt_out(opened.purge.receipt(caller.tenant, receipt_id))


@router.put("/v1/users/{user_id}/hold", responses=AFTER_HOLD)
def put_hold(user_id: Annotated[Name, Path()], body: HoldIn, opened: Opened, caller: Admin) -> HoldOut:
    """Keep a user's memory whoever asks for it to be erased, retention included, until the hold is lifted."""
    return _hold(opened.holds.put(Scope(caller.tenant, user_id), body.reason, caller.actor))


@router.delete("/v1/users/{user_id}/hold", status_code=204)
def delete_hold(user_id: Annotated[Name, Path()], opened: Opened, caller: Admin) -> None:
    """Lift a hold."""
    opened.holds.lift(Scope(caller.tenant, user_id), caller.actor)


@router.get("/v1/holds")
def list_holds(opened: Opened, caller: Admin) -> HoldsOut:
    """List the tenant's legal holds."""
    with opened.ledger.reading(caller.tenant) as tx:
        return HoldsOut(holds=[_hold(one) for one in holds.all_of(tx, caller.tenant)])


def receipt_out(receipt: Receipt) -> ReceiptOut:
    """Return a purge as it is shown; the signed document once it is done."""
    done = receipt.status == "done"
    return ReceiptOut(
        receipt_id=receipt.id,
        kind=receipt.kind,
        subject=receipt.subject,
        status=receipt.status,
        turns=receipt.turns,
        requested_at=to_datetime(receipt.requested_at),
        finished_at=to_datetime(receipt.finished_at) if receipt.finished_at else None,
        error=receipt.error,
        attempts=receipt.attempts,
        receipt=receipt.receipt if done else None,
    )


def _one(
    opened: Services, caller: Caller, kind: Kind, name: str, response: Response, *, dry_run: bool
) -> PurgeOut | PreviewOut:
    subject = Subject(caller.tenant, kind, name)
    if dry_run:
        response.status_code = 200
        return _preview(opened, subject)
    return PurgeOut(receipt_id=opened.purge.begin(subject, caller.actor).id)


def _of_many(opened: Services, caller: Caller, item: SubjectIn, *, dry_run: bool) -> PurgeBegun:
    kind, name = item.named()
    subject = Subject(caller.tenant, kind, name)
    begun = PurgeBegun(kind=kind, name=name)
    try:
        if dry_run:
            begun.would_erase = _preview(opened, subject)
        else:
            begun.receipt_id = opened.purge.begin(subject, caller.actor).id
    except SatchelError as error:
        begun.error = ProblemOut(title=type(error).__name__, detail=str(error))
    return begun


def _preview(opened: Services, subject: Subject) -> PreviewOut:
    found = opened.purge.preview(subject)
    return PreviewOut(turns=found.turns, sessions=found.sessions, users=found.users, held=found.held)


def _hold(hold: Hold) -> HoldOut:
    return HoldOut(user_id=hold.user, reason=hold.reason, actor=hold.actor, since=to_datetime(hold.since))
