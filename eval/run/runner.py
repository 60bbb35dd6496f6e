"""A whole run: every question of a file, one system, one folder of results."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from eval.cache import CachedEncoder
from eval.datasets import Conversation, read
from eval.datasets.read import digest
from eval.run.conversation import Watcher, run_conversation
from eval.run.encoders import lazy_encoder
from eval.run.files import RunFolder
from eval.run.rows import Row
from eval.run.selection import selected, with_traps
from eval.run.settings import RunSettings
from eval.run.summary import summary
from eval.run.workers import in_processes
from eval.systems import Means, make
from memory.tokens import TokenCounter

Wanted = dict[str, set[str]]


def load(settings: RunSettings) -> list[Conversation]:
    """Return what the run is about."""
    conversations = read(settings.data)
    if settings.trap_as_gold:
        conversations = [with_traps(conversation) for conversation in conversations]
    return selected(conversations, settings.limit, settings.seed)


def means_of(settings: RunSettings) -> Means:
    """Return what systems are made with."""
    encoder = CachedEncoder(lazy_encoder(settings.encoder, threads=settings.threads), settings.cache)
    return Means(encoder, TokenCounter(), settings.seed, settings.options)


def run(settings: RunSettings, watcher: Watcher, conversations: list[Conversation]) -> dict[str, Any]:
    """Ask what hasn't been asked yet, write the three files, return the content of `metrics.json`."""
    means = means_of(settings)
    with closing(make(settings.system, means)) as system:
        described = {
            "system": settings.system,
            "dataset": _described(settings, conversations),
            "settings": {
                **dict(system.settings),
                "encoder": means.encoder.id,
                "tokens": means.counter.encoding,
            },
        }
    folder = RunFolder(settings, described)
    done = {row.key for row in folder.rows}
    for row in folder.rows:
        watcher.answered(row)
    wanted = {c.id: {q.id for q in c.queries if (c.id, q.id) not in done} for c in conversations}
    folder.begin()
    begun = time.monotonic()
    try:
        for row in _rows(settings, conversations, wanted, watcher):
            folder.add(row)
    finally:
        folder.close()
    plan = settings.plan()
    figures = summary(folder.rows, settings.budgets, plan.ks, settings.seed)
    metrics = {"system": settings.system, "dataset": conversations[0].dataset, **figures}
    order = [(c.id, q.id) for c in conversations for q in c.queries]
    folder.finish(order, metrics, {"seconds": round(time.monotonic() - begun, 1)})
    return metrics


def work(
    settings: RunSettings, conversations: Sequence[Conversation], wanted: Wanted, watcher: Watcher
) -> Iterator[Row]:
    """Yield the rows of these conversations, from one system in this process."""
    means = means_of(settings)
    with closing(make(settings.system, means)) as system:
        for conversation in conversations:
            if wanted[conversation.id]:
                yield from run_conversation(
                    system,
                    conversation,
                    wanted=wanted[conversation.id],
                    means=means,
                    plan=settings.plan(),
                    watcher=watcher,
                )


def _rows(
    settings: RunSettings, conversations: list[Conversation], wanted: Wanted, watcher: Watcher
) -> Iterator[Row]:
    left = [conversation for conversation in conversations if wanted[conversation.id]]
    if settings.workers <= 1 or len(left) <= 1:
        return work(settings, left, wanted, watcher)
    return in_processes(work, settings, left, wanted, watcher)


def _described(settings: RunSettings, conversations: Sequence[Conversation]) -> dict[str, Any]:
    return {
        "name": conversations[0].dataset,
        "file": settings.data.name,
        "sha256": digest(settings.data),
        "conversations": len(conversations),
        "units": sum(len(conversation.units) for conversation in conversations),
        "queries": sum(len(conversation.queries) for conversation in conversations),
    }
