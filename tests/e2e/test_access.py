"""Who may do what, over real HTTP: keys of one user, tokens, quotas."""

import json
import sqlite3

import httpx

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import keys
from memory.limits import Limits
from tests.serving import Server, new_key, run

TURN = {"role": "user", "content": "The canary is called Heliotrope."}


def bound_client(server: Server, user: str, limits: Limits | None = None) -> httpx.Client:
    """Return a client whose key reaches one user."""
    with open_ledger(Settings(data=server.data)) as ledger, ledger.writing("default") as tx:
        rights = frozenset({"read", "write"})
        secret = keys.create(tx, "default", rights, user=user, limits=limits or Limits())[1]  # type: ignore[arg-type]
    return server.client(secret)


def test_a_key_of_one_user_reaches_no_other(server: Server) -> None:
    """Whatever way leads to memory: the other's is missing or refused, and the words never come."""
    admin, bob = server.client(new_key(server.data)), bound_client(server, "bob")
    admin.post("/v1/sessions/s1/turns", json={"user_id": "ada", "turns": [TURN]})
    line = '{"user_id": "ada", "session_id": "s1", "role": "user", "content": "planted"}'

    answers = [
        bob.post("/v1/context", json={"user_id": "ada", "query": "canary", "max_tokens": 500}),
        bob.post("/v1/search", json={"user_id": "ada", "query": "canary"}),
        bob.get("/v1/sessions", params={"user_id": "ada"}),
        bob.get("/v1/users/ada/export"),
        bob.post("/v1/sessions/x/turns", json={"user_id": "ada", "turns": [TURN]}),
        bob.post("/v1/import", content=line),
        bob.delete("/v1/users/ada/memory"),
        bob.get("/v1/reviews"),
        bob.get("/v1/analytics/intents"),
    ]
    for path in ("/v1/sessions/{}", "/v1/sessions/{}/turns"):
        foreign, missing = bob.get(path.format("s1")), bob.get(path.format("s9"))
        assert foreign.status_code == 404
        assert foreign.text.replace("s1", "s9") == missing.text
    event = bob.post("/v1/sessions/s1/events", json={"type": "retry"})

    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert event.status_code == 404
    assert "Heliotrope" not in "".join(answer.text for answer in [*answers, event])
    assert bob.post("/v1/sessions/b1/turns", json={"user_id": "bob", "turns": [TURN]}).status_code == 201
    assert bob.get("/v1/sessions/b1").status_code == 200
    assert admin.get("/v1/sessions/s1").json()["turns"] == 1


def test_a_full_quota(server: Server) -> None:
    """429 that says so; nothing of the request is kept; what is there already may be sent again."""
    client = bound_client(server, "bob", Limits(user_turns=2))
    once = {"user_id": "bob", "turns": [TURN | {"id": "t1"}, TURN | {"id": "t2"}]}
    assert client.post("/v1/sessions/b1/turns", json=once).status_code == 201

    full = client.post("/v1/sessions/b2/turns", json={"user_id": "bob", "turns": [TURN]})

    assert full.status_code == 429
    assert full.json()["title"] == "Quota"
    assert int(full.headers["retry-after"]) > 0
    assert client.get("/v1/sessions/b2").status_code == 404
    assert client.post("/v1/sessions/b1/turns", json=once).status_code == 201


def test_nothing_is_read_of_a_stranger(server: Server) -> None:
    """A body that is no JSON gets 401 without a key: it is never looked at; of two keys none counts."""
    key = new_key(server.data)
    stranger = server.client(None)
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", "Bearer sk_other")]

    assert stranger.post("/v1/context", content=b"{").status_code == 401
    assert stranger.get("/v1/nowhere").status_code == 401
    assert stranger.get("/v1/sessions?user_id=ada", headers=twice).status_code == 401


def test_a_key_that_asks_too_often(server: Server) -> None:
    """429 that says when to come back; other keys and the probes go on."""
    client, other = bound_client(server, "bob", Limits(rate=0.5, burst=3)), bound_client(server, "eve")
    ask = ("/v1/sessions", {"user_id": "bob"})

    answers = [client.get(ask[0], params=ask[1]) for _ in range(8)]

    codes = [answer.status_code for answer in answers]
    assert codes[:3] == [200] * 3
    assert codes[-1] == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    assert "0.5 requests a second" in answers[-1].json()["detail"]
    assert other.get("/v1/sessions", params={"user_id": "eve"}).status_code == 200
    assert client.get("/readyz").status_code == 200
    assert "satchel_requests_refused_total" in client.get("/metrics").text


def test_keys_rotate_and_the_audit_tells(server: Server) -> None:
    """By command, beside the running service: both keys work, and the log has every step, without names."""
    old = json.loads(run("keys", "create", "--json", data=server.data).stdout)
    new = json.loads(run("keys", "rotate", old["id"], "--hours", "1", "--json", data=server.data).stdout)
    for key in (old["key"], new["key"]):
        body = {"user_id": "ada-lovelace", "turns": [TURN]}
        assert server.client(key).post("/v1/sessions/s1/turns", json=body).status_code == 201
    assert server.client(new["key"]).get("/v1/users/ada-lovelace/export").status_code == 200
    run("keys", "revoke", old["id"], data=server.data)

    assert server.client(old["key"]).get("/v1/sessions?user_id=ada-lovelace").status_code == 401
    lines = json.loads(run("audit", "list", "--json", data=server.data).stdout)["lines"]
    actions = [line["action"] for line in lines]
    assert actions[-5:] == ["key.create", "key.create", "key.rotate", "memory.export", "key.revoke"]
    assert "lovelace" not in json.dumps(lines)
    checked = run("audit", "verify", "--json", data=server.data)
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["chains"][0]["head"] == lines[-1]["hash"]
    with sqlite3.connect(server.data / "ledger.sqlite3") as database:
        database.execute("DROP TRIGGER audit_is_kept")
        database.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    database.close()
    changed = run("audit", "verify", data=server.data)
    assert changed.returncode == 4
    assert "breaks at line 2" in changed.stderr
