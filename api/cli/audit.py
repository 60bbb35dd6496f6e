"""`satchel audit`: who did what to whose memory, and whether the log is as it was written."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.shared import AsJson, Data, Tenant, say, settings_with, show
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import CorruptFileError
from memory.ledger import audit
from memory.ledger.audit import Line, Verdict
from memory.ledger.tenancy import EVERY_TENANT
from memory.times import to_datetime

app = typer.Typer(help="Read and check the audit log; also while the service runs.", no_args_is_help=True)


@app.command()
def verify(data: Data = None, *, as_json: AsJson = False) -> None:
    """Check the chain of every tenant; the exit code is 4 where a line isn't as it was written.

    The heads are the last lines' hashes. Keep them elsewhere: a chain made anew has another head.
    """
    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        found = [audit.verify(tx, tenant) for tenant in audit.tenants(tx)]
    broken = [one for one in found if one.broken is not None]
    if as_json:
        show({"ok": not broken, "chains": [_judged(one) for one in found]})
    else:
        for one in found:
            say(f"{one.tenant or '(operator)'}: {one.lines:,} lines, head {one.head.hex()}")
    if broken:
        first = broken[0]
        raise CorruptFileError(
            f"the audit log of {first.tenant or 'the operator'!r} breaks at line {first.broken}: {first.why}"
        )


@app.command("list")
def list_lines(
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    after: Annotated[int, typer.Option(min=0, help="Show the lines behind this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="Most lines to show.")] = 100,
    *,
    operator: Annotated[
        bool, typer.Option("--operator", help="The chain of what concerns all: backups, master keys.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the lines of a tenant's chain in order. Subjects are hashes, never names."""
    chain, bound = (audit.OPERATOR, EVERY_TENANT) if operator else (tenant, tenant)
    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(bound) as tx:
        found = audit.lines(tx, chain, after=after, limit=limit)
    if as_json:
        show({"lines": [_shown(line) for line in found]})
        return
    table = Table("line", "at", "actor", "action", "subject", "detail")
    for line in found:
        shown = _shown(line)
        table.add_row(*(str(shown[name]) for name in ("line", "at", "actor", "action", "subject", "detail")))
    Console().print(table)


def _shown(line: Line) -> dict[str, object]:
    return {
        "line": line.seq,
        "at": to_datetime(line.at).isoformat(),
        "actor": line.actor,
        "action": line.action,
        "subject": line.subject,
        "detail": line.detail,
        "hash": line.hash.hex(),
    }


def _judged(one: Verdict) -> dict[str, object]:
    return {
        "tenant": one.tenant,
        "lines": one.lines,
        "head": one.head.hex(),
        "broken_at": one.broken,
        "why": one.why or None,
        "unchained": one.unchained,
    }
