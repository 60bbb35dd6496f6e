"""`satchel retention`: how long memory is kept, seen and set beside a running service."""

from typing import Annotated

import typer
from pydantic import ValidationError

from api.cli.shared import AsJson, Data, Tenant, say, settings_with, show
from api.http.models import RetentionIn
from api.stores import open_ledger
from memory.errors import InvalidInputError
from memory.ledger.retention import Rules, Sweep
from memory.retention import Keeping
from memory.times import to_datetime

_ACTOR = "cli"

app = typer.Typer(no_args_is_help=True, help="How long memory is kept.")

Days = Annotated[float | None, typer.Option(help="Days for which turns are kept; without it, for ever.")]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="SOURCE=DAYS, before --days; repeatable.")
]


@app.command("show")
def show_rules(tenant: Tenant, data: Data = None, *, as_json: AsJson = False) -> None:
    """Print the rules and what the last sweep did."""
    with open_ledger(settings_with(data=data)) as ledger:
        keeping = Keeping(ledger)
        rules, sweep = keeping.rules(tenant), keeping.last_sweep(tenant)
    if as_json:
        show({"days": rules.days, "sources": rules.sources, "last_sweep": _swept(sweep)})
        return
    _say(rules)
    if sweep is not None:
        say(f"last sweep {to_datetime(sweep.started_at)}: {sweep.turns:,} turns erased, {sweep.held:,} held")


@app.command("set")
def set_rules(tenant: Tenant, data: Data = None, *, days: Days = None, source: Sources = None) -> None:
    """Replace the rules; the next sweep of the service goes by them."""
    given = _checked(days, source or [])
    with open_ledger(settings_with(data=data)) as ledger:
        Keeping(ledger).set_rules(tenant, given.days, given.sources, _ACTOR)
    _say(Rules(given.days, given.sources))


def _checked(days: float | None, sources: list[str]) -> RetentionIn:
    try:
        by_source = {name: float(kept) for name, _, kept in (one.rpartition("=") for one in sources)}
    except ValueError as error:
        raise InvalidInputError("--source takes SOURCE=DAYS, such as tool=30") from error
    try:
        return RetentionIn(days=days, sources=by_source)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInputError(f"rules are --days DAYS and --source SOURCE=DAYS: {wrong}") from error


def _say(rules: Rules) -> None:
    say("for ever" if rules.days is None else f"{rules.days:g} days")
    for name, kept in sorted(rules.sources.items()):
        say(f"{name}\t{kept:g} days")


def _swept(sweep: Sweep | None) -> dict[str, object] | None:
    if sweep is None:
        return None
    return {
        "started_at": to_datetime(sweep.started_at).isoformat(),
        "turns": sweep.turns,
        "held": sweep.held,
        "receipts": sweep.receipts,
    }
