"""Who asks, settled before the body is read, and what they may do."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import Caller
from api.http.problems import of_error
from api.services import Services
from memory.errors import SatchelError, UnauthenticatedError
from memory.ledger.keys import Right

_bearer = HTTPBearer(
    auto_error=False,
    description="A key made with `satchel keys create`, or a token of the configured issuer.",
)


class Authenticated:
    """Lets nothing under `/v1` through without a known caller, whatever the route behind it asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1"):
            opened: Services = scope["app"].state.services
            try:
                caller = await run_in_threadpool(opened.access.caller, credential(Headers(scope=scope)))
            except SatchelError as error:
                await of_error(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


def credential(headers: Headers) -> str | None:
    """Return the bearer credential, None where none is sent; of two, neither counts."""
    sent = headers.getlist("authorization")
    scheme, _, value = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    return value.strip() if scheme.lower() == "bearer" else None


async def services(request: Request) -> Services:
    """Return what the application was opened with."""
    found: Services = request.app.state.services
    return found


def _caller(right: Right) -> Callable[..., Awaitable[Caller]]:
    async def check(request: Request, _: Annotated[object, Depends(_bearer)]) -> Caller:
        caller = getattr(request.state, "caller", None)
        if not isinstance(caller, Caller):
            raise UnauthenticatedError("nobody was authenticated for this request")
        caller.needs(right)
        return caller

    return check


Opened = Annotated[Services, Depends(services)]
Reader = Annotated[Caller, Depends(_caller("read"))]
Writer = Annotated[Caller, Depends(_caller("write"))]
Admin = Annotated[Caller, Depends(_caller("admin"))]
