"""R7: a request that is sent again, also while it still runs, also to another replica, counts once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from api.stores import open_ledger
from memory.errors import IdempotencyError
from memory.ledger import EVERY_TENANT, Ledger, idempotency, keys
from memory.ledger.idempotency import Once
from tests.cluster import shared_index
from tests.reliability.conftest import Reached
from tests.serving import Server, Start

RETRIES = 5


class Replicas:
    """Services over one ledger: two on PostgreSQL with an index that they share, one on SQLite."""

    def __init__(self, start: Start, stored: Settings, folder: Path, index: dict[str, str]) -> None:
        self._env: dict[str, str] = {}
        self._start, self._folder = start, folder
        self._folders = count()
        if stored.database is not None and stored.master_key is not None:
            self._env = index | {
                "SATCHEL_DATABASE": stored.database.get_secret_value(),
                "SATCHEL_MASTER_KEY": stored.master_key.get_secret_value(),
            }
        with open_ledger(stored) as ledger, ledger.writing("default") as tx:
            self.key = keys.create(tx, "default")[1]
        self._data = stored.data
        self.running = [self._started() for _ in range(2 if self._env else 1)]
        self.kills = 0

    def _started(self) -> Server:
        data = self._folder / f"replica{next(self._folders)}" if self._env else self._data
        return self._start(data, **self._env)

    def post(self, client: httpx.Client, number: int, name: str, content: str) -> httpx.Response:
        """Post a turn to one of them."""
        server = self.running[number % len(self.running)]
        body = {"user_id": f"user{name[-1]}", "turns": [{"role": "user", "content": content}]}
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": name}
        return client.post(f"{server.url}/v1/sessions/s{name[-1]}/turns", json=body, headers=headers)

    @contextmanager
    def killed_now_and_then(self) -> Iterator[None]:
        """Kill one and start another in its place, again and again."""
        over, seed = threading.Event(), random.Random(7)

        def kill() -> None:
            while not over.wait(seed.uniform(2, 5)):
                place = seed.randrange(len(self.running))
                self.running[place].kill()
                self.kills += 1
                self.running[place] = self._started()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            yield
        finally:
            over.set()
            killer.join()


def answered(replicas: Replicas, client: httpx.Client, number: int, name: str, seen: Counter[int]) -> bytes:
    """Send a request until it is answered with 201, as a client that retries does; return the answer."""
    for attempt in range(1000):
        try:
            answer = replicas.post(client, number + attempt, name, f"words of {name}")
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        seen[answer.status_code] += 1
        if answer.status_code == 201:
            return answer.content
        assert answer.status_code in {409, 429, 503}, answer.text
        time.sleep(0.02)
    raise AssertionError(f"{name} was never answered")


def sent_again_and_again(replicas: Replicas, names: list[str]) -> Counter[int]:
    """Send each request five times at once; all five get the same answer."""
    seen: Counter[int] = Counter()
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(10) as threads:
        jobs = {
            (name, number): threads.submit(answered, replicas, client, number, name, seen)
            for name in names
            for number in range(RETRIES)
        }
        for name in names:
            assert len({jobs[name, number].result() for number in range(RETRIES)}) == 1, name
    return seen


def check_kept(replicas: Replicas, names: list[str]) -> None:
    """Each was remembered once, and its key stands for no other request."""
    with httpx.Client(timeout=30) as client:
        other = replicas.post(client, 0, names[0], "other words")
        assert other.status_code == 409
        kept = Counter(turn["content"] for digit in range(10) for turn in _turns(replicas, client, digit))
    assert kept == Counter({f"words of {name}": 1 for name in names})


def _turns(replicas: Replicas, client: httpx.Client, digit: int) -> list[dict[str, str]]:
    url = f"{replicas.running[0].url}/v1/sessions/s{digit}/turns"
    page = client.get(url, params={"limit": 500}, headers={"Authorization": f"Bearer {replicas.key}"}).json()
    assert "next" not in page or page["next"] is None
    return list(page.get("turns", []))


@pytest.fixture
def replicas(start: Start, stored: Settings, tmp_path: Path) -> Iterator[Replicas]:
    """Running services with a key."""
    with shared_index() as index:
        yield Replicas(start, stored, tmp_path, index)


def test_twenty_requests_five_times_each(replicas: Replicas, reached: Reached) -> None:
    """Each is remembered once, and all five get the same bytes."""
    names = [f"key-{number}" for number in range(20)]
    seen = sent_again_and_again(replicas, names)
    check_kept(replicas, names)

    reached(f"20 keys × 5 at once to {len(replicas.running)} replicas: 20 turns, {seen[409]} × 409")


@pytest.mark.drill
def test_a_thousand_requests_five_times_each_with_kills(replicas: Replicas, reached: Reached) -> None:
    """The same under kills."""
    names = [f"key-{number}" for number in range(1000)]
    with replicas.killed_now_and_then():
        sent_again_and_again(replicas, names)
    check_kept(replicas, names)

    reached(f"1,000 keys × 5 to {len(replicas.running)} replicas, {replicas.kills} kills: 1,000 turns")


@pytest.mark.parametrize("stored", ["postgresql"], indirect=True)
def test_one_in_flight_is_said_to_be(ledger: Ledger) -> None:
    """While a transaction holds a key, another with it is refused, and one with another key is not."""
    once = Once("default", "k", b"request")
    with ledger.writing(EVERY_TENANT) as tx:
        assert idempotency.reserve(tx, once) is None
        with ledger.writing(EVERY_TENANT) as meanwhile, pytest.raises(IdempotencyError, match="still runs"):
            idempotency.reserve(meanwhile, once)
        with ledger.writing(EVERY_TENANT) as meanwhile:
            assert idempotency.reserve(meanwhile, Once("default", "k2", b"request")) is None
    with ledger.writing(EVERY_TENANT) as tx:
        assert idempotency.reserve(tx, once) is None
