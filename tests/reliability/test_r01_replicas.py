"""R1 among replicas: each is killed in its turn under load; what any acknowledged, all of them know.

The index is shared over Qdrant's REST interface. Without QDRANT_URL one process with Qdrant's engine serves
it, which has no copies and never restarts; what is shown is how replicas behave, not how Qdrant does.
"""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.services import open_services
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import OnnxEncoder
from memory.ledger import keys, users
from memory.scope import Scope
from tests.cluster import Cluster, Replica, shared_index, sharing, started
from tests.conftest import A_MASTER_KEY
from tests.reliability.conftest import Reached
from tests.reliability.invariants import assert_same_turns
from tests.serving import Start

TENANTS = ("red", "blue")
SESSIONS = 3
# One turn of so many is purged again.
PURGED = 6
PATIENCE = 300


@dataclass
class Caller:
    """The backend of one user's assistant: writes, looks for it at once, purges; one after the other.

    kept and purged: text by the id that was acknowledged.
    """

    cluster: Cluster
    tenant: str
    user: str
    key: str
    kept: dict[str, str] = field(default_factory=dict)
    purged: dict[str, str] = field(default_factory=dict)
    receipts: list[str] = field(default_factory=list)
    asked: int = 0
    waited: int = 0

    @property
    def mark(self) -> str:
        """What every text of this user begins with, and nobody else's."""
        return f"{self.tenant}-{self.user}"

    def work(self, stop: threading.Event, seed: int) -> None:
        """Go on until told to stop."""
        dice = random.Random(seed)
        while not stop.is_set():
            self.write()
            if dice.randrange(PURGED) == 0:
                self.purge(dice.choice(list(self.kept)))

    def write(self) -> None:
        """Have one turn acknowledged; from then on every replica finds it."""
        number, self.asked = self.asked, self.asked + 1
        text = f"{self.mark}: parcel P-{number} is on shelf {number * 7 % 1000}."
        body = {"user_id": self.user, "turns": [{"role": "user", "content": text}]}
        path, once = f"/v1/sessions/{self.mark}-{number % SESSIONS}/turns", f"{self.mark}-{number}"
        while True:
            answer = self.cluster.ask(self.key, "POST", path, json=body, headers={"Idempotency-Key": once})
            if answer.response.status_code != 409:
                break
            # Its first try was cut off, and the database has not noticed yet.
            assert answer.cut or self.waited, answer.response.text
            self.waited += 1
            time.sleep(0.05)
        assert answer.response.status_code == 201, answer.response.text
        turn = answer.response.json()["turns"][0]["id"]
        self.kept[turn] = text
        assert turn in self.found(text, but=answer.replica)

    def purge(self, turn: str) -> None:
        """Have one turn purged; from then on no replica finds it."""
        answer = self.cluster.ask(self.key, "DELETE", f"/v1/turns/{turn}")
        text = self.kept.pop(turn)
        self.purged[turn] = text
        if answer.response.status_code == 404 and answer.cut:
            return  # the try that was cut off had done it; its receipt is lost, the purge is not
        assert answer.response.status_code == 202, answer.response.text
        self.receipts.append(answer.response.json()["receipt_id"])
        assert turn not in self.found(text, but=answer.replica)

    def found(self, text: str, but: Replica | None = None) -> list[str]:
        """Search for a text, if possible not on `but`; nothing of anybody else may be found."""
        body = {"user_id": self.user, "query": text, "top_k": 5}
        answer = self.cluster.ask(self.key, "POST", "/v1/search", but=but, json=body)
        assert answer.response.status_code == 200, answer.response.text
        return self.own(answer.response.json()["results"])

    def own(self, results: list[dict[str, str]]) -> list[str]:
        """Return the ids of what was found, all of this user's."""
        assert all(hit["text"].startswith(self.mark) for hit in results), "a foreign read"
        return [hit["turn_id"] for hit in results]

    def check(self) -> None:
        """All replicas say the same: what was acknowledged is there once, what was purged is not."""
        for answer in self.cluster.each(self.key, "GET", f"/v1/users/{self.user}/export"):
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert sorted((line["id"], line["content"]) for line in lines) == sorted(self.kept.items())
        for turn, text in self.kept.items():
            assert turn in self.found(text)
        for turn, text in self.purged.items():
            body = {"user_id": self.user, "query": text, "top_k": 5}
            for answer in self.cluster.each(self.key, "POST", "/v1/search", json=body):
                assert turn not in self.own(answer.json()["results"])

    def finished(self) -> None:
        """Wait until every receipt says that it is done, on each replica."""
        deadline = time.monotonic() + PATIENCE
        for receipt in self.receipts:
            while True:
                answers = [a.json() for a in self.cluster.each(self.key, "GET", f"/v1/purges/{receipt}")]
                if all(answer["status"] == "done" for answer in answers):
                    break
                assert time.monotonic() < deadline, answers
                time.sleep(0.1)
            assert answers == answers[:1] * len(answers), "replicas differ about a receipt"


def callers(cluster: Cluster, stored: Settings, count: int) -> list[Caller]:
    """Return a caller for each of `count` users of every tenant, who have the same names in all."""
    found = []
    with open_ledger(stored) as ledger:
        for tenant in TENANTS:
            with ledger.writing(tenant) as tx:
                users.ensure_tenant(tx, tenant)
                key = keys.create(tx, tenant)[1]
            found += [Caller(cluster, tenant, f"user{number}", key) for number in range(count)]
    return found


def kill_in_turn(cluster: Cluster, kills: int, every: float, working: list[Caller], seed: int) -> None:
    """Let all callers work, and every so many seconds kill the next replica."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(working)) as pool:
        futures = [pool.submit(one.work, stop, seed + place) for place, one in enumerate(working)]
        try:
            begun = time.monotonic()
            for number in range(kills):
                time.sleep(max(0.0, begun + every * (number + 1) - time.monotonic()))
                cluster.replicas[number % len(cluster.replicas)].kill()
            cluster.ready()
        finally:
            stop.set()
        for future in futures:
            future.result()


def drill(
    start: Start,
    database: str,
    folder: Path,
    encoder: OnnxEncoder,
    *,
    replicas: int,
    users_each: int,
    kills: int,
    every: float,
) -> str:
    """Kill replicas under load, and check all that was acknowledged; return the figure."""
    stored = {"database": database, "master_key": A_MASTER_KEY, "data": folder / "none"}
    with shared_index() as index:
        settings = Settings.model_validate(
            stored | {name.removeprefix("SATCHEL_").lower(): value for name, value in index.items()}
        )
        cluster = started(start, folder, sharing(database, index), replicas)
        working = callers(cluster, settings, users_each)
        kill_in_turn(cluster, kills, every, working, seed=1)
        for one in working:
            one.check()
            one.finished()
        with open_services(
            settings.model_copy(update={"qdrant_read_timeout": 60.0}), encoder=encoder
        ) as services:
            services.drain()
            for one in working:
                assert_same_turns(services, Scope(one.tenant, one.user))
    acknowledged = sum(one.asked for one in working)
    receipts = sum(len(one.receipts) for one in working)
    assert acknowledged > kills
    down = [ready - killed for replica in cluster.replicas for killed, ready in replica.downs]
    return (
        f"{replicas} replicas, {kills} kills, one every {every:g} s, ready again within {max(down):.1f} s: "
        f"{acknowledged:,} turns acknowledged, 0 lost, 0 twice, 0 foreign, each found at once on another "
        f"replica; {receipts} purges hold on all; {len(cluster.cuts)} of {cluster.requests:,} requests cut "
        "by a kill and sent again, 0 other errors"
    )


def test_a_replica_is_killed(
    start: Start, postgres: str, tmp_path: Path, encoder: OnnxEncoder, reached: Reached
) -> None:
    """Two replicas, one kill."""
    reached(drill(start, postgres, tmp_path, encoder, replicas=2, users_each=1, kills=1, every=2))


@pytest.mark.drill
def test_replicas_are_killed_for_three_minutes(
    start: Start, postgres: str, tmp_path: Path, encoder: OnnxEncoder, reached: Reached
) -> None:
    """Three replicas, one killed every 10 s."""
    reached(drill(start, postgres, tmp_path, encoder, replicas=3, users_each=2, kills=18, every=10))
