"""`satchel purge` and `hold`: memory is erased, the erasure proved, or forbidden."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from api.cli.shared import AsJson, Data, Tenant, console, say, settings_with, show
from api.http.purges import receipt_out
from api.services import Services, open_services
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import InvalidInputError, SatchelError
from memory.holding import Holding
from memory.ledger import holds
from memory.purge import Receipt, Subject, verify
from memory.purge.document import subject_hash
from memory.scope import Scope

_ACTOR = "cli"


class _NamedOrUser(TyperGroup):
    """`satchel purge NAME` erases a user, unless NAME is one of the other commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["memory", *args]
        return super().parse_args(ctx, args)


purge_app = typer.Typer(cls=_NamedOrUser, no_args_is_help=True, help="Erase memory, and prove it.")
hold_app = typer.Typer(no_args_is_help=True, help="Legal holds: memory that must not be erased.")

Reason = Annotated[str, typer.Option("--reason", help="Why it must be kept; shown to whoever is refused.")]


@purge_app.command("memory")
def purge(
    tenant: Tenant,
    user: Annotated[str | None, typer.Argument(help="Whose memory; `-` reads names, one a line.")] = None,
    data: Data = None,
    *,
    session: Annotated[str | None, typer.Option(help="A session instead of a user.")] = None,
    turn: Annotated[str | None, typer.Option(help="A turn instead of a user.")] = None,
    source: Annotated[str | None, typer.Option(help="All that came from a source.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase, wait until a scan of every file proves it, and print the receipt (the default command)."""
    subjects = list(_subjects(tenant, {"user": user, "session": session, "turn": turn, "source": source}))
    with open_services(settings_with(data=data)) as services:
        if dry_run:
            for subject in subjects:
                _preview(services, subject, as_json=as_json)
            return
        begun = [services.purge.begin(subject, _ACTOR) for subject in subjects]
        for receipt in begun:
            _report(_waited(services, receipt), as_json=as_json)


@purge_app.command("verify")
def verify_receipt(
    receipt: Annotated[Path, typer.Argument(help="A receipt, as printed with --json or sent over HTTP.")],
    key: Annotated[str | None, typer.Option(help="The public key, from `GET /v1/purges/keys`.")] = None,
    user: Annotated[str | None, typer.Option(help="Check that it is about this user …")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a receipt's signature, offline. Without --key it proves that nothing was changed, not by whom."""
    document = _document(receipt)
    signed_by = verify(document, key)
    if user is not None and document.get("subject") != subject_hash(tenant, "user", user):
        raise InvalidInputError(f"the receipt is not about the user {user!r} of tenant {tenant!r}")
    if as_json:
        show({"valid": True, "key_id": signed_by, "key_given": key is not None})
        return
    say(f"the signature holds; key {signed_by}" + ("" if key else " (the receipt's own: compare it)"))


@hold_app.command("put")
def hold_put(user: str, tenant: Tenant, reason: Reason, data: Data = None) -> None:
    """Keep a user's memory, whoever asks for it to be erased."""
    with open_ledger(settings_with(data=data)) as ledger:
        Holding(ledger).put(Scope(tenant, user), reason, _ACTOR)
    say(f"{user} is under a hold")


@hold_app.command("lift")
def hold_lift(user: str, tenant: Tenant, data: Data = None) -> None:
    """End a hold."""
    with open_ledger(settings_with(data=data)) as ledger:
        Holding(ledger).lift(Scope(tenant, user), _ACTOR)
    say(f"the hold on {user} is lifted")


@hold_app.command("list")
def hold_list(tenant: Tenant, data: Data = None, *, as_json: AsJson = False) -> None:
    """List holds."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(tenant) as tx:
        found = holds.all_of(tx, tenant)
    if as_json:
        show([{"user_id": one.user, "reason": one.reason, "actor": one.actor} for one in found])
        return
    for one in found:
        say(f"{one.user}\t{one.reason}")


def _subjects(tenant: str, given: dict[str, str | None]) -> Iterator[Subject]:
    chosen = {kind: name for kind, name in given.items() if name is not None}
    if len(chosen) != 1:
        raise InvalidInputError("name one of USER, --session, --turn and --source")
    [(kind, name)] = chosen.items()
    names = [name]
    if name == "-":
        names = [line.strip() for line in sys.stdin if line.strip()]
    for one in names:
        yield Subject(tenant, kind, one)  # type: ignore[arg-type]  # the keys are kinds


def _waited(services: Services, receipt: Receipt) -> Receipt:
    with console.status(f"erasing {receipt.turns:,} turns, then scanning every file"):
        while receipt.status == "running":
            time.sleep(0.02)
            receipt = services.purge.receipt(receipt.tenant, receipt.id)
    return receipt


def _preview(services: Services, subject: Subject, *, as_json: bool) -> None:
    found = services.purge.preview(subject)
    counts: dict[str, Any] = {"turns": found.turns, "sessions": found.sessions, "users": found.users}
    if as_json:
        show({"dry_run": True, "kind": subject.kind, "name": subject.name, **counts, "held": found.held})
        return
    what = f"{found.turns:,} turns in {found.sessions:,} sessions of {found.users:,} users"
    say(f"{what} would be erased" + ("; a legal hold forbids it" if found.held else ""))


def _report(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        show(receipt_out(receipt).model_dump(mode="json"))
    if receipt.status == "failed":
        raise SatchelError(f"{receipt.id} failed: {receipt.error}; it is tried again while the service runs")
    if as_json:
        return
    scan = (receipt.receipt or {})["scan"]
    say(
        f"{receipt.turns:,} turns are erased; nothing of them is in {scan['files']} files "
        f"({scan['bytes']:,} bytes, {scan['pieces']:,} pieces looked for); receipt {receipt.id}"
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"can't read a receipt from {path}: {error}") from error
    # As the service answers it, or the signed document alone.
    found = read.get("receipt", read) if isinstance(read, dict) else None
    if not isinstance(found, dict):
        raise InvalidInputError(f"{path} holds no receipt; the purge may not be done yet")
    return found
