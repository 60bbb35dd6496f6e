"""The data folder and a purge after a crash; R1 of tests/reliability kills while turns go in."""

import time

import httpx

from tests.serving import Server, Start, new_key, run


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
