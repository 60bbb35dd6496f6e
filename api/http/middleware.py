"""What happens around every request: its id, its size, its log line."""

import re
import time
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem
from api.metrics import REQUESTS, SECONDS
from memory.errors import TooLargeError

log = structlog.get_logger()

_GOOD_ID = re.compile(rb"[!-~]{1,128}")


class Around:
    """Echoes or makes `X-Request-Id`, refuses bodies over the limit, and logs how it went."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = known_as(headers.get(b"x-request-id", b""))
        begun = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            if int(headers.get(b"content-length", b"0") or 0) > self._max:
                await problem(413, "Too large", self._too_large())(scope, receive, answer)
            else:
                await self._app(scope, self._counted(receive), answer)
            seconds = time.perf_counter() - begun
            sent_away = bool(scope.get("state", {}).get("sent_away"))
            answered(_route(scope), scope["method"], status, seconds, sent_away=sent_away)

    def _counted(self, receive: Receive) -> Receive:
        """Return `receive`, raising once more than the limit came, whatever the headers promised."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max:
                raise TooLargeError(self._too_large())
            return message

        return counted

    def _too_large(self) -> str:
        return f"the body is larger than {self._max:,} bytes; send less at a time"


def known_as(given: bytes) -> bytes:
    """Return the id of a request: the one it brought if that is fit for a header and a log, or a new one."""
    return given if _GOOD_ID.fullmatch(given) else uuid4().hex.encode()


def answered(route: str, method: str, status: int, seconds: float, *, sent_away: bool) -> None:
    """Count an answer and log it.

    Who is sent away under load is counted: a flood of requests must not become one of lines.
    """
    REQUESTS.labels(route, method, status).inc()
    SECONDS.labels(route, method).observe(seconds)
    line = log.debug if sent_away else log.info
    line("request", method=method, path=route, status=status, ms=round(seconds * 1000, 1))


def _route(scope: Scope) -> str:
    """Return the path's pattern: names of users and sessions stay out of the log."""
    return getattr(scope.get("route"), "path", None) or "-"
