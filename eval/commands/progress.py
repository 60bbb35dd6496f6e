"""Progress bars with the time that is left."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.commands.shared import console
from eval.run.rows import Row


class Bars:
    """Shows how far a run is and how long it will take. A `Watcher`."""

    def __init__(self, bars: Progress, title: str, questions: int) -> None:
        """Add two bars to `bars`: questions asked, and turns remembered."""
        self._bars = bars
        self._questions = bars.add_task(title, total=questions)
        self._units = bars.add_task("remembering", total=None)

    def remembering(self, conversation: str, done: int, units: int) -> None:
        """Take note that `done` of the `units` needed so far are remembered."""
        shown = f"remembering {conversation[:20]}"
        self._bars.update(self._units, description=shown, completed=done, total=units)

    def answered(self, row: Row) -> None:
        """Take note of a question that has its row."""
        del row
        self._bars.advance(self._questions)


def bars() -> Progress:
    """Return bars that vanish when they are done, on standard error."""
    return Progress(
        TextColumn("{task.description:<32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
