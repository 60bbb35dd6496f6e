"""`satchel keys`: make, list, rotate and revoke API keys."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.shared import AsJson, Data, Tenant, say, settings_with, show
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import InvalidInputError
from memory.ledger import keys
from memory.ledger.keys import RIGHTS, Key, Right
from memory.ledger.tenancy import EVERY_TENANT
from memory.limits import Limits
from memory.times import now, to_datetime

app = typer.Typer(
    help="Make, list, rotate and revoke API keys, also while the service runs.", no_args_is_help=True
)


@app.command()
def create(
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    *,
    rights: Annotated[str, typer.Option(help="Some of read,write,admin.")] = "read,write,admin",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[float | None, typer.Option(min=0, help="Days until it expires (default: never).")] = None,
    user: Annotated[str | None, typer.Option(help="The only user it reaches; without admin.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Requests a second, on average.")] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Requests at once.")] = None,
    user_turns: Annotated[int | None, typer.Option(min=0, help="Most turns remembered of one user.")] = None,
    tenant_turns: Annotated[
        int | None, typer.Option(min=0, help="Most turns remembered for the tenant.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is shown this once; what isn't limited here is by the settings."""
    expires = now() + _micros(days=days) if days is not None else None
    limits = Limits(rate, burst, user_turns, tenant_turns)
    with open_ledger(settings_with(data=data)) as ledger, ledger.writing(tenant) as tx:
        key, secret = keys.create(
            tx, tenant, _rights(rights), label=label, expires_at=expires, user=user, limits=limits
        )
    _say_secret(key, secret, as_json=as_json)


@app.command()
def rotate(
    key_id: str,
    data: Data = None,
    hours: Annotated[float, typer.Option(min=0, help="Hours for which the old key works on.")] = 24,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key that may what the old one may, and let the old one end a little later."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.writing(EVERY_TENANT) as tx:
        key, secret = keys.rotate(tx, key_id, overlap=_micros(hours=hours))
    _say_secret(key, secret, as_json=as_json)


@app.command("list")
def list_keys(data: Data = None, *, as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        found = [_shown(key) for key in keys.all_of(tx)]
    if as_json:
        show({"keys": found})
        return
    columns = ("id", "tenant", "user", "rights", "label", "expires_at", "revoked_at", "last_used_at")
    table = Table(*(name.removesuffix("_at") for name in columns))
    for key in found:
        table.add_row(*(str(key[name] if key[name] is not None else "–") for name in columns))
    Console().print(table)


@app.command()
def revoke(key_id: str, data: Data = None, *, as_json: AsJson = False) -> None:
    """End a key at once."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.writing(EVERY_TENANT) as tx:
        keys.revoke(tx, key_id)
    if as_json:
        show({"revoked": key_id})
    else:
        say(f"{key_id} is revoked")


def _say_secret(key: Key, secret: str, *, as_json: bool) -> None:
    if as_json:
        show({"key": secret, **_shown(key)})
    else:
        say(secret)


def _micros(**span: float) -> int:
    return timedelta(**span) // timedelta(microseconds=1)


def _rights(text: str) -> frozenset[Right]:
    asked = {part.strip() for part in text.split(",")}
    rights: frozenset[Right] = frozenset(right for right in RIGHTS if right in asked)
    if len(rights) < len(asked):
        raise InvalidInputError(f"rights must be some of {', '.join(sorted(RIGHTS))}, not {text!r}")
    return rights


def _shown(key: Key) -> dict[str, object]:
    times = {
        name: to_datetime(value).isoformat(timespec="seconds") if value is not None else None
        for name, value in asdict(key).items()
        if name.endswith("_at")
    }
    rights = ",".join(sorted(key.rights))
    shown = {"id": key.id, "tenant": key.tenant, "user": key.user, "rights": rights, "label": key.label}
    return shown | times | {"limits": key.limits.to_json()}
