"""Is it alive, is it ready, what has it done."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.http.auth import Opened
from api.metrics import BREAKER, QUEUED
from api.version import VERSION
from memory.errors import UnavailableError
from retrieval.index.guarded import GuardedIndex

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer while the process lives."""
    return {"status": "ok", "version": VERSION}


@router.get("/readyz")
def readyz(opened: Opened) -> JSONResponse:
    """Answer 200 when the ledger answers, else 503, with the state of each dependency.

    Without the index requests are still served, by the words alone: `degraded`, and no reason to send
    them elsewhere.
    """
    index = opened.index
    down = isinstance(index, GuardedIndex) and index.down
    state = {"ledger": "ok", "index": "not answering" if down else "ok"}
    found: dict[str, Any] = {"status": "degraded" if down else "ready", "encoder": index.settings.encoder}
    try:
        queued = opened.queued()
    except UnavailableError as error:
        found |= {"status": "not ready", "dependencies": state | {"ledger": str(error)}}
        return JSONResponse(found, 503, {"Retry-After": "1"})
    return JSONResponse(found | {"queued": queued, "dependencies": state})


@router.get("/metrics", include_in_schema=False)
def metrics(opened: Opened) -> Response:
    """Return the metrics for Prometheus."""
    QUEUED.set(opened.queued())
    if isinstance(opened.index, GuardedIndex):
        for calls, breaker in (("reads", opened.index.reads), ("writes", opened.index.writes)):
            BREAKER.labels(calls).set(breaker.open)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
