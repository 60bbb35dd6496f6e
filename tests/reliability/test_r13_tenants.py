"""R13: whatever a tenant sends to whatever endpoint, nothing of another comes back, nor goes to the log."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.services import open_services
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import OnnxEncoder
from memory.ledger import keys
from memory.ledger.tenancy import EVERY_TENANT
from tests.reliability.conftest import Reached
from tests.reliability.wild import Operation, Wild, operations

# Marks are in contents (canary) and in names (mark); no request but the owner's first ones holds a canary.
_MARK = re.compile(r"(?:canary|mark)[0-9a-f]{8}")


@dataclass
class Tenant:
    """A tenant, its keys, its marks, and the names by which its memory is known."""

    name: str
    mark: str
    keys: list[str]
    names: dict[str, list[str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)  # others' names that it used itself, as names of its own


@contextmanager
def opened(data: Path, encoder: OnnxEncoder) -> Iterator[TestClient]:
    """The application in this process, whole, with room for one request at a time and no rate."""
    settings = Settings(data=data)
    app = create_app(settings, opening=lambda settings: open_services(settings, encoder=encoder))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def settle(client: TestClient, data: Path, count: int) -> list[Tenant]:
    """Make tenants that all call their user and session the same, and some by names of their own."""
    tenants = []
    with open_ledger(Settings(data=data)) as ledger, ledger.writing(EVERY_TENANT) as tx:
        for number in range(count):
            name = f"t{number}"
            bound = keys.create(tx, name, frozenset({"read", "write"}), user="ada")[1]
            tenants.append(Tenant(name, f"{number:08x}", [keys.create(tx, name)[1]] * 3 + [bound]))
    for tenant in tenants:
        own = f"mark{tenant.mark}"
        turns = []
        for user, session in (("ada", "s1"), (f"u-{own}", f"s-{own}")):
            said = {"role": "user", "content": f"The canary{tenant.mark} is what nobody else may read."}
            body = {"user_id": user, "turns": [said | {"id": f"{session}-{own}"}]}
            answer = client.post(f"/v1/sessions/{session}/turns", json=body, headers=bearer(tenant.keys[0]))
            assert answer.status_code == 201, answer.text
            turns.append(answer.json()["turns"][0]["id"])
        receipt = client.delete(f"/v1/turns/{turns[0]}", headers=bearer(tenant.keys[0])).json()["receipt_id"]
        tenant.names = {
            "user_id": ["ada", f"u-{own}"],
            "session_id": ["s1", f"s-{own}"],
            "turn_id": turns,
            "receipt_id": [receipt],
            "review_id": ["1", "2", "7"],
            "source": ["user", f"import:{own}"],
            "cursor": ["0", "1", "9", "400"],
        }
    return tenants


def bearer(key: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"Authorization": f"Bearer {key}"}


def pool(mine: Tenant, others: list[Tenant], operation: Operation) -> dict[str, list[str]]:
    """Return the names to try: others', nobody's, and one's own unless they would be erased."""
    found = {}
    erases = operation.method == "DELETE" or operation.path.startswith("/v1/purges")
    for key in mine.names:
        theirs = [name for one in others for name in one.names[key] if name not in mine.names[key]]
        found[key] = theirs + ["nobody"] + ([] if erases else mine.names[key] * 2)
    # Purges in bulk call what they erase `name`, whatever it is; turns are looked for under `id` too.
    found["name"] = [name for key in ("user_id", "session_id", "turn_id") for name in found[key]]
    found["id"] = [name for name in found["turn_id"] if name not in mine.names["turn_id"]]
    return found


def fuzz(client: TestClient, tenants: list[Tenant], count: int, seed: int) -> dict[str, Any]:
    """Send requests; return how many went to each operation, and every leak, with what it answered."""
    schema = client.get("/openapi.json").json()
    every = list(operations(schema))
    wild = Wild(schema, seed)
    rng = wild._random  # noqa: SLF001 - one seed for all
    statuses: dict[str, int] = {}
    asked: dict[str, int] = {f"{one.method} {one.path}": 0 for one in every}
    leaks = []
    for _ in range(count):
        mine, operation = rng.choice(tenants), rng.choice(every)
        names = pool(mine, rng.sample(tenants, 3), operation)
        request = wild.request(operation, names, [one.name for one in tenants[:5]])
        headers = request.headers | bearer(rng.choice(mine.keys)) if rng.random() > 0.03 else request.headers
        answer = client.request(
            request.method, request.url, params=request.params, headers=headers, content=request.content
        )
        asked[f"{operation.method} {operation.path}"] += 1
        statuses[str(answer.status_code)] = statuses.get(str(answer.status_code), 0) + 1
        mine.sent |= set(_MARK.findall(request.sent))
        foreign = (
            seen(f"{answer.text}{dict(answer.headers)}")
            - {f"canary{mine.mark}", f"mark{mine.mark}"}
            - mine.sent
        )
        if foreign or answer.status_code >= 500 or ("Authorization" not in headers and answer.is_success):
            leaks.append((operation.path, request, answer.status_code, answer.text[:500], foreign))
    return {"asked": asked, "statuses": statuses, "leaks": leaks}


def seen(answer: str) -> set[str]:
    """Return the marks in an answer."""
    return set(_MARK.findall(answer))


def check(client: TestClient, tenants: list[Tenant], found: dict[str, Any], log: str) -> None:
    """Nothing leaked, into no answer and no log; every operation was reached; all memory is still there."""
    assert found["leaks"] == []
    assert min(found["asked"].values()) > 0, found["asked"]
    assert not re.findall(r"canary[0-9a-f]{8}", log)
    assert not [tenant.keys[0] for tenant in tenants if tenant.keys[0] in log]
    for tenant in tenants:
        kept = client.get(f"/v1/users/u-mark{tenant.mark}/export", headers=bearer(tenant.keys[0]))
        assert f"canary{tenant.mark}" in kept.text


def test_nothing_of_another_comes_back(
    tmp_path: Path, encoder: OnnxEncoder, capfd: pytest.CaptureFixture[str], reached: Reached
) -> None:
    """Twenty tenants, six hundred requests over every operation of the schema."""
    with opened(tmp_path / "data", encoder) as client:
        tenants = settle(client, tmp_path / "data", 20)
        found = fuzz(client, tenants, 600, seed=13)
        out, err = capfd.readouterr()
        check(client, tenants, found, out + err)
    reached(f"0 leaks in 600 requests of 20 tenants over {len(found['asked'])} operations")


@pytest.mark.drill
def test_nothing_of_another_comes_back_in_a_hundred_thousand(
    tmp_path: Path, encoder: OnnxEncoder, capfd: pytest.CaptureFixture[str], reached: Reached
) -> None:
    """Two hundred tenants, a hundred thousand requests."""
    with opened(tmp_path / "data", encoder) as client:
        tenants = settle(client, tmp_path / "data", 200)
        found = fuzz(client, tenants, 100_000, seed=13)
        out, err = capfd.readouterr()
        check(client, tenants, found, out + err)
    print(json.dumps({"statuses": found["statuses"], "asked": found["asked"]}, indent=1))  # noqa: T201
    reached(f"0 leaks in 100,000 requests of 200 tenants over {len(found['asked'])} operations")


@dataclass(frozen=True, slots=True)
class Named:
    """An operation with a name in its path, of which a tenant has none that another has."""

    operation: Operation
    parameter: str
    body: dict[str, str | None] | None

    def ask(self, client: TestClient, key: str, name: str) -> Any:
        """Ask about a name."""
        path = self.operation.path.replace("{" + self.parameter + "}", name)
        return client.request(self.operation.method, path, json=self.body, headers=bearer(key))


def named(client: TestClient, tenant: Tenant) -> Iterator[Named]:
    """Yield the operations that find something by a name in their path."""
    bodies: dict[str, dict[str, str | None]] = {
        "/events": {"type": "retry"},
        "/decision": {"decision": "agree"},
        "/expiry": {"expires_at": None},
    }
    for operation in operations(client.get("/openapi.json").json()):
        parameters = [name for name in tenant.names if "{" + name + "}" in operation.path]
        if not parameters or (operation.method in ("PUT", "POST") and "{user_id}" in operation.path):
            continue
        body = next((body for end, body in bodies.items() if operation.path.endswith(end)), None)
        if operation.method != "POST" or body is not None:
            yield Named(operation, parameters[0], body)


def test_a_foreign_id_answers_as_a_missing_one(tmp_path: Path, encoder: OnnxEncoder) -> None:
    """Every operation with a name in its path: status and body are equal but for the name itself."""
    with opened(tmp_path / "data", encoder) as client:
        one, other = settle(client, tmp_path / "data", 2)
        compared = []
        for each in named(client, other):
            foreign, missing = other.names[each.parameter][-1], "nobody"
            if each.parameter == "review_id":
                foreign, missing = "1", "2"
            assert foreign not in one.names[each.parameter] or each.parameter == "review_id"
            answers = [each.ask(client, one.keys[0], name) for name in (foreign, missing)]
            compared.append(each.operation.path)
            assert answers[0].status_code == answers[1].status_code, each
            assert answers[0].text.replace(foreign, missing) == answers[1].text, each
        assert len(compared) >= 8, compared
