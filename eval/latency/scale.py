"""The same question put to memories of very different size: many users, or one that all share."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from api.services import open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from eval.latency.composed import ComposedEncoder, drawn
from eval.latency.measure import percentiles, timed
from eval.latency.server import Server, serving
from memory.encoders import OnnxEncoder
from memory.scope import Scope
from memory.turns import NewTurn

_SESSION = 100
_SENTENCE = range(20, 160)
_WARM_UP = 5
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Size:
    """How much is remembered: `turns` in all, spread evenly over `users`."""

    turns: int
    users: int


def scaled(
    texts: Sequence[str],
    queries: Sequence[str],
    sizes: Sequence[Size],
    *,
    requests: int,
    folder: Path,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Return figures for a service over each size, in a folder of its own below `folder`.

    Times in milliseconds, memory in MiB, disk in bytes a turn. `first`: a user who isn't in memory yet
    (only the first few users are asked so); `read_s`: seconds until all of these are, a large one is
    answered by words alone meanwhile; `context`: users drawn at random, asked before; `bare`: the encoder
    alone, between the requests of the same loop. What is in a folder already is used again.
    """
    sentences = list(dict.fromkeys(text for text in texts if len(text) in _SENTENCE))
    encoder = OnnxEncoder()
    found = []
    for size in sizes:
        data = folder / f"{size.turns}-turns-{size.users}-users"
        if not (data / "filled").exists():
            say(f"filling {size.turns:,} turns of {size.users:,} users")
            _fill(data, size, ComposedEncoder(encoder, sentences), drawn(sentences, size.turns))
        with serving(data) as server:
            say(f"asking {size.turns:,} turns of {size.users:,} users")
            found.append(
                {
                    "turns": size.turns,
                    "users": size.users,
                    **_asked(server, encoder, queries, size.users, requests),
                    "resident_mib": round(server.resident_mib(), 1),
                    "disk_bytes_a_turn": {
                        path.name: round(path.stat().st_size / size.turns)
                        for path in sorted(data.glob("*.sqlite3"))
                    },
                }
            )
    return found


def _fill(data: Path, size: Size, encoder: ComposedEncoder, turns: Iterator[str]) -> None:
    each = size.turns // size.users
    with open_services(Settings(data=data), encoder=encoder) as opened:
        for user in range(size.users):
            for first in range(0, each, _SESSION):
                scope = Scope(DEFAULT_TENANT, f"u{user}", f"u{user}-s{first // _SESSION}")
                opened.remember(scope, _session(turns, min(_SESSION, each - first)))
            while opened.queued() > 50 * _SESSION:  # a long queue only makes the ledger slow
                time.sleep(0.05)
        opened.drain(timeout=24 * 3600)
    (data / "filled").touch()


def _session(turns: Iterator[str], size: int) -> list[NewTurn]:
    """Return as many turns, of the user and the assistant by turns."""
    return [NewTurn(role="assistant" if place % 2 else "user", content=next(turns)) for place in range(size)]


def _asked(
    server: Server, encoder: OnnxEncoder, queries: Sequence[str], users: int, requests: int
) -> dict[str, Any]:
    generator = random.Random(users)  # noqa: S311 - which user is asked about, nothing secret
    few = [f"u{user}" for user in generator.sample(range(users), min(users, requests))]
    begun = time.perf_counter()
    first = [_ask(server, user, generator.choice(queries))[0] for user in few]
    for user in few:
        while _ask(server, user, queries[0])[1]:
            time.sleep(_PAUSE)
    read = time.perf_counter() - begun
    contexts, bare = [], []
    for number in range(-_WARM_UP, requests):
        query = f"{generator.choice(queries)} ({number})"  # never asked before
        encoded, _ = timed(partial(encoder.encode, [query]))
        asked, _ = _ask(server, generator.choice(few), query)
        if number >= 0:
            bare.append(encoded)
            contexts.append(asked)
    return {
        "first_ms": percentiles(first),
        "read_s": round(read, 1),
        "context_ms": percentiles(contexts),
        "bare_encoder_ms": percentiles(bare),
    }


def _ask(server: Server, user: str, query: str) -> tuple[float, bool]:
    """Return how long an answer took, and whether it was one by words alone."""
    body = {"user_id": user, "query": query, "max_tokens": 1024}
    seconds, answer = timed(partial(server.client.post, "/v1/context", json=body))
    answer.raise_for_status()
    return seconds, bool(answer.json()["quality"]["degraded"])
