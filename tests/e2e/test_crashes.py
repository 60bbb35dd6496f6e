"""What was acknowledged is there, whatever happens to the process."""

import random
import threading
import time
from collections import Counter

import httpx
import pytest

from tests.serving import Server, Start, new_key, run

FAST_ROUNDS = 20
DRILL_ROUNDS = 200
WRITERS = 4


def write_until_killed(server: Server, key: str, writer: int, tag: str, acknowledged: list[str]) -> None:
    """Post turns one after the other; note each id that was acknowledged."""
    with server.client(key) as client:
        for number in range(10_000):
            name = f"{tag}w{writer}n{number}"
            body = {
                "user_id": "ada",
                "turns": [{"role": "user", "content": f"Note {name} is kept.", "id": name}],
            }
            try:
                answer = client.post(f"/v1/sessions/s{writer}/turns", json=body)
            except httpx.TransportError:
                return
            assert answer.status_code == 201
            acknowledged.append(name)


def one_round(start: Start, key: str | None, tag: str, seed: random.Random) -> tuple[str, list[str]]:
    """Start, write from several threads, kill at a random moment; return what was acknowledged."""
    server = start()
    key = key or new_key(server.data)
    acknowledged: list[str] = []
    writers = [
        threading.Thread(target=write_until_killed, args=(server, key, writer, tag, acknowledged))
        for writer in range(WRITERS)
    ]
    for thread in writers:
        thread.start()
    time.sleep(seed.uniform(0, 0.5))
    server.kill()
    for thread in writers:
        thread.join()
    return key, acknowledged


def check(server: Server, key: str, acknowledged: list[str]) -> None:
    """Every acknowledged turn is there, once, in sequence, and found by search."""
    client = server.client(key)
    kept = [line for line in client.get("/v1/users/ada/export").text.splitlines() if line]
    names = Counter(line.split('"id":"', 1)[1].split('"', 1)[0] for line in kept)
    assert not [name for name in acknowledged if names[name] != 1]
    # A request that was cut off may have been stored without being acknowledged: one a writer and round.
    assert set(names.values()) <= {1}
    for writer in range(WRITERS):
        turns = client.get(f"/v1/sessions/s{writer}/turns", params={"limit": 500}).json().get("turns", [])
        assert [turn["seq"] for turn in turns] == list(range(len(turns)))
    for name in acknowledged:
        body = {"user_id": "ada", "query": f"Note {name}", "top_k": 3}
        found = [hit["turn_id"] for hit in client.post("/v1/search", json=body).json()["results"]]
        assert name in found, (name, found)


def kill_rounds(start: Start, rounds: int) -> None:
    """Kill and restart, again and again, on one data folder."""
    seed = random.Random(7)
    key: str | None = None
    everything: list[str] = []
    for number in range(rounds):
        key, acknowledged = one_round(start, key, f"r{number}", seed)
        everything += acknowledged
    assert key is not None
    server = start()
    check(server, key, everything)
    assert len(everything) > rounds


def test_killed_while_writing(start: Start) -> None:
    """Twenty kills: nothing acknowledged is lost, nothing is there twice, all of it is found."""
    kill_rounds(start, FAST_ROUNDS)


@pytest.mark.drill
def test_killed_while_writing_for_long(start: Start) -> None:
    """The same, two hundred times."""
    kill_rounds(start, DRILL_ROUNDS)


def test_a_second_process_exits_at_once(server: Server) -> None:
    """Its message names the holder; the first goes on."""
    begun = time.monotonic()
    second = run("serve", "--port", "0", data=server.data)

    assert second.returncode == 4
    assert f"in use by process {server.process.pid}" in second.stderr
    assert time.monotonic() - begun < 30  # at once, beside the time to start Python on a busy machine
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_stale_lock_needs_no_hand(start: Start, server: Server) -> None:
    """After a kill the next start takes the folder."""
    server.kill()
    assert (server.data / "lock").exists()

    assert httpx.get(f"{start().url}/readyz").status_code == 200


def test_a_purge_that_was_cut_off_goes_on(start: Start, server: Server) -> None:
    """Killed right after the receipt was given, it is done after the next start."""
    key = new_key(server.data)
    client = server.client(key)
    turns = [{"role": "user", "content": f"Secret number {i}."} for i in range(300)]
    client.post("/v1/sessions/s1/turns", json={"user_id": "eve", "turns": turns})
    receipt = client.delete("/v1/users/eve/memory").json()["receipt_id"]
    server.kill()

    again = start().client(key)
    for _ in range(500):
        found = again.get(f"/v1/purges/{receipt}").json()
        if found["status"] == "done":
            break
        time.sleep(0.02)

    assert found["status"] == "done"
    assert again.get("/v1/users/eve/export").status_code == 404
