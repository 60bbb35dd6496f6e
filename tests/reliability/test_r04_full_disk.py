"""R4: a disk that takes nothing more: no acknowledgement, nothing half kept, and back by itself."""

import resource
import time

import httpx
import pytest

from tests.reliability.conftest import Reached
from tests.serving import Server, new_key

BIG = "A longer note. " * 400


def post(client: httpx.Client, name: str, content: str) -> httpx.Response:
    """Post one turn."""
    turn = {"role": "user", "content": content, "id": name}
    return client.post("/v1/sessions/s1/turns", json={"user_id": "ada", "turns": [turn]})


def kept(client: httpx.Client) -> list[str]:
    """Return the names of all turns, in order."""
    answer = client.get("/v1/sessions/s1/turns", params={"limit": 500})
    assert answer.status_code == 200, answer.text
    return [turn["id"] for turn in answer.json()["turns"]]


@pytest.mark.parametrize("room", [0, 4096, 100_000])
def test_a_full_disk_takes_nothing_and_comes_back(server: Server, room: int, reached: Reached) -> None:
    """Files may grow by `room` bytes and no more: 507, and the session goes on when there is space again."""
    client = server.client(new_key(server.data))
    acknowledged = [f"before{number}" for number in range(3)]
    assert {post(client, name, "Something short.").status_code for name in acknowledged} == {201}
    largest = max(path.stat().st_size for path in server.data.glob("*.sqlite3*"))
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest + room, free[1]))

    refused = 0
    for number in range(40):
        answer = post(client, f"full{number}", BIG)
        if answer.status_code == 201:
            acknowledged.append(f"full{number}")
            continue
        assert answer.status_code == 507, answer.text
        refused += 1
    assert refused
    assert client.get("/healthz").status_code == 200
    assert kept(client) == acknowledged

    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
    deadline = time.monotonic() + 30
    while (answer := post(client, "after", "There is room again.")).status_code != 201:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    assert kept(client) == [*acknowledged, "after"]
    reached(f"{refused} of {refused} requests on a full disk answered 507; 0 kept in part")
