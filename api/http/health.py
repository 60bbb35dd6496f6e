"""Is it alive, is it ready, what has it done."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.http.auth import Opened
from api.metrics import QUEUED
from api.version import VERSION

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer while the process lives."""
    return {"status": "ok", "version": VERSION}


@router.get("/readyz")
def readyz(opened: Opened) -> JSONResponse:
    """Answer 200 when the ledger answers and the encoder is loaded."""
    return JSONResponse(
        {"status": "ready", "queued": opened.queued(), "encoder": opened.index.settings.encoder}
    )


@router.get("/metrics", include_in_schema=False)
def metrics(opened: Opened) -> Response:
    """Return the metrics for Prometheus."""
    QUEUED.set(opened.queued())
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
