"""What encryption at rest costs a context: the same memory sealed and plain, asked in turn."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from api.services import Services, open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from eval.latency.composed import ComposedEncoder, drawn
from eval.latency.measure import percentiles, timed
from memory.encoders import OnnxEncoder
from memory.ledger import EVERY_TENANT
from memory.ledger import turns as turn_rows
from memory.ledger.schema import turns
from memory.scope import Scope
from memory.turns import NewTurn
from retrieval.finder import Wanted

_SESSION = 100
_SENTENCE = range(20, 160)
_WARM_UP = 5
SEALED, PLAIN = Scope(DEFAULT_TENANT, "sealed"), Scope(DEFAULT_TENANT, "plain")


def cost(
    texts: Sequence[str],
    queries: Sequence[str],
    sizes: Sequence[int],
    *,
    requests: int,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return figures by turns in a memory: milliseconds sealed and plain, and the ratio of their medians."""
    sentences = list(dict.fromkeys(text for text in texts if len(text) in _SENTENCE))
    encoder = OnnxEncoder()
    found = {}
    for size in sizes:
        say(f"filling two memories of {size:,} turns")
        settings = Settings(data=folder / str(size))
        with open_services(settings, encoder=ComposedEncoder(encoder, sentences)) as opened:
            for scope in (SEALED, PLAIN):
                _fill(
                    opened,
                    scope,
                    [turn for turn, _ in zip(drawn(sentences, size), range(size), strict=False)],
                )
            opened.drain(timeout=3600)
        with open_services(settings, encoder=encoder) as opened:
            opened.drain()
            _make_plain(opened)
            say(f"asking at {size:,} turns")
            found[str(size)] = _asked(opened, queries, requests)
    return found


def _fill(opened: Services, scope: Scope, said: Sequence[str]) -> None:
    for first in range(0, len(said), _SESSION):
        session = Scope(scope.tenant, scope.user, f"{scope.user}-{first // _SESSION}")
        opened.remember(
            session, [NewTurn(role="user", content=one) for one in said[first : first + _SESSION]]
        )


def _make_plain(opened: Services) -> None:
    """Put one user's turns back to how they were kept before there was encryption."""
    with opened.ledger.writing(EVERY_TENANT) as tx:
        for turn in list(turn_rows.stream(tx, PLAIN)):
            values = {
                "content": turn.content,
                "speaker": turn.speaker,
                "metadata": turn.metadata,
                "sealed": None,
            }
            tx.execute(sa.update(turns).where(turns.c.id == turn.id).values(**values))


def _asked(opened: Services, queries: Sequence[str], requests: int) -> dict[str, Any]:
    chosen = random.Random(7)  # noqa: S311 - which query comes next, nothing secret
    times: dict[Scope, list[float]] = {SEALED: [], PLAIN: []}
    for number in range(-_WARM_UP, requests):
        wanted = Wanted(f"{chosen.choice(queries)} ({number})")
        order = [SEALED, PLAIN] if number % 2 else [PLAIN, SEALED]
        for scope in order:
            seconds, context = timed(partial(opened.recall, scope, wanted, 1024))
            assert not context.degraded  # noqa: S101 - a fallback would be another measurement
            if number >= 0:
                times[scope].append(seconds)
    medians = {scope: float(np.median(times[scope])) for scope in times}
    differences = np.array(times[SEALED]) - np.array(times[PLAIN])
    return {
        "sealed_ms": percentiles(times[SEALED]),
        "plain_ms": percentiles(times[PLAIN]),
        "ratio": round(medians[SEALED] / medians[PLAIN], 3),
        "difference_ms": round(float(np.median(differences)) * 1000, 3),
    }
