"""The main job, over real HTTP."""

import json
import subprocess
import time
from typing import Any

import httpx

from memory.tokens import TokenCounter
from retrieval.rendering.render import parse
from tests.serving import Server, Start, new_key, run

CONVERSATION = [
    {"role": "user", "content": "We moved the Aurora launch to 14 May because the audit slipped."},
    {"role": "assistant", "content": "Noted: the Aurora launch is now on 14 May."},
    {"role": "user", "content": "My sister Ines is allergic to peanuts, so no satay at the party."},
    {"role": "assistant", "content": "Understood. I'll suggest a menu without peanuts."},
    {"role": "user", "content": "The importer failed with NX-4471 again on the staging machine."},
    {"role": "assistant", "content": "NX-4471 means that the schema file is older than the data."},
]


def remember(client: httpx.Client, user: str = "ada", session: str = "s1") -> list[str]:
    """Post the conversation; return the turns' ids."""
    answer = client.post(f"/v1/sessions/{session}/turns", json={"user_id": user, "turns": CONVERSATION})
    assert answer.status_code == 201, answer.text
    return [turn["id"] for turn in answer.json()["turns"]]


def ask(client: httpx.Client, query: str, **more: object) -> dict[str, Any]:
    """Ask for context."""
    answer = client.post("/v1/context", json={"user_id": "ada", "query": query, "max_tokens": 256} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_was_said_comes_back_when_it_is_needed(server: Server) -> None:
    """The right turns, in a fence, within the budget, with reasons and a report."""
    client = server.client(new_key(server.data))
    remember(client)

    found = ask(client, "When do we launch Aurora?")

    context = str(found["context"])
    assert "14 May" in context
    assert found["tokens"]["used"] == TokenCounter().count(context) <= 256
    assert [record.text for record in parse(context)] == [item["text"] for item in found["items"]]
    assert all(item["reason"] and 0 <= item["relevance"] <= 1 for item in found["items"])
    assert found["messages"] == [{"role": "user", "content": context}]
    assert 0 <= found["quality"]["expected_recall"] <= 1
    assert found["intent"]["abstained"] in (True, False)
    assert "total" in found["timings_ms"]


def test_a_turn_is_recalled_the_moment_it_is_acknowledged(server: Server) -> None:
    """No waiting for the index."""
    client = server.client(new_key(server.data))
    for number in range(20):
        body = {
            "user_id": "ada",
            "turns": [{"role": "user", "content": f"The code of door {number} is K{number}X9."}],
        }
        assert client.post(f"/v1/sessions/d{number}/turns", json=body).status_code == 201
        assert f"K{number}X9" in str(ask(client, f"code of door {number}: K{number}X9?")["context"])


def test_budgets_too_small_get_a_reason(server: Server) -> None:
    """An empty context, not an error."""
    client = server.client(new_key(server.data))
    remember(client)

    for budget in (1, 8, 40, 64, 100, 1000, 8192):
        found = ask(client, "launch", max_tokens=budget)
        assert found["tokens"]["used"] <= budget
        assert found["context"] or found["note"]


def test_the_first_start_prints_what_works(server: Server) -> None:
    """The printed commands run as they are."""
    commands = [line for line in server.printed if line.startswith("curl")]

    answers = [
        subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
        for line in commands
    ]

    assert '"seq":0' in answers[0].stdout
    assert "14 May" in answers[1].stdout


def test_search_sessions_export_and_purge(server: Server) -> None:
    """What was remembered can be listed, searched, taken out, and erased."""
    client = server.client(new_key(server.data))
    ids = remember(client)

    hits = client.post("/v1/search", json={"user_id": "ada", "query": "NX-4471", "top_k": 2}).json()[
        "results"
    ]
    assert {hit["turn_id"] for hit in hits} == set(ids[4:])
    sessions = client.get("/v1/sessions", params={"user_id": "ada"}).json()["sessions"]
    assert [(one["session_id"], one["turns"]) for one in sessions] == [("s1", 6)]
    turns = client.get("/v1/sessions/s1/turns", params={"limit": 4}).json()
    rest = client.get("/v1/sessions/s1/turns", params={"cursor": turns["next"]}).json()
    assert [turn["id"] for turn in turns["turns"] + rest["turns"]] == ids
    exported = client.get("/v1/users/ada/export").text
    assert len(exported.splitlines()) == 6
    theirs = server.client(new_key(server.data, tenant="other"))
    assert theirs.post("/v1/import", params={"user_id": "eve"}, content=exported).json() == {"turns": 6}
    taken = [json.loads(line) for line in theirs.get("/v1/users/eve/export").text.splitlines()]
    assert taken == [json.loads(line) for line in exported.splitlines()]
    assert theirs.post("/v1/import", content=exported).status_code == 422
    event = client.post("/v1/sessions/s1/events", json={"type": "retry", "turn_id": ids[0]})
    assert event.status_code == 201

    receipt = client.delete(f"/v1/turns/{ids[0]}").json()["receipt_id"]
    assert "slipped" not in str(ask(client, "Why was the launch moved?")["context"])
    assert finished(client, receipt)["turns"] == 1
    receipt = client.delete("/v1/users/ada/memory").json()["receipt_id"]
    assert ask(client, "launch")["context"] == ""
    assert finished(client, receipt)["status"] == "done"
    assert client.get("/v1/sessions/s1").status_code == 404
    assert client.delete("/v1/users/ada/memory").status_code == 404


def finished(client: httpx.Client, receipt: str) -> dict[str, Any]:
    """Wait for a purge."""
    for _ in range(500):
        found: dict[str, Any] = client.get(f"/v1/purges/{receipt}").json()
        if found["status"] != "running":
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_purged_bytes_are_gone_from_the_files(server: Server) -> None:
    """After `done` no file of the data folder holds the text."""
    client = server.client(new_key(server.data))
    canary = "heliotrope-canary-55172"
    body = {"user_id": "eve", "turns": [{"role": "user", "content": f"My word is {canary}."}]}
    client.post("/v1/sessions/e1/turns", json=body)
    remember(client)

    finished(client, client.delete("/v1/users/eve/memory").json()["receipt_id"])

    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert not [path for path in files if canary.encode() in path.read_bytes()]
    assert ask(client, "When do we launch Aurora?")["items"]


def test_the_same_request_twice_takes_effect_once(server: Server) -> None:
    """By Idempotency-Key and by turn id alike."""
    client = server.client(new_key(server.data))
    body = {"user_id": "ada", "turns": [{"role": "user", "content": "once"}]}
    once = {"Idempotency-Key": "k1"}

    first = client.post("/v1/sessions/s1/turns", json=body, headers=once)
    second = client.post("/v1/sessions/s1/turns", json=body, headers=once)
    other = client.post("/v1/sessions/s2/turns", json=body, headers=once)
    named = body | {"turns": [{"role": "user", "content": "named", "id": "t1"}]}
    changed = body | {"turns": [{"role": "user", "content": "changed", "id": "t1"}]}
    ids = [client.post("/v1/sessions/s1/turns", json=named).json()["turns"][0]["seq"] for _ in range(2)]

    assert first.content == second.content
    assert other.status_code == 409
    assert ids == [1, 1]
    assert client.post("/v1/sessions/s1/turns", json=changed).status_code == 409
    assert client.get("/v1/sessions/s1").json()["turns"] == 2


def test_stopping_and_starting_again_keeps_everything(start: Start, server: Server) -> None:
    """A stop is no failure, and everything is closed; the second start makes no second key."""
    key = new_key(server.data)
    remember(server.client(key))
    assert server.stop() == 0

    again = start()

    assert "14 May" in str(ask(again.client(key), "When do we launch?")["context"])
    assert not any("sk_" in line for line in again.printed)


def test_the_index_is_made_again_where_it_is_missing(start: Start, server: Server) -> None:
    """The ledger is the only source of truth."""
    key = new_key(server.data)
    remember(server.client(key))
    server.stop()
    for path in server.data.glob("index.sqlite3*"):
        path.unlink()

    again = start()

    assert "14 May" in str(ask(again.client(key), "When do we launch?")["context"])
    assert run("doctor", "--json", data=server.data).returncode == 0
