"""Bad requests get a clear problem, and nothing is lost or leaked."""

import json
import re

from tests.serving import Server, Start, new_key

TURN = {"role": "user", "content": "hello"}
POST = "/v1/sessions/s1/turns"


BAD = [
    (POST, {"user_id": "ada", "turns": []}, 422),
    (POST, {"user_id": "", "turns": [TURN]}, 422),
    (POST, {"user_id": "ada\n", "turns": [TURN]}, 422),
    (POST, {"turns": [TURN]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN], "extra": 1}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"role": "narrator"}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"content": "\ud800"}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"content": "a\x00b"}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"metadata": {"k": "\udfff"}}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"created_at": "2026-01-01T10:00:00"}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"created_at": "9999-12-31T23:59:59-10:00"}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN | {"content": "x" * 1_048_577}]}, 422),
    (POST, {"user_id": "ada", "turns": [TURN] * 1001}, 413),
    (POST, {"user_id": "ada", "turns": [TURN | {"id": "a"}, TURN | {"id": "a"}]}, 422),
    ("/v1/context", {"user_id": "ada", "max_tokens": 100}, 422),
    ("/v1/context", {"user_id": "ada", "query": "x", "max_tokens": 0}, 422),
    (
        "/v1/context",
        {"user_id": "ada", "query": "x", "max_tokens": 9, "at": "0001-01-01T00:00:00+01"},
        422,
    ),
    ("/v1/context", {"user_id": "ada", "query": "x", "max_tokens": 10, "scope": "all"}, 422),
    ("/v1/context", {"user_id": "ada", "query": "x", "max_tokens": 10, "scope": "session"}, 422),
    ("/v1/context", {"user_id": "ada", "query": "x", "messages": [TURN], "max_tokens": 10}, 422),
    ("/v1/context", {"query": "x", "max_tokens": 10}, 422),
    ("/v1/context", {"user_id": None, "query": "x", "max_tokens": 10}, 422),
    ("/v1/context", {"user_id": ["ada"], "query": "x", "max_tokens": 10}, 422),
    ("/v1/search", {"user_id": "ada", "query": "x", "top_k": 0}, 422),
    ("/v1/sessions/nope/events", {"type": "retry"}, 404),
]


def test_bad_requests(server: Server) -> None:
    """Each gets a problem of its own kind that says what was wrong; nothing is stored."""
    client = server.client(new_key(server.data))
    for path, body, status in BAD:
        answer = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        problem = answer.json()
        assert answer.status_code == status, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == status
        assert problem["detail"]
        assert problem["type"].startswith("urn:satchel:problem:")
    assert client.get("/v1/sessions/s1").status_code == 404


def test_malformed_bodies(server: Server) -> None:
    """Broken JSON and broken UTF-8 are the caller's fault, said so."""
    client = server.client(new_key(server.data))
    for body in (b"{", b'{"user_id": "\xff\xfe"}', b"[]", b"", b"null"):
        answer = client.post("/v1/context", content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["detail"]


def test_a_body_over_the_limit(start: Start) -> None:
    """Refused by its announced length, and by its real one where none is announced."""
    server = start(SATCHEL_MAX_BODY_BYTES="20000")
    client = server.client(new_key(server.data))
    body = json.dumps({"user_id": "ada", "turns": [TURN | {"content": "x" * 30000}]}).encode()

    announced = client.post(POST, content=body)
    streamed = client.post(POST, content=iter([body[:15000], body[15000:]]))

    assert announced.status_code == streamed.status_code == 413
    assert "20,000 bytes" in announced.json()["detail"]


def test_keys_and_rights(server: Server) -> None:
    """No key, a wrong one, a revoked one, one without the right: each is refused."""
    reader = server.client(new_key(server.data, rights=frozenset({"read"})))
    body = {"user_id": "ada", "turns": [TURN]}
    ask = {"user_id": "ada", "query": "x", "max_tokens": 100}

    assert server.client("sk_wrong").post("/v1/context", json=ask).status_code == 401
    assert server.client(None).post("/v1/context", json=ask).headers["www-authenticate"] == "Bearer"
    assert reader.post(POST, json=body).status_code == 403
    assert reader.delete("/v1/users/ada/memory").status_code == 403
    assert reader.post("/v1/context", json=ask).status_code == 200


def test_tenants_are_apart(server: Server) -> None:
    """A foreign id answers exactly as a missing one."""
    ours = server.client(new_key(server.data))
    theirs = server.client(new_key(server.data, tenant="other"))
    turn = ours.post(POST, json={"user_id": "ada", "turns": [TURN]}).json()["turns"][0]["id"]

    for path in ("/v1/sessions/{}", "/v1/sessions/{}/turns"):
        foreign, missing = theirs.get(path.format("s1")), theirs.get(path.format("s9"))
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text.replace("s1", "s9") == missing.text
    assert theirs.delete(f"/v1/turns/{turn}").status_code == 404
    assert theirs.get("/v1/users/ada/export").status_code == 404
    assert theirs.post(POST, json={"user_id": "ada", "turns": [TURN]}).status_code == 201
    assert ours.get("/v1/sessions/s1").json()["turns"] == 1


def test_a_session_belongs_to_one_user(server: Server) -> None:
    """Another user can neither write to it nor read by it."""
    client = server.client(new_key(server.data))
    client.post(POST, json={"user_id": "ada", "turns": [TURN]})

    assert client.post(POST, json={"user_id": "bob", "turns": [TURN]}).status_code == 409
    ask = {"user_id": "bob", "session_id": "s1", "query": "hello", "max_tokens": 200}
    client.post("/v1/sessions/b1/turns", json={"user_id": "bob", "turns": [TURN]})
    assert client.post("/v1/context", json=ask).status_code == 422


def test_every_answer_carries_its_request_id(server: Server) -> None:
    """Given ids are echoed where they are harmless, made where not."""
    client = server.client(new_key(server.data))

    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(client.get("/healthz").headers["x-request-id"]) == 32
    assert len(client.get("/nowhere", headers={"X-Request-Id": "a b"}).headers["x-request-id"]) == 32


def test_health_and_metrics_need_no_key(server: Server) -> None:
    """Probes have none."""
    client = server.client(None)

    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ready"
    assert "satchel_requests_total" in client.get("/metrics").text
    assert client.get("/openapi.json").json()["info"]["title"] == "Satchel"


def test_the_api_page_needs_nothing_from_elsewhere(server: Server) -> None:
    """Its scripts and styles come from the service itself."""
    client = server.client(None)
    page = client.get("/docs").text

    wanted = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert wanted
    assert all(client.get(path).status_code == 200 for path in wanted if path.startswith("/"))
    assert not [path for path in wanted if not path.startswith("/")]
