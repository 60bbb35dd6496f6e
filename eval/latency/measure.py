"""The measurement: fill a user's memory to a size, then ask, the bare encoder taking turns with HTTP."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, TypeVar

import numpy as np

from eval.latency.server import Server, serving
from memory.encoders import OnnxEncoder

# About twenty word pieces, as a short question has.
_QUERY = "When did we decide to move the launch of {} and who was asked about it before that?"
_BATCH = 500
_BARE_TEXTS = 256
_WARM_UP = 5

T = TypeVar("T")


def measured(
    texts: Sequence[str], sizes: Sequence[int], requests: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return figures for a user's memory of each of `sizes` turns, smallest first.

    Times in milliseconds, rates in turns a second, memory in MiB. `ratio` compares with the bare
    encoder's forward pass over one query, measured between the requests of the same loop.
    `insight_share`: what tag, flags and route of the turn at hand are of the median context.
    """
    with serving() as server:
        encoder = OnnxEncoder()
        idle = server.resident_mib()
        bare = _bare_rate(encoder, texts)
        found: dict[str, Any] = {
            "start_seconds": round(server.start_seconds, 2),
            "idle_resident_mib": round(idle, 1),
            "bare_encoder_turns_per_second": round(bare, 1),
            "sizes": {},
        }
        turns = _endless(texts)
        kept = 0
        for size in sorted(sizes):
            say(f"filling to {size:,} turns")
            rate = _fill(server, turns, size - kept)
            kept = size
            say(f"asking at {size:,} turns")
            found["sizes"][str(size)] = {
                "ingest_turns_per_second": round(rate, 1),
                "ingest_ratio": round(rate / bare, 3),
                **_asked(server, encoder, turns, requests),
                "resident_mib": round(server.resident_mib(), 1),
            }
        return found


def _endless(texts: Sequence[str]) -> Iterator[str]:
    """Yield the texts again and again, each time a little different, so that nothing is a repeat."""
    for number in count():
        text = texts[number % len(texts)]
        yield text if number < len(texts) else f"{text} ({number // len(texts)})"


def _bare_rate(encoder: OnnxEncoder, texts: Sequence[str]) -> float:
    sample = list(texts[:_BARE_TEXTS])
    encoder.encode(sample[:8])
    begun = time.perf_counter()
    encoder.encode(sample)
    return len(sample) / (time.perf_counter() - begun)


def _fill(server: Server, turns: Iterator[str], needed: int) -> float:
    """Post turns until the memory has so many more and all are indexed; return turns a second."""
    begun = time.perf_counter()
    for start in range(0, needed, _BATCH):
        batch = [{"role": "user", "content": next(turns) or "-"} for _ in range(min(_BATCH, needed - start))]
        body = {"user_id": "u", "turns": batch}
        server.client.post(f"/v1/sessions/fill-{time.time_ns()}/turns", json=body).raise_for_status()
    while server.queued():
        time.sleep(0.05)
    return needed / max(time.perf_counter() - begun, 1e-9)


def _asked(server: Server, encoder: OnnxEncoder, turns: Iterator[str], requests: int) -> dict[str, Any]:
    """Return percentiles of both requests and of the bare encoder, taken in turn."""
    bare: list[float] = []
    contexts: list[float] = []
    posts: list[float] = []
    phases: list[dict[str, float]] = []
    for number in range(-_WARM_UP, requests):
        query = _QUERY.format(number)
        turn = {"user_id": "u", "turns": [{"role": "user", "content": next(turns) or "-"}]}
        encoded, _ = timed(partial(encoder.encode, [query]))
        body = {"user_id": "u", "session_id": "live", "query": query, "max_tokens": 1024}
        asked, answer = timed(partial(server.client.post, "/v1/context", json=body))
        posted, kept = timed(partial(server.client.post, "/v1/sessions/live/turns", json=turn))
        kept.raise_for_status()
        while server.queued():  # a queue would slow the next question, and is measured as ingest
            time.sleep(0.002)
        if number >= 0:
            bare.append(encoded)
            contexts.append(asked)
            posts.append(posted)
            phases.append(answer.raise_for_status().json()["timings_ms"])
    return _summary(bare, contexts, posts, phases)


def _summary(
    bare: list[float], contexts: list[float], posts: list[float], phases: list[dict[str, float]]
) -> dict[str, Any]:
    middle = float(np.median(bare))
    without = float(np.median([one["total"] - one["encode"] - one["insight"] for one in phases]))
    insight = float(np.median([one["insight"] for one in phases]))
    return {
        "bare_encoder_ms": percentiles(bare),
        "context_ms": percentiles(contexts),
        "context_ratio": round(float(np.median(contexts)) / middle, 2),
        "insight_share": round(insight / 1000 / float(np.median(contexts)), 4),
        "recall_without_encoder_ms": round(without, 2),
        "recall_without_encoder_ratio": round(without / 1000 / middle, 2),
        "phases_p50_ms": {
            name: round(float(np.median([one[name] for one in phases])), 2) for name in sorted(phases[0])
        },
        "turns_ms": percentiles(posts),
        "turns_ratio": round(float(np.median(posts)) / middle, 2),
    }


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how many seconds it took, and what came of it."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in milliseconds."""
    values = np.percentile(np.array(seconds) * 1000, [50, 95, 99])
    return {name: round(float(value), 2) for name, value in zip(("p50", "p95", "p99"), values, strict=True)}
