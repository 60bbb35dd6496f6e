"""Two services over one PostgreSQL ledger and one index."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import EVERY_TENANT, keys
from memory.ledger.schema import users
from tests.cluster import shared_index, sharing
from tests.conftest import A_MASTER_KEY
from tests.serving import Start

TURNS = 200


def test_a_stopped_replica_leaves_nothing_undone(start: Start, postgres: str, tmp_path: Path) -> None:
    """It answers what it was asked and exits with 0; the other one indexes what it had in hand."""
    stored = Settings.model_validate({"database": postgres, "master_key": A_MASTER_KEY, "data": tmp_path})
    with open_ledger(stored) as ledger, ledger.writing("default") as tx:
        key = keys.create(tx, "default")[1]
    turns = [{"role": "user", "content": f"Note {number}."} for number in range(TURNS)]
    body = {"user_id": "ada", "turns": turns}

    with shared_index() as index, ThreadPoolExecutor() as pool:
        one, two = (start(tmp_path / name, **sharing(postgres, index)) for name in ("one", "two"))
        asking = one.client(key)
        asking.get("/healthz")  # so that the connection is there when the replica is told to stop
        asked = pool.submit(asking.post, "/v1/sessions/s/turns", json=body)
        time.sleep(0.02)  # it is being worked on

        assert one.stop() == 0
        assert asked.result().status_code == 201
        listed = two.client(key).get("/v1/sessions/s/turns", params={"limit": 500}).json()["turns"]
        assert len(listed) == TURNS
        with open_ledger(stored) as ledger:
            for _ in range(600):
                with ledger.reading(EVERY_TENANT) as tx:
                    held = list(tx.scalars(users.select().with_only_columns(users.c.claimed_by)))
                if two.client(key).get("/readyz").json()["queued"] == 0 and held == [None]:
                    break
                time.sleep(0.05)
        assert held == [None]
        assert two.client(key).get("/readyz").json()["queued"] == 0
