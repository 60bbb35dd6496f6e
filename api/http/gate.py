"""What a request under `/v1` passes before its body is parsed: its key's limits, who it is, room to work."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import Caller
from api.access.buckets import Buckets
from api.access.lobby import STRANGER, Lobby
from api.http.problems import of_error, sent_away
from api.metrics import REFUSED, RUNNING, WAITING
from api.services import Services
from memory.errors import OverloadedError, SatchelError, TextError, UnauthenticatedError


class Gate:
    """Lets nothing under `/v1` through without a known caller; under load, sends away before any work.

    Health and metrics are never sent away. The lobby tells who is refused without asking the ledger; nobody
    is let in by it: who it is, is asked with the place in hand, so that nothing is looked up for those who
    are sent away. A place is held from when the whole body has come until the answer begins: a slow sender
    or reader holds none.
    """

    def __init__(self, app: ASGIApp, lobby: Lobby) -> None:
        self._app = app
        self._lobby = lobby
        self._buckets = Buckets()
        RUNNING.set_function(lambda: lobby.running)
        WAITING.set_function(lambda: lobby.waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1"):
            await self._app(scope, receive, send)
            return
        try:
            _check_text(scope)
            await self._through(scope, receive, send)
        except OverloadedError as error:
            REFUSED.labels(type(error).__name__).inc()
            scope.setdefault("state", {})["sent_away"] = True
            await sent_away(str(error), error.retry_after)(scope, receive, send)
        except SatchelError as error:
            REFUSED.labels(type(error).__name__).inc()
            await of_error(error)(scope, receive, send)

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = credential(Headers(scope=scope))
        lane = self._lobby.lane(scope["path"])
        caller = self._lobby.known(sent)
        if caller is None:
            # Nobody's megabytes are read before it is known whose they are.
            async with self._lobby.strangers.place(STRANGER):
                caller = await self._authenticated(scope, sent)
            self._buckets.take(caller.actor, caller.limits)
        else:
            self._buckets.take(caller.actor, caller.limits)
            lane.check(caller.tenant)
        body = await _whole(receive)
        if body is None:
            return
        async with lane.place(caller.tenant) as give_back:
            scope.setdefault("state", {})["caller"] = await self._authenticated(scope, sent)
            await self._app(scope, _again(body, receive), _watched(send, give_back))

    async def _authenticated(self, scope: Scope, sent: str | None) -> Caller:
        """Return whose credential it is, as the ledger or the token says now; raise where it is nobody's."""
        opened: Services = scope["app"].state.services
        try:
            caller = await run_in_threadpool(opened.access.caller, sent)
        except UnauthenticatedError:
            self._lobby.forget(sent)
            raise
        self._lobby.remember(sent, caller)
        return caller


def credential(headers: Headers) -> str | None:
    """Return the bearer credential, None where none is sent; of two, neither counts."""
    sent = headers.getlist("authorization")
    scheme, _, value = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    return value.strip() if scheme.lower() == "bearer" else None


def _check_text(scope: Scope) -> None:
    """Raise `TextError` where path or query are no UTF-8: decoded loosely, two names could become one."""
    try:
        for part in ("raw_path", "query_string"):
            unquote_to_bytes((scope.get(part) or b"").replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise TextError("the path or the query is not UTF-8") from error


async def _whole(receive: Receive) -> bytes | None:
    """Return the whole body, None where the sender went away."""
    chunks = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that came already, then what comes behind it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


def _watched(send: Send, begun: Callable[[], None]) -> Send:
    """Return a `send` that tells when the answer begins."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun()
        await send(message)

    return watched
