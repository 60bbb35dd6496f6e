"""Who asks, and what they may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.services import Services
from memory.errors import AccessError
from memory.ledger import keys
from memory.ledger.keys import Right
from memory.ledger.tenancy import EVERY_TENANT

_bearer = HTTPBearer(auto_error=False, description="A key made with `satchel keys create`.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The key's tenant; `actor` names the key in the audit."""

    tenant: str
    actor: str


async def services(request: Request) -> Services:
    """Return what the application was opened with."""
    found: Services = request.app.state.services
    return found


def _caller(right: Right) -> Callable[..., Caller]:
    def check(
        opened: Annotated[Services, Depends(services)],
        sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        with opened.ledger.reading(EVERY_TENANT) as tx:
            key = keys.verify(tx, sent.credentials) if sent else None
        if key is None:
            detail = "send 'Authorization: Bearer <key>' with a key that is in use"
            raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
        if right not in key.rights:
            raise AccessError(f"this key may {', '.join(sorted(key.rights))}; this needs {right!r}")
        return Caller(key.tenant, f"key:{key.id}")

    return check


Opened = Annotated[Services, Depends(services)]
Reader = Annotated[Caller, Depends(_caller("read"))]
Writer = Annotated[Caller, Depends(_caller("write"))]
Admin = Annotated[Caller, Depends(_caller("admin"))]
