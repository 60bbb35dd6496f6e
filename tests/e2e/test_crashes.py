"""A purge after a crash; R1 of tests/reliability kills while turns go in."""

import time

from tests.serving import Server, Start, new_key


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
