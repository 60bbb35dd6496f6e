"""`satchel migrate` as an operator uses it: there with an index on Qdrant, and back into a folder."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import EVERY_TENANT, turns
from tests.cluster import shared_index
from tests.conftest import A_MASTER_KEY
from tests.postgres import OWNER, Databases
from tests.serving import ROOT, SATCHEL, Start, new_key

TURNS = [f"The spare key of locker {number} hangs behind door {number * 7}." for number in range(40)]


@pytest.fixture(autouse=True)
def _master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATCHEL_MASTER_KEY", A_MASTER_KEY)


@pytest.fixture
def owner(databases: Databases, postgres: str) -> str:
    """The URL of the new database for the role that owns its tables."""
    return databases.url(sa.make_url(postgres).database or "", OWNER)


def _filled(start: Start, folder: Path) -> str:
    """Remember in a folder and stop; return the key."""
    server = start(folder)
    key = new_key(folder)
    body = {"user_id": "ada", "turns": [{"role": "user", "content": text} for text in TURNS]}
    client = server.client(key)
    assert client.post("/v1/sessions/s/turns", json=body).status_code == 201
    while client.get("/readyz").json()["queued"]:
        time.sleep(0.05)
    assert server.stop() == 0
    return key


def _migrate(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*SATCHEL, "migrate", "--json", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def _answer(start: Start, folder: Path, key: str, **env: str) -> dict[str, Any]:
    """Start a service, ask it, and stop it; return the context without what is new each time."""
    server = start(folder, **env)
    client = server.client(key)
    assert client.get("/readyz").json()["queued"] == 0, "vectors are made anew"
    asked = {"user_id": "ada", "query": "Where is the spare key of locker 23?", "max_tokens": 256}
    answer = client.post("/v1/context", json=asked).json()
    assert server.stop() == 0
    return {"ids": [item["turn_id"] for item in answer["items"]], "degraded": answer["quality"]["degraded"]}


def test_there_and_back_with_the_index(start: Start, postgres: str, owner: str, tmp_path: Path) -> None:
    """Both ways the index is copied and the same, and a service at each place answers alike."""
    here, back = tmp_path / "here", tmp_path / "back"
    key = _filled(start, here)
    before = _answer(start, here, key)
    with shared_index() as index:
        there = {"SATCHEL_DATABASE": postgres, "SATCHEL_QDRANT_READ_TIMEOUT": "20", **index}

        gone = _migrate(
            "--data", str(here), "--to", postgres, "--owner", owner, "--qdrant", index["SATCHEL_QDRANT_URL"]
        )
        assert gone.returncode == 0, gone.stderr
        assert json.loads(gone.stdout)["copied"] == len(TURNS)
        assert _answer(start, tmp_path / "none", key, **there) == before

        came = _migrate("--to", str(back), **there)
        assert came.returncode == 0, came.stderr
        assert json.loads(came.stdout)["copied"] == len(TURNS)
    assert _answer(start, back, key) == before


def test_killed_on_the_way_it_is_begun_again(start: Start, tmp_path: Path) -> None:
    """Nothing that counts is left at the new place, and the same command succeeds afterwards."""
    here, back = tmp_path / "here", tmp_path / "back"
    _filled(start, here)
    command = [*SATCHEL, "migrate", "--data", str(here), "--to", str(back)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        while not (back / ".moving").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert not (back / "ledger.sqlite3").exists()

    again = _migrate("--data", str(here), "--to", str(back))
    assert again.returncode == 0, again.stderr
    with open_ledger(Settings(data=back)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        assert len(list(turns.all_numbers(tx))) == len(TURNS)
