"""One conversation: remembered bit by bit, asked about on the way."""

from collections.abc import Collection, Iterator
from typing import Protocol

from eval.datasets.model import Conversation
from eval.run.ask import Desk, Plan
from eval.run.rows import Row
from eval.systems.port import Means, System, SystemFailedError

# Units handed over at a time, so that progress can be seen.
_PART = 500


class Watcher(Protocol):
    """Is told how a run goes on."""

    def remembering(self, conversation: str, done: int, units: int) -> None:
        """Take note that `done` of the `units` needed so far are remembered."""

    def answered(self, row: Row) -> None:
        """Take note of a question that has its row."""


def run_conversation(
    system: System,
    conversation: Conversation,
    *,
    wanted: Collection[str],
    means: Means,
    plan: Plan,
    watcher: Watcher,
) -> Iterator[Row]:
    """Yield a row for each wanted query, by what the queries may see.

    Units are remembered as far as the next query may see and never again, as they would be in use. If
    the system fails while remembering, all questions that are left carry the failure.
    """
    desk = Desk(means.counter, means.encoder)
    queries = sorted((q for q in conversation.queries if q.id in wanted), key=lambda query: query.pool_end)
    broken: SystemFailedError | None = None
    try:
        system.start(conversation.id)
    except SystemFailedError as error:
        broken = error
    for query in queries:
        while len(desk.units) < query.pool_end:
            start = len(desk.units)
            part = conversation.units[start : min(start + _PART, query.pool_end)]
            desk.add(part)
            watcher.remembering(conversation.id, len(desk.units), query.pool_end)
            if broken is None:
                try:
                    system.remember(part)
                except SystemFailedError as error:
                    broken = error
        row = desk.ask(broken or system, query, conversation.id, plan)
        watcher.answered(row)
        yield row
