"""Errors as problem details (RFC 9457): the only place where an error meets a status code."""

from functools import lru_cache
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from memory import errors

log = structlog.get_logger()

# The first class that an error is an instance of decides.
STATUS: tuple[tuple[type[errors.SatchelError], int], ...] = (
    (errors.TooLargeError, 413),
    (errors.InvalidInputError, 422),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.UnauthenticatedError, 401),
    (errors.AccessError, 403),
    (errors.LimitError, 429),
    (errors.FullError, 507),
    (errors.UnavailableError, 503),
    (errors.SetupError, 500),
)
_RETRY_AFTER = {"Retry-After": "1"}


def problem(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem; `title` names the kind, `detail` says what was wrong and what to do."""
    kind = title.lower().replace(" ", "-")
    body = {"type": f"urn:satchel:problem:{kind}", "title": title, "status": status, "detail": detail} | more
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.exception_handler(errors.SatchelError)(_satchel)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_unexpected)


def of_error(error: errors.SatchelError) -> JSONResponse:
    """Return the problem of an error: its kind as the title, its words as the detail."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if status == 500:  # noqa: PLR2004
        log.error("request.failed", error=repr(error))
    name = type(error).__name__.removesuffix("Error")
    title = "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(name)).capitalize()
    return problem(status, title, str(error), _headers(error, status))


@lru_cache(maxsize=16)
def sent_away(detail: str, retry_after: int) -> JSONResponse:
    """Return the problem of too much being asked: made once, for under load it is told by the thousand."""
    return of_error(errors.OverloadedError(detail, retry_after))


def _headers(error: errors.SatchelError, status: int) -> dict[str, str] | None:
    if isinstance(error, errors.LimitError | errors.OverloadedError):
        return {"Retry-After": str(error.retry_after)}
    return {401: {"WWW-Authenticate": "Bearer"}, 503: _RETRY_AFTER}.get(status)


def _satchel(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.SatchelError):
        raise error
    return of_error(error)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # The input is not echoed: it may be large, secret, or text that no response can carry.
    wrong = [
        {"at": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])}
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong[:5])
    return problem(422, "Invalid input", _printable(detail), errors=_printable_all(wrong))


def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    titles = {401: "Unauthorized", 404: "Not found", 405: "Method not allowed", 413: "Too large"}
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, titles.get(error.status_code, "Error"), str(error.detail), headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.crashed", method=request.method, exc_info=error)
    return problem(500, "Internal error", "something broke here; the log has the details")


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _printable_all(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: _printable(text) for name, text in row.items()} for row in rows[:20]]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def _documented(*descriptions: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": text, "content": content} for status, text in descriptions}


# What every operation under `/v1` may answer beside what it is for.
DOCUMENTED = _documented(
    (400, "The body is not what its content type says."),
    (401, "No key or token that is in use."),
    (403, "The key lacks the right, or is for another user."),
    (404, "Nothing of that name within reach."),
    (409, "It clashes with what is stored."),
    (413, "Send less at a time."),
    (422, "The request can't be carried out as it stands; `errors` names the places."),
    (429, "The key asks too often, or its quota is full; `Retry-After` says when to ask again."),
    (503, "More is asked than can be answered, or something needed doesn't answer; `Retry-After` is sent."),
)
