"""Conversations over several processes; rows come back as they are made."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Any

from eval.datasets import Conversation
from eval.run.conversation import Watcher
from eval.run.rows import Row
from eval.run.settings import RunSettings
from memory.errors import SatchelError, UnavailableError

Work = Callable[[RunSettings, Sequence[Conversation], dict[str, set[str]], Watcher], Iterator[Row]]

_POLL_SECONDS = 2.0


def in_processes(
    work: Work,
    settings: RunSettings,
    conversations: Sequence[Conversation],
    wanted: dict[str, set[str]],
    watcher: Watcher,
) -> Iterator[Row]:
    """Yield rows in the order in which they are made; raise `UnavailableError` if a process dies."""
    # Spawned, not forked: encoders hold threads.
    context = multiprocessing.get_context("spawn")
    queue: Any = context.Queue()
    inner = replace(settings, workers=1, threads=1)
    shares = _shares(conversations, wanted, settings.workers)
    started = [
        context.Process(target=_serve, args=(queue, work, inner, share, wanted), daemon=True)
        for share in shares
    ]
    for process in started:
        process.start()
    try:
        yield from _received(queue, started, watcher)
    finally:
        for process in started:
            process.terminate()
            process.join()


def _shares(
    conversations: Sequence[Conversation], wanted: dict[str, set[str]], workers: int
) -> list[list[Conversation]]:
    """Return a share for each worker, of about equal work: the largest are dealt first."""
    shares: list[list[Conversation]] = [[] for _ in range(min(workers, len(conversations)))]
    loads = [0] * len(shares)
    for conversation in sorted(conversations, key=lambda c: -len(c.units) * len(wanted[c.id])):
        place = loads.index(min(loads))
        shares[place].append(conversation)
        loads[place] += len(conversation.units) * len(wanted[conversation.id])
    return shares


def _received(queue: Any, processes: Sequence[BaseProcess], watcher: Watcher) -> Iterator[Row]:
    running = len(processes)
    while running:
        try:
            kind, content = queue.get(timeout=_POLL_SECONDS)
        except Empty:
            if any(process.exitcode for process in processes):
                raise UnavailableError("a worker was killed; the run can be resumed") from None
            continue
        if kind == "row":
            row = Row.model_validate_json(content)
            watcher.answered(row)
            yield row
        elif kind == "remembering":
            watcher.remembering(*content)
        elif kind == "failed":
            raise UnavailableError(content)
        else:
            running -= 1


class _Sender:
    """Tells the parent how the work goes on."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def remembering(self, conversation: str, done: int, units: int) -> None:
        self._queue.put(("remembering", (conversation, done, units)))

    def answered(self, row: Row) -> None:
        """Rows are sent by `_serve`."""


def _serve(
    queue: Any,
    work: Work,
    settings: RunSettings,
    conversations: Sequence[Conversation],
    wanted: dict[str, set[str]],
) -> None:
    try:
        for row in work(settings, conversations, wanted, _Sender(queue)):
            queue.put(("row", row.model_dump_json(exclude_defaults=True)))
    except SatchelError as error:
        queue.put(("failed", str(error)))
    queue.put(("done", None))
