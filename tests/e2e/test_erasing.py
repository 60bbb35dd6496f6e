"""What an administrator erases, keeps and lets expire, over HTTP."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.serving import Server, Start, new_key


def remember(client: httpx.Client, user: str, session: str, source: str = "user") -> str:
    """Post a turn; return its id."""
    turn = {"role": "user", "content": f"{user} keeps bees in {session}.", "source": source}
    answer = client.post(f"/v1/sessions/{session}/turns", json={"user_id": user, "turns": [turn]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["turns"][0]["id"])


def kept(client: httpx.Client, session: str) -> bool:
    """Return whether anything is remembered of a session."""
    return client.get(f"/v1/sessions/{session}").status_code == 200


def finished(client: httpx.Client, receipt: str) -> dict[str, Any]:
    """Wait for a purge; return its receipt."""
    while (found := client.get(f"/v1/purges/{receipt}").json())["status"] == "running":
        time.sleep(0.02)
    assert found["status"] == "done", found
    return dict(found)


def purge(client: httpx.Client, *subjects: dict[str, str], dry_run: bool = False) -> list[dict[str, Any]]:
    """Erase many subjects, or ask what would be; return what became of each."""
    answer = client.post("/v1/purges", json={"subjects": subjects, "dry_run": dry_run})
    assert answer.status_code == (200 if dry_run else 202), answer.text
    return list(answer.json()["purges"])


def test_many_at_once(server: Server) -> None:
    """Each subject by itself: what is refused says why, and costs the others nothing."""
    client = server.client(new_key(server.data))
    for user in ("ada", "bob", "cy", "dee"):
        turn = remember(client, user, f"of-{user}", "import:crm" if user == "dee" else "user")
    other = remember(client, "cy", "more-of-cy")
    subjects = (
        {"user_id": "ada"},
        {"session_id": "of-bob"},
        {"turn_id": other},
        {"source": "import:crm"},
        {"user_id": "nobody"},
    )

    would = purge(client, *subjects, dry_run=True)
    assert [one["would_erase"]["turns"] for one in would[:4]] == [1, 1, 1, 1]
    assert kept(client, "of-ada")

    done = purge(client, *subjects)
    assert [one["kind"] for one in done] == ["user", "session", "turn", "source", "user"]
    assert done[4]["error"]["title"] == "NotFoundError"
    assert done[4]["receipt_id"] is None
    assert not any(kept(client, f"of-{user}") for user in ("ada", "bob"))
    assert kept(client, "of-cy")
    assert turn not in client.get("/v1/users/dee/export").text
    assert [finished(client, one["receipt_id"])["turns"] for one in done[:4]] == [1, 1, 1, 1]


def test_a_hold_forbids_it_until_it_is_lifted(server: Server) -> None:
    """By name, among many, and by source; the error says so. Only administrators may."""
    client = server.client(new_key(server.data))
    remember(client, "ada", "s1")
    remember(client, "bob", "s2")
    reader = server.client(new_key(server.data, rights=frozenset({"read", "write"})))
    assert reader.put("/v1/users/ada/hold", json={"reason": "no"}).status_code == 403

    put = client.put("/v1/users/ada/hold", json={"reason": "case 7"})
    assert (put.status_code, put.json()["reason"]) == (200, "case 7")
    for path in ("/v1/users/ada/memory", "/v1/sessions/s1", "/v1/sources/user"):
        refused = client.delete(path)
        assert (refused.status_code, "hold" in refused.text) == (409, True), refused.text
    assert client.delete("/v1/users/ada/memory", params={"dry_run": True}).json()["held"] is True
    among = purge(client, {"user_id": "ada"}, {"user_id": "bob"})
    assert [one["error"] is None for one in among] == [False, True]
    assert (kept(client, "s1"), kept(client, "s2")) == (True, False)
    assert [hold["user_id"] for hold in client.get("/v1/holds").json()["holds"]] == ["ada"]

    assert client.delete("/v1/users/ada/hold").status_code == 204
    assert client.delete("/v1/users/ada/hold").status_code == 404
    finished(client, client.delete("/v1/users/ada/memory").json()["receipt_id"])


def test_what_is_past_its_time_goes_by_itself(start: Start) -> None:
    """By a session's own date, and by the rules of a source; a hold keeps it; sweeps have receipts."""
    server = start(SATCHEL_SWEEP_SECONDS="0.2")
    client = server.client(new_key(server.data))
    remember(client, "ada", "dated")
    remember(client, "bob", "held")
    remember(client, "cy", "stays")
    remember(client, "cy", "fed", "import:feed")
    assert client.put("/v1/users/bob/hold", json={"reason": "case 8"}).status_code == 200
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    for session in ("dated", "held"):
        answer = client.put(f"/v1/sessions/{session}/expiry", json={"expires_at": past})
        assert answer.status_code == 200, answer.text
    rules = {"days": 365, "sources": {"import:feed": 0.00001}}
    assert client.put("/v1/retention", json=rules).status_code == 200

    while kept(client, "dated") or '"fed"' in client.get("/v1/users/cy/export").text:
        time.sleep(0.05)

    shown = client.get("/v1/retention").json()
    assert (shown["days"], shown["sources"]) == (365, rules["sources"])
    assert shown["last_sweep"]["held"] == 1
    assert (kept(client, "held"), kept(client, "stays")) == (True, True)
