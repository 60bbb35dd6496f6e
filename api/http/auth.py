"""Who asks, as the gate found out, and what they may do."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api.access import Caller
from api.services import Services
from memory.errors import UnauthenticatedError
from memory.ledger.keys import Right

_bearer = HTTPBearer(
    auto_error=False,
    description="A key made with `satchel keys create`, or a token of the configured issuer.",
)


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
