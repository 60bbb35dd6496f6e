"""R21: whatever fits the schema, or just doesn't, is answered as the schema says, and never by a crash."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.conftest import Reached
from tests.serving import Server, Start, new_key

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def attack(server: Server, folder: Path, phases: str, cases: int, timeout: int) -> str:
    """Run schemathesis over the whole schema; return what it prints, having found nothing."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--phases", phases, "-n", str(cases), "--checks", CHECKS, "--seed", "21", "--mode", "all"),
            *("-H", f"Authorization: Bearer {new_key(server.data)}", "--no-color", "--continue-on-failure"),
            *("--suppress-health-check", "all", "--generation-database", "none"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def generated(printed: str) -> str:
    """Return how many cases it sent, from its summary."""
    found = re.search(r"([\d,]+) generated", printed)
    assert found, printed[-2000:]
    return found[1]


def test_a_few_cases_of_each_operation(start: Start, tmp_path: Path, reached: Reached) -> None:
    """The examples, the edges of each field, and some chance, right and wrong."""
    printed = attack(start(), tmp_path, "examples,coverage,fuzzing", 2, timeout=240)
    reached(f"{generated(printed)} cases: 0 server errors, 0 answers beside the schema")


@pytest.mark.drill
def test_five_hundred_cases_of_each_operation(start: Start, tmp_path: Path, reached: Reached) -> None:
    """All phases, following links between operations too."""
    printed = attack(start(), tmp_path, "examples,coverage,fuzzing,stateful", 500, timeout=3 * 3600)
    reached(f"{generated(printed)} cases, 500 an operation: 0 server errors, 0 answers beside the schema")


def test_bytes_that_are_no_text(start: Start) -> None:
    """Broken UTF-8, NUL and lone surrogates, in bodies and in paths: the caller's fault, said so."""
    server = start()
    client = server.client(new_key(server.data))
    bodies = [
        b'{"user_id": "\xff"}',
        b'{"user_id": "a\\u0000"}',
        b'{"user_id": "\\ud800"}',
        b"\x00",
        b"\xfe\xff",
    ]
    for body in bodies:
        for path in ("/v1/context", "/v1/search", "/v1/sessions/s1/turns", "/v1/sessions/s1/events"):
            answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert 400 <= client.post("/v1/import", content=body).status_code < 500
    for name in ("%00", "%ff", "%ed%a0%80", "a%0ab"):
        for path in (f"/v1/sessions/{name}", f"/v1/users/{name}/export", f"/v1/purges/{name}"):
            assert 400 <= client.get(path).status_code < 500, path
        assert 400 <= client.get(f"/v1/sessions?user_id={name}").status_code < 500, name
        turn = {"user_id": "ada", "turns": [{"role": "user", "content": "hello"}]}
        assert 400 <= client.post(f"/v1/sessions/{name}/turns", json=turn).status_code < 500, name


def test_numbers_that_no_database_takes(start: Start) -> None:
    """Larger than 64 bits, in paths and in cursors: the caller's fault, too."""
    server = start()
    client = server.client(new_key(server.data))
    for number in (2**63, 10**30, -(2**64)):
        assert client.get(f"/v1/reviews/{number}").status_code == 422
        decided = client.post(f"/v1/reviews/{number}/decision", json={"decision": "agree"})
        assert decided.status_code == 422
        for path in ("/v1/reviews?", "/v1/sessions?user_id=ada&", "/v1/sessions/s1/turns?"):
            assert 400 <= client.get(f"{path}cursor={number}").status_code < 500, path
