"""R9: the vector store is stopped, cut off, silent or late; reads and writes go on, and nothing is lost."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import pytest

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import turns
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.fallback import LedgerSearch
from retrieval.index.port import Limits
from retrieval.passages.codec import default_codec
from retrieval.qdrant import QdrantIndex, connect
from retrieval.query.query import Query, view
from tests.helpers import said
from tests.proxy import Network, Proxy, proxied
from tests.qdrant.process import qdrant_process
from tests.qdrant.rest import scratch
from tests.reliability.conftest import Reached
from tests.searching import encoding
from tests.serving import Server, Start, new_key

FAULTS = ["stopped", "reset", "silent", "late"]
# Users that turns are written for during an outage; each has one session, of fewer turns than are searched
# however busy the machine is.
USERS = 8
DRILL_USERS = 400
# Turns in a request; every number of turns below is a multiple of it.
TOGETHER = 5
PATIENCE = 600


@dataclass
class Store:
    """A vector store in a process of its own, reached through a proxy."""

    process: subprocess.Popen[str]
    port: int
    proxy: Proxy

    @contextmanager
    def broken(self, how: str) -> Iterator[None]:
        """Break it for a while."""
        if how == "stopped":
            self.process.send_signal(signal.SIGSTOP)
        else:
            self.proxy.network = Network(how)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)
            self.proxy.network = Network.FINE


@pytest.fixture
def store() -> Iterator[Store]:
    """A running vector store."""
    with scratch() as folder, qdrant_process(folder) as (process, port), proxied(port) as proxy:
        yield Store(process, port, proxy)


@dataclass
class Caller:
    """An assistant's backend, and what it was told."""

    client: httpx.Client
    log: Path
    users: int
    asked: int = 0

    def write(self, count: int) -> None:
        """Post turns, some at a time; every one must be acknowledged."""
        for first in range(self.asked, self.asked + count, TOGETHER):
            new = [
                {"role": "user", "content": f"Parcel P-{number} is on shelf {number * 7 % 1000}."}
                for number in range(first, first + TOGETHER)
            ]
            body = {"user_id": f"user{self.owner(first)}", "turns": new}
            answer = self.client.post(f"/v1/sessions/s{self.owner(first)}/turns", json=body)
            assert answer.status_code == 201, answer.text
        self.asked += count

    def owner(self, number: int) -> int:
        """Return the number of the user whose parcel it is."""
        return number // TOGETHER % self.users

    def read(self, number: int = 0) -> tuple[bool, str, float]:
        """Ask where a parcel is; return whether the answer is marked degraded, the answer, and seconds."""
        body = {
            "user_id": f"user{self.owner(number)}",
            "query": f"Where is parcel P-{number}?",
            "max_tokens": 300,
        }
        begun = time.perf_counter()
        answer = self.client.post("/v1/context", json=body)
        seconds = time.perf_counter() - begun
        assert answer.status_code == 200, answer.text
        return answer.json()["quality"]["degraded"], answer.json()["context"], seconds

    def queued(self) -> int:
        """Return how many turns wait for the index."""
        return int(self.client.get("/readyz").json()["queued"])

    def logged(self, event: str) -> int:
        """Return how often the service logged an event."""
        return self.log.read_text().count(f'"{event}"')


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


@dataclass
class Outage:
    """Seconds: of reads before and while it lasted, and until the breaker opened and closed."""

    usual: list[float]
    degraded: list[float]
    opened: float
    closed: float


def outage(store: Store, caller: Caller, how: str, writes: int) -> Outage:
    """Break the store, write and read meanwhile, and mend it."""
    until(lambda: not caller.read()[0], "an answer of the index")
    usual = [caller.read()[2] for _ in range(5)]
    opened = caller.logged("index.down")
    degraded = []
    with store.broken(how):
        begun = time.perf_counter()
        while caller.logged("index.down") == opened:
            marked, context, seconds = caller.read()
            assert "P-0 is on shelf 0." in context
            if marked:
                degraded.append(seconds)
            assert time.perf_counter() - begun < PATIENCE
        took = time.perf_counter() - begun
        caller.write(writes)
        for number in range(caller.asked - 5, caller.asked):
            marked, context, seconds = caller.read(number)
            degraded.append(seconds)
            assert marked
            assert f"P-{number} is" in context  # acknowledged a moment ago, found by its words
    begun = time.perf_counter()
    until(lambda: not caller.read()[0], "an answer of the index after the outage")
    return Outage(usual, degraded, took, time.perf_counter() - begun)


def assert_nothing_lost(store: Store, server: Server, caller: Caller) -> None:
    """The queue drains, and the store itself has every turn."""
    until(lambda: caller.queued() == 0, "the queue to drain")
    codec = default_codec(384)
    clients = connect(f"http://127.0.0.1:{store.port}", None, read_timeout=60, write_timeout=60)
    encoder = caller.client.get("/readyz").json()["encoder"]
    index = QdrantIndex(clients, encoder, 384, codec, hot_bytes=1 << 30)
    with open_ledger(Settings(data=server.data)) as ledger, ledger.reading("default") as tx:
        scopes = [Scope("default", f"user{number}") for number in range(caller.users)]
        kept = {scope: [turn.id for turn in turns.stream(tx, scope)] for scope in scopes}
    assert sum(map(len, kept.values())) == caller.asked
    assert {scope: index.missing(scope, keys) for scope, keys in kept.items()} == {s: set() for s in scopes}
    index.close()


def outages(
    store: Store, start: Start, folder: Path, users: int, writes: int, **env: str
) -> tuple[dict[str, Outage], int]:
    """Run the service through every kind of outage; return what each was like, and turns written."""
    url = f"http://127.0.0.1:{store.proxy.port}"
    server = start(SATCHEL_QDRANT_URL=url, **env)
    caller = Caller(server.client(new_key(server.data)), folder / "log0", users)
    caller.write(TOGETHER * users)
    found = {how: outage(store, caller, how, writes) for how in FAULTS}
    assert_nothing_lost(store, server, caller)
    return found, caller.asked


def noted(found: dict[str, Outage], asked: int) -> str:
    """Return the figure."""
    extra = {how: max(each.degraded) - median(each.usual) for how, each in found.items()}
    slowest = ", ".join(f"{how} {seconds * 1000:.0f} ms" for how, seconds in extra.items())
    opened = max(each.opened for each in found.values())
    closed = max(each.closed for each in found.values())
    return (
        f"slowest degraded answer beyond the usual: {slowest}; breaker open after {opened:.2f} s at most, "
        f"answers of the index again {closed:.1f} s after mending at most; 0 of {asked:,} turns lost"
    )


def test_reads_and_writes_go_on(store: Store, start: Start, tmp_path: Path, reached: Reached) -> None:
    """Whatever happens to the store: degraded answers that have the turn, writes acknowledged, none lost."""
    # The store of the tests is slow where the machine is busy; how fast a read gives up is the drill's.
    found, asked = outages(
        store, start, tmp_path, USERS, 15, SATCHEL_QDRANT_READ_TIMEOUT="0.5", SATCHEL_QDRANT_WRITE_TIMEOUT="1"
    )

    reached(f"0 of {asked} turns lost in {len(found)} outages; every read was answered")
    assert asked == TOGETHER * USERS + 15 * len(FAULTS)
    assert all(each.degraded for each in found.values())


def test_a_replica_starts_without_the_store(store: Store, start: Start, tmp_path: Path) -> None:
    """It serves by words, says what is down, and opens the index when that answers."""
    store.proxy.network = Network.RESET
    server = start(
        SATCHEL_QDRANT_URL=f"http://127.0.0.1:{store.proxy.port}", SATCHEL_QDRANT_READ_TIMEOUT="0.5"
    )
    caller = Caller(server.client(new_key(server.data)), tmp_path / "log0", USERS)
    ready = caller.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert ready.json()["dependencies"] == {"ledger": "ok", "index": "not answering"}
    caller.write(TOGETHER * USERS)
    marked, context, _ = caller.read()
    assert marked
    assert "P-0 is on shelf 0." in context
    until(lambda: 'satchel_index_breaker_open{calls="writes"} 1.0' in metrics(caller), "the breaker to open")

    store.proxy.network = Network.FINE
    until(lambda: not caller.read()[0], "an answer of the index")
    assert_nothing_lost(store, server, caller)
    until(lambda: 'satchel_index_breaker_open{calls="writes"} 0.0' in metrics(caller), "the breaker to close")


def metrics(caller: Caller) -> str:
    """Return the service's metrics."""
    return caller.client.get("/metrics").text


@pytest.mark.drill
def test_ten_thousand_turns_through_four_outages(
    store: Store, start: Start, tmp_path: Path, reached: Reached
) -> None:
    """The demanded size, at the settings as shipped."""
    found, asked = outages(store, start, tmp_path, DRILL_USERS, 2_500)

    reached(noted(found, asked))
    assert asked >= 10_000


@pytest.mark.parametrize(
    "count",
    [
        200,
        pytest.param(1_000, marks=pytest.mark.drill),
        *(pytest.param(size, marks=pytest.mark.drill) for size in (10_000, 50_000)),
    ],
)
def test_the_ledger_is_searched_in_bounded_time(tmp_path: Path, count: int, reached: Reached) -> None:
    """However long a user's history is; a turn among the newest is found by its words."""
    scope, counter, codec = Scope("default", "ada", "s1"), TokenCounter(), default_codec(64)
    with open_ledger(Settings(data=tmp_path)) as ledger:
        for first in range(0, count, 1_000):
            new = [
                said(f"Parcel P-{number} is on shelf {number * 7 % 1000}, next to the paint for the boat.")
                for number in range(first, min(first + 1_000, count))
            ]
            with ledger.writing("default") as tx:
                turns.append(tx, scope, new, [20] * len(new))
        search = LedgerSearch(ledger, counter, codec, Limits())
        times = []
        for number in range(count - 60, count - 20):
            query = Query(f"Where is parcel P-{number}?")
            asked = [view(query.text, encoding(query.text), codec)]
            begun = time.perf_counter()
            found = search(scope, query, asked, session=None)
            times.append(time.perf_counter() - begun)
            best = found.candidates.turn[found.candidates.lexical[:, 0].argmax()]
            assert best == number + 1
    times.sort()
    reached(f"{count:,} turns: p50 {median(times) * 1000:.0f} ms, slowest {times[-1] * 1000:.0f} ms")
