"""Memory is exported and imported."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.access import Caller
from api.http.auth import Opened, Reader, Writer
from api.http.models import Imported, Name
from api.http.sessions import turn_out
from api.importing import batches
from api.services import Services
from memory.errors import NotFoundError
from memory.ledger import audit, turns, users
from memory.scope import Scope

router = APIRouter(tags=["memory"])


@router.get("/v1/users/{user_id}/export", response_class=StreamingResponse)
def export_user(user_id: Annotated[Name, Path()], opened: Opened, caller: Reader) -> StreamingResponse:
    """Return all that is remembered of a user, a turn a line (NDJSON), oldest first."""
    scope = caller.scope(user_id)
    with opened.ledger.writing(scope.tenant) as tx:
        found = users.find(tx, scope)
        if found is None:
            raise NotFoundError(f"nothing is remembered of a user {user_id!r}")
        whose = audit.subject(scope.tenant, "user", user_id)
        audit.record(tx, scope.tenant, caller.actor, "memory.export", whose, turns=found.turns)
    return StreamingResponse(_lines(opened, scope), media_type="application/x-ndjson")


@router.post("/v1/import")
async def import_lines(
    request: Request,
    opened: Opened,
    caller: Writer,
    user_id: Annotated[Name | None, Query()] = None,
    source: Annotated[Name, Query()] = "import",
) -> Imported:
    """Remember conversations from lines of JSON: the evidence format, messages, or an export.

    All lines are checked before the first is kept. `user_id` is whose they are, and
    `source` where they come from, where a line doesn't say.
    """
    body = await request.body()
    return await run_in_threadpool(_import, opened, caller, body, user_id, source)


def _import(opened: Services, caller: Caller, body: bytes, user: str | None, source: str) -> Imported:
    waiting = list(batches(body.splitlines(), caller.tenant, user, source))
    for batch in waiting:
        caller.scope(batch.scope.user)
    for batch in waiting:
        opened.remember(batch.scope, batch.turns, limits=caller.limits)
    total = sum(len(batch.turns) for batch in waiting)
    with opened.ledger.writing(caller.tenant) as tx:
        audit.record(tx, caller.tenant, caller.actor, "memory.import", "", turns=total)
    return Imported(turns=total)


def _lines(opened: Services, scope: Scope) -> Iterator[str]:
    """Yield the lines; a transaction a page, so that whoever reads slowly, or no more, holds none."""
    last = 0
    while True:
        with opened.ledger.reading(scope.tenant) as tx:
            page = turns.page(tx, scope, after=last)
        if not page:
            return
        yield from (turn_out(turn).model_dump_json() + "\n" for turn in page)
        last = page[-1].id
