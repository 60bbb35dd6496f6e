"""Replicas over one ledger and one index, and a client that goes round them as a load balancer does."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import A_MASTER_KEY
from tests.qdrant.process import qdrant_process
from tests.qdrant.rest import scratch
from tests.serving import Server, Start

# What a connection of which the other end died comes to; a timeout is none of these.
CUT = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_AGAIN = 0.05


@contextmanager
def shared_index() -> Iterator[dict[str, str]]:
    """Yield settings for an index that processes share.

    It is on the server that QDRANT_URL names; without one, on Qdrant's engine in a process of its own.
    """
    if url := os.environ.get("QDRANT_URL"):
        yield {
            "SATCHEL_QDRANT_URL": url,
            "SATCHEL_QDRANT_API_KEY": os.environ.get("QDRANT_API_KEY", ""),
            "SATCHEL_QDRANT_COLLECTION": f"test-{uuid4().hex}",
        }
        return
    with scratch() as folder, qdrant_process(folder) as (_, port):
        yield {"SATCHEL_QDRANT_URL": f"http://127.0.0.1:{port}"}


def sharing(database: str, index: dict[str, str]) -> dict[str, str]:
    """Return the settings of a replica."""
    return {
        "SATCHEL_DATABASE": database,
        "SATCHEL_DATABASE_POOL": "8",
        "SATCHEL_MASTER_KEY": A_MASTER_KEY,
        # Nobody is sent away and nothing is given up: the index and the machine of the tests are slow.
        "SATCHEL_MAX_CONCURRENT": "16",
        "SATCHEL_BURST_SECONDS": "60",
        "SATCHEL_QDRANT_READ_TIMEOUT": "20",
        **index,
    }


@dataclass
class Replica:
    """One of the processes, again and again. downs: when it was killed, and when it was ready again."""

    start: Start
    data: Path
    env: dict[str, str]
    serving: bool = False
    downs: list[tuple[float, float]] = field(default_factory=list)
    _starting: threading.Thread = field(default_factory=threading.Thread)

    def begin(self) -> None:
        """Start it, and wait until it is ready."""
        self.server: Server = self.start(self.data, **self.env)
        self.client = self.server.client(None)
        self.serving = True

    def kill(self) -> None:
        """Kill it, and start it again without waiting for that."""
        self.ready()
        self.downs.append((time.monotonic(), float("inf")))
        self.server.kill()
        self._starting = threading.Thread(target=self._again)
        self._starting.start()

    def ready(self) -> None:
        """Wait until it is ready again."""
        if self._starting.ident:
            self._starting.join()
        assert self.server.process.poll() is None, "a replica ended by itself"

    def was_down(self, since: float, until: float) -> bool:
        """Tell whether it was being killed or started at some moment between these."""
        return any(killed <= until and since <= ready for killed, ready in self.downs)

    def _again(self) -> None:
        self.begin()
        self.downs[-1] = (self.downs[-1][0], time.monotonic())


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by which replica, and after how many cut connections."""

    response: httpx.Response
    replica: Replica
    cut: int


class Cluster:
    """Replicas behind a client that takes them in turn and leaves out one that doesn't answer."""

    def __init__(self, replicas: list[Replica]) -> None:
        self.replicas = replicas
        self.requests = 0
        self.cuts: list[str] = []
        self._turn = itertools.count()
        self._lock = threading.Lock()

    def ask(self, key: str, method: str, path: str, *, but: Replica | None = None, **more: Any) -> Answer:
        """Send a request until it is answered, each time to the next replica, if possible not to `but`.

        Only a connection that a kill cut is tried again; any other failure is raised.
        """
        headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
        for cut in itertools.count():
            replica = self._next(but)
            client, since = replica.client, time.monotonic()
            try:
                response = client.request(method, path, headers=headers, **more)
            except CUT as error:
                if not replica.was_down(since, time.monotonic()):
                    raise
                if client is replica.client:
                    replica.serving = False
                with self._lock:
                    self.cuts.append(type(error).__name__)
            else:
                with self._lock:
                    self.requests += 1
                return Answer(response, replica, cut)
        raise AssertionError

    def each(self, key: str, method: str, path: str, **more: Any) -> list[httpx.Response]:
        """Return what every replica answers."""
        headers = {"Authorization": f"Bearer {key}"}
        return [one.client.request(method, path, headers=headers, **more) for one in self.replicas]

    def ready(self) -> None:
        """Wait until all are."""
        for replica in self.replicas:
            replica.ready()

    def _next(self, but: Replica | None) -> Replica:
        while True:
            serving = [one for one in self.replicas if one.serving]
            others = [one for one in serving if one is not but] or serving
            if others:
                return others[next(self._turn) % len(others)]
            time.sleep(_AGAIN)


def started(start: Start, folder: Path, env: dict[str, str], count: int) -> Cluster:
    """Start so many replicas; none has anything in its data folder."""
    replicas = [Replica(start, folder / f"replica{number}", env) for number in range(count)]
    replicas[0].begin()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(Replica.begin, replicas[1:]))
    assert not any(replica.data.exists() for replica in replicas)
    return Cluster(replicas)
