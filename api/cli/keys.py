"""`satchel keys`: make, list and revoke API keys."""

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
from memory.times import now, to_datetime

app = typer.Typer(help="Make, list and revoke API keys; also while the service runs.", no_args_is_help=True)


@app.command()
def create(
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    rights: Annotated[str, typer.Option(help="Some of read,write,admin.")] = "read,write,admin",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[float | None, typer.Option(min=0, help="Days until it expires (default: never).")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is shown this once."""
    expires = now() + timedelta(days=days) // timedelta(microseconds=1) if days is not None else None
    with open_ledger(settings_with(data=data)) as ledger, ledger.writing(tenant) as tx:
        key, secret = keys.create(tx, tenant, _rights(rights), label=label, expires_at=expires)
    if as_json:
        show({"key": secret, **_shown(key)})
    else:
        say(secret)


@app.command("list")
def list_keys(data: Data = None, *, as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        found = [_shown(key) for key in keys.all_of(tx)]
    if as_json:
        show({"keys": found})
        return
    table = Table("id", "tenant", "rights", "label", "created", "expires", "revoked")
    for key in found:
        table.add_row(*(str(value if value is not None else "–") for value in key.values()))
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
    return {"id": key.id, "tenant": key.tenant, "rights": rights, "label": key.label, **times}
