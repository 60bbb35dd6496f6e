"""R13: the time of an answer tells nothing of others: a foreign name is as quick as a missing one."""

import time
from pathlib import Path
from statistics import median

import pytest
from fastapi.testclient import TestClient

from memory.encoders import OnnxEncoder
from tests.reliability.conftest import Reached
from tests.reliability.test_r13_tenants import Named, Tenant, bearer, named, opened, settle

# Of what the other remembers: so much that looking through it would show.
TURNS = 2000


def ratios(client: TestClient, one: Tenant, other: Tenant, pairs: int) -> dict[str, float]:
    """Return for each operation the time of a foreign name beside that of a missing one, in the median."""
    return {
        f"{each.operation.method} {each.operation.path}": _ratio(client, one, other, each, pairs)
        for each in named(client, other)
        if each.parameter != "review_id"  # numbers: nobody has one here
    }


def _ratio(client: TestClient, one: Tenant, other: Tenant, each: Named, pairs: int) -> float:
    foreign = other.names[each.parameter][-1]
    missing = foreign[:-4] + "none"
    seconds: dict[str, list[float]] = {foreign: [], missing: []}
    for number in range(pairs):
        for name in (foreign, missing) if number % 2 else (missing, foreign):
            begun = time.perf_counter()
            answer = each.ask(client, one.keys[0], name)
            seconds[name].append(time.perf_counter() - begun)
            assert answer.status_code in (200, 404), answer.text
    return median(seconds[foreign]) / median(seconds[missing])


def measured(data: Path, encoder: OnnxEncoder, pairs: int) -> dict[str, float]:
    """Compare in a memory of two tenants, of whom the other remembers much."""
    with opened(data, encoder) as client:
        one, other = settle(client, data, 2)
        user, session = other.names["user_id"][-1], other.names["session_id"][-1]
        turns = [{"role": "user", "content": f"Note {number}."} for number in range(TURNS // 2)]
        for _ in range(2):
            body = {"user_id": user, "turns": turns}
            path = f"/v1/sessions/{session}/turns"
            assert client.post(path, json=body, headers=bearer(other.keys[0])).status_code == 201
        while client.get("/readyz").json()["queued"]:
            time.sleep(0.05)
        return ratios(client, one, other, pairs)


def told(found: dict[str, float], pairs: int) -> str:
    """Return the figure."""
    far = max(found.values(), key=lambda ratio: abs(ratio - 1))
    return (
        f"{len(found)} operations, {pairs:,} pairs each: a foreign name takes {min(found.values()):.2f} to "
        f"{max(found.values()):.2f} times as long as a missing one, at most {abs(far - 1):.0%} off"
    )


def test_a_foreign_name_takes_no_multiple(tmp_path: Path, encoder: OnnxEncoder, reached: Reached) -> None:
    """Few pairs on a busy machine: what looks through the other's memory would still show."""
    found = measured(tmp_path / "data", encoder, 25)
    reached(told(found, 25))
    assert max(found.values()) < 2


@pytest.mark.drill
def test_a_foreign_name_is_as_quick(tmp_path: Path, encoder: OnnxEncoder, reached: Reached) -> None:
    """A thousand pairs, in turn."""
    found = measured(tmp_path / "data", encoder, 1000)
    reached(told(found, 1000))
    assert all(abs(ratio - 1) <= 0.1 for ratio in found.values()), found
