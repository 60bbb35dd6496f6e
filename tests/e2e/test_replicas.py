"""Two services over one PostgreSQL ledger."""

import signal
import time
from pathlib import Path

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import EVERY_TENANT, keys
from memory.ledger.schema import users
from tests.conftest import A_MASTER_KEY
from tests.serving import Start


def test_a_stopped_replica_leaves_nothing_undone(start: Start, postgres: str, tmp_path: Path) -> None:
    """What it acknowledged the other one knows at once, and indexes long before a claim would lapse."""
    env = {"SATCHEL_DATABASE": postgres, "SATCHEL_MASTER_KEY": A_MASTER_KEY}
    stored = Settings.model_validate({"database": postgres, "master_key": A_MASTER_KEY, "data": tmp_path})
    with open_ledger(stored) as ledger, ledger.writing("default") as tx:
        key = keys.create(tx, "default")[1]
    one, two = (start(tmp_path / name, **env) for name in ("one", "two"))
    turns = [{"role": "user", "content": f"Note {number}."} for number in range(200)]
    body = {"user_id": "ada", "turns": turns}
    assert one.client(key).post("/v1/sessions/s/turns", json=body).status_code == 201

    assert one.stop() in {0, -signal.SIGTERM}  # uvicorn closes everything, then ends by the signal

    listed = two.client(key).get("/v1/sessions/s/turns", params={"limit": 500}).json()["turns"]
    assert len(listed) == len(turns)
    with open_ledger(stored) as ledger:
        for _ in range(600):
            with ledger.reading(EVERY_TENANT) as tx:
                held = list(tx.scalars(users.select().with_only_columns(users.c.claimed_by)))
            if two.client(key).get("/readyz").json()["queued"] == 0 and held == [None]:
                break
            time.sleep(0.05)
    assert held == [None]
    assert two.client(key).get("/readyz").json()["queued"] == 0
