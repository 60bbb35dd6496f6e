"""`satchel reindex`: another encoder or another kind of index, while the service runs."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.progress import indexing
from api.cli.shared import AsJson, Data, say, settings_with, show
from api.reindexing import Reindexed
from api.reindexing import reindex as rebuild

# The service that runs beside it comes first.
_NICE = 10


def reindex(
    data: Data = None,
    *,
    drop_old: Annotated[
        bool, typer.Option(help="Delete the collections that the alias named before (Qdrant).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the index that the settings name beside the one in use, check it, and switch to it.

    The service goes on with its own settings meanwhile. Cut off, the command goes on where it was.
    """
    os.nice(_NICE)
    settings = settings_with(data=data)
    with indexing() as progress:
        done = rebuild(settings, progress, drop_old=drop_old)
    if as_json:
        show(asdict(done))
    else:
        say(_told(done, shared=settings.qdrant_url is not None))


def _told(done: Reindexed, *, shared: bool) -> str:
    built = f"{done.turns:,} turns are in the new index, {done.added:,} of them added now; "
    built += f"{done.checked:,} were sought by their own words and found\n"
    if not done.switched:
        return f"{built}The service is running: its next start with these settings takes the new index."
    if not shared:
        return f"{built}It is in use from the next start with these settings."
    gone = f"; deleted: {', '.join(done.dropped)}" if done.dropped else ""
    return f"{built}The alias names it{gone}. Restart the replicas one by one, with these settings."
