"""How far the building of an index is, for someone who watches."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.shared import console
from retrieval.indexing.reindex import Progress as Told


@contextmanager
def indexing() -> Iterator[Told]:
    """Show a bar; yield what is told how many turns are done, of how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as shown:
        task = shown.add_task("indexing", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
