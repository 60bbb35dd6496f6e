"""Intent, risk, routing, reviews and analytics over real HTTP and by command."""

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.serving import Server, new_key, run

WORRY = "i want to kill myself tonight, i have the pills here"


def post(client: httpx.Client, session: str, text: str) -> None:
    """Post one user turn."""
    turns = [{"role": "user", "content": text}]
    answer = client.post(f"/v1/sessions/{session}/turns", json={"user_id": "ada", "turns": turns})
    assert answer.status_code == 201, answer.text


def wait_for_review(client: httpx.Client) -> int:
    """Return the number of the open review, once the turn is encoded."""
    for _ in range(600):
        found = client.get("/v1/reviews").json()["reviews"]
        if found:
            return int(found[0]["id"])
        time.sleep(0.05)
    raise AssertionError("no review was opened")


def test_context_says_what_the_session_is_about(server: Server) -> None:
    """Intent with alternatives, a route with its reason, and no risk."""
    client = server.client(new_key(server.data))
    asked = "write a python function that merges two sorted lists, with unit tests"

    answer = client.post(
        "/v1/context", json={"user_id": "ada", "session_id": "s", "query": asked, "max_tokens": 100}
    )

    found = answer.json()
    assert (found["intent"]["label"], found["intent"]["group"]) == ("coding", "productivity")
    assert len(found["intent"]["alternatives"]) == 3
    assert found["route"]["target"] == "code"
    assert "coding" in found["route"]["reason"]
    assert found["risk"]["level"] == "none"


def test_a_flag_is_reviewed(server: Server) -> None:
    """From a worrying turn to a decision; the list shows no text, and only admins may look."""
    client = server.client(new_key(server.data))
    post(client, "s1", WORRY)
    number = wait_for_review(client)

    listed = client.get("/v1/reviews").text
    shown = client.get(f"/v1/reviews/{number}").json()
    decided = client.post(f"/v1/reviews/{number}/decision", json={"decision": "agree"})
    reader = server.client(new_key(server.data, rights=frozenset({"read"})))

    assert "pills" not in listed
    assert (shown["policy"], shown["escalate"]) == ("self_harm", True)
    assert "pills" in shown["text"]
    assert decided.json()["decision"] == "agree"
    assert client.get("/v1/reviews").json()["reviews"] == []
    assert client.get("/v1/sessions/s1").json()["risk"]["level"] in {"elevated", "high"}
    assert reader.get("/v1/reviews").status_code == 403
    assert client.get("/v1/reviews/999").status_code == 404


def test_reviews_and_reports_by_command(server: Server) -> None:
    """The commands read the same ledger, also while the service runs."""
    client = server.client(new_key(server.data))
    post(client, "s1", WORRY)
    number = wait_for_review(client)

    listed = run("reviews", "list", "--json", data=server.data)
    shown = run("reviews", "show", str(number), "--json", data=server.data)
    decided = run("reviews", "decide", str(number), "disagree", "--json", data=server.data)
    report = run("intents", "report", "--json", data=server.data)

    assert [item["id"] for item in json.loads(listed.stdout)["reviews"]] == [number]
    assert json.loads(shown.stdout)["policy"] == "self_harm"
    assert json.loads(decided.stdout)["decision"] == "disagree"
    assert json.loads(report.stdout)["intents"]["withheld_below"] == 5


def test_analytics_withhold_small_counts(server: Server) -> None:
    """One session is too few to show."""
    client = server.client(new_key(server.data))
    post(client, "s1", "plan my week please")

    found = client.get("/v1/analytics/intents").json()

    assert (found["intents"], found["sessions"]) == ([], 0)
    assert client.get("/v1/analytics/quality").json()["intents"] == []


def test_a_faulty_policy_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service doesn't start on a routing graph with a fault, and says which."""
    policy = tmp_path / "policy.toml"
    rule = '[[rules]]\nintents = ["coding"]\ntarget = "a"\n'
    policy.write_text(f'version = 1\nfallback = "nowhere"\n[targets.a]\n{rule}')
    monkeypatch.setenv("SATCHEL_ROUTING_POLICY", str(policy))

    done = run("serve", "--port", "0", data=tmp_path / "data")

    assert done.returncode != 0
    assert "nowhere" in done.stderr
