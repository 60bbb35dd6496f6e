"""`satchel import` and `export`: a user's memory in and out."""

import gzip
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from api.cli.shared import AsJson, Data, Tenant, console, say, settings_with, show
from api.http.sessions import turn_out
from api.importing import EXPORT_FORMAT, Batch, batches
from api.services import Services, open_services
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import InvalidInputError, NotFoundError
from memory.ledger import Ledger, audit, turns, users
from memory.scope import Scope
from memory.times import now, to_datetime

# Users whose names are read at a time.
_USERS = 500

User = Annotated[str | None, typer.Option("--user", help="Whose it is, where the file doesn't say.")]


def import_file(
    file: Annotated[
        Path, typer.Argument(help="JSON lines, .gz or not: evidence format, messages, or export.")
    ],
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    user: User = None,
    source: Annotated[
        str, typer.Option(help="Where it comes from, where the file doesn't say; import:NAME is low trust.")
    ] = "import",
    *,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is indexed.")] = True,
    as_json: AsJson = False,
) -> None:
    """Remember conversations from a file. Importing it again adds nothing twice."""
    with (
        open_services(settings_with(data=data)) as services,
        _progress() as progress,
        _opened(file) as lines,
    ):
        kept = _remember(services, batches(lines, tenant, user, source), progress)
        if wait:
            _wait(services, progress)
        left = services.queued()
        with services.ledger.writing(tenant) as tx:
            audit.record(tx, tenant, "cli", "memory.import", "", turns=kept)
    if as_json:
        show({"turns": kept, "waiting": left})
    else:
        say(f"{kept:,} turns are remembered" + (f", {left:,} wait for the index" if left else ""))


def export(
    user: Annotated[str | None, typer.Argument(help="Whose memory; none with --all.")] = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="All users of the tenant.")] = False,
) -> None:
    """Print what is remembered of a user, or of a whole tenant: a turn a line (NDJSON), oldest first."""
    if everybody == (user is not None):
        raise InvalidInputError("say whose memory to export: a user, or --all for the tenant's")
    with open_ledger(settings_with(data=data)) as ledger:
        if user is None:
            _export_tenant(ledger, tenant)
            return
        scope = Scope(tenant, user)
        _note_export(ledger, scope)
        with ledger.reading(tenant) as tx:
            for turn in turns.stream(tx, scope):
                say(turn_out(turn).model_dump_json())


def _export_tenant(ledger: Ledger, tenant: str) -> None:
    say(orjson.dumps({"format": EXPORT_FORMAT, "tenant": tenant, "at": to_datetime(now())}).decode())
    last = 0
    while True:
        with ledger.reading(tenant) as tx:
            page = users.page(tx, tenant, last, _USERS)
        for number, name in page:
            scope = Scope(tenant, name)
            _note_export(ledger, scope)
            with ledger.reading(tenant) as tx:
                for turn in turns.stream(tx, scope):
                    line = {"user_id": name, **turn_out(turn).model_dump(mode="json")}
                    say(orjson.dumps(line).decode())
            last = number
        if not page:
            return


def _note_export(ledger: Ledger, scope: Scope) -> None:
    with ledger.writing(scope.tenant) as tx:
        found = users.find(tx, scope)
        if found is None:
            raise NotFoundError(f"nothing is remembered of a user {scope.user!r} in tenant {scope.tenant!r}")
        whose = audit.subject(scope.tenant, "user", scope.user)
        audit.record(tx, scope.tenant, "cli", "memory.export", whose, turns=found.turns)


def _remember(services: Services, waiting: Iterable[Batch], progress: Progress) -> int:
    kept = 0
    limit = services.settings.max_turns_per_call
    task = progress.add_task("remembering", total=None)
    for batch in waiting:
        for start in range(0, len(batch.turns), limit):
            part = batch.turns[start : start + limit]
            services.remember(batch.scope, part)
            kept += len(part)
            progress.update(task, completed=kept)
    progress.update(task, total=kept)
    return kept


def _wait(services: Services, progress: Progress) -> None:
    waiting = services.queued()
    task: TaskID = progress.add_task("indexing", total=waiting)
    while left := services.queued():
        progress.update(task, completed=waiting - left)
        time.sleep(0.1)
    progress.update(task, completed=waiting)


def _opened(file: Path) -> BinaryIO:
    try:
        if file.suffix == ".gz":
            return cast("BinaryIO", gzip.open(file, "rb"))
        return file.open("rb")
    except OSError as error:
        raise InvalidInputError(f"can't read {file}: {error.strerror}") from error


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
