"""`satchel reviews`: list flagged sessions, look at one, decide."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.shared import AsJson, Data, Tenant, say, settings_with, show
from api.settings import Settings
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import InvalidInputError
from memory.ledger.reviews import Decision, Review, Status
from memory.review import Reviewing
from memory.risk import Policy, load_policies
from memory.times import to_datetime

app = typer.Typer(help="Look at flagged sessions and decide; every look is audited.", no_args_is_help=True)

_MOST = 500


@app.command("list")
def list_reviews(
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    status: Annotated[str, typer.Option(help="open, decided or all.")] = "open",
    *,
    as_json: AsJson = False,
) -> None:
    """List reviews, newest first, without any text."""
    settings = settings_with(data=data)
    with open_ledger(settings) as ledger:
        page = Reviewing(ledger, _policies(settings)).page(tenant, _status(status), None, _MOST)
    if as_json:
        show({"reviews": [_shown(review) for review in page]})
        return
    table = Table("id", "session", "user", "policy", "level", "score", "opened", "decision")
    for review in page:
        opened = to_datetime(review.opened_at).isoformat(timespec="seconds")
        cells = (review.id, review.session, review.user, review.policy, review.level)
        table.add_row(*map(str, cells), f"{review.score:.2f}", opened, review.decision or "–")
    Console().print(table)


@app.command("show")
def show_review(
    review_id: int, data: Data = None, tenant: Tenant = DEFAULT_TENANT, *, as_json: AsJson = False
) -> None:
    """Show one review with the turn at which the flag rose, masked."""
    settings = settings_with(data=data)
    with open_ledger(settings) as ledger:
        reviewing = Reviewing(ledger, _policies(settings))
        review, text, advice = reviewing.look(tenant, review_id, "cli")
    template = advice.response_template if advice else None
    if as_json:
        show({**_shown(review), "text": text, "response_template": template})
        return
    say(f"{review.policy} {review.level} ({review.score:.2f}), advice: {template or 'none'}\n{text}")


@app.command()
def decide(
    review_id: int,
    decision: Annotated[str, typer.Argument(help="agree, disagree or relabel.")],
    label: Annotated[str | None, typer.Option(help="The policy that fits, or none; with relabel.")] = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    *,
    as_json: AsJson = False,
) -> None:
    """Keep a decision."""
    settings = settings_with(data=data)
    with open_ledger(settings) as ledger:
        review = Reviewing(ledger, _policies(settings)).decide(
            tenant, review_id, decision=_decision(decision), label=label, actor="cli"
        )
    if as_json:
        show(_shown(review))
    else:
        say(f"review {review.id}: {review.decision}")


def _policies(settings: Settings) -> dict[str, Policy]:
    return load_policies(settings.risk_policies)


def _status(text: str) -> Status:
    for known in ("open", "decided", "all"):
        if text == known:
            return known
    raise InvalidInputError(f"status must be open, decided or all, not {text!r}")


def _decision(text: str) -> Decision:
    for known in ("agree", "disagree", "relabel"):
        if text == known:
            return known
    raise InvalidInputError(f"decision must be agree, disagree or relabel, not {text!r}")


def _shown(review: Review) -> dict[str, object]:
    times = {
        name: to_datetime(value).isoformat(timespec="seconds") if value is not None else None
        for name, value in asdict(review).items()
        if name.endswith("_at")
    }
    return asdict(review) | times
