"""The command line, as people and scripts use it."""

import gzip
import json
from pathlib import Path
from typing import Any

from tests.serving import Server, new_key, run

EVIDENCE: dict[str, Any] = {
    "dataset": "tiny",
    "conversation": "c1",
    "units": [
        {
            "id": "1",
            "session": "a",
            "ts": "2026-03-01T10:00:00",
            "role": "user",
            "text": "We ship on Friday.",
        },
        {"id": "2", "session": "a", "ts": None, "role": "assistant", "text": "Friday it is."},
        {"id": "3", "session": "b", "ts": "2026-03-05", "role": "Ines", "text": "Make it Monday."},
    ],
    "queries": [],
}


def write(path: Path, *lines: object) -> Path:
    """Write JSON lines."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_import_export_import(tmp_path: Path) -> None:
    """What is exported can be imported again; what is imported twice is there once."""
    data = tmp_path / "data"
    file = write(tmp_path / "c.jsonl.gz", EVIDENCE)

    for _ in range(2):
        imported = run("import", str(file), "--json", data=data)
        assert imported.returncode == 0, imported.stderr
        assert json.loads(imported.stdout) == {"turns": 3, "waiting": 0}
    exported = run("export", "c1", data=data)
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [line["content"] for line in lines] == [unit["text"] for unit in EVIDENCE["units"]]
    assert [line["session_id"] for line in lines] == ["c1:a", "c1:a", "c1:b"]
    assert [(line["role"], line["name"]) for line in lines][-1] == ("user", "Ines")
    assert {line["source"] for line in lines} == {"import"}

    other = tmp_path / "other"
    again = run("import", str(write(tmp_path / "e.jsonl", *lines)), "--user", "c1", data=other)
    assert again.returncode == 0, again.stderr
    assert run("export", "c1", data=other).stdout == exported.stdout


def test_a_tenant_moves_as_a_file(tmp_path: Path) -> None:
    """All users of a tenant, and nobody else's; read again, it is the same; another format is refused."""
    lines = [
        {"user_id": user, "messages": [{"role": "user", "content": f"{user} likes plums {n}"}]}
        for user in ("ada", "bob")
        for n in range(3)
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)))
    data, other = tmp_path / "data", tmp_path / "other"
    assert run("import", str(log), "--tenant", "acme", data=data).returncode == 0
    assert run("import", str(log), "--tenant", "zeta", data=data).returncode == 0

    exported = run("export", "--all", "--tenant", "acme", data=data).stdout
    moved = tmp_path / "acme.ndjson"
    moved.write_text(exported)
    again = run("import", str(moved), "--tenant", "acme", "--json", data=other)
    twice = run("import", str(moved), "--tenant", "acme", "--json", data=other)

    head, *turns = exported.splitlines()
    assert json.loads(head)["format"] == "satchel-export/1"
    assert [json.loads(turn)["user_id"] for turn in turns] == ["ada"] * 3 + ["bob"] * 3
    assert json.loads(again.stdout)["turns"] == json.loads(twice.stdout)["turns"] == 6
    assert run("export", "--all", "--tenant", "acme", data=other).stdout.splitlines()[1:] == turns
    assert run("export", "--tenant", "acme", data=data).returncode == 2
    moved.write_text(exported.replace("export/1", "export/9"))
    assert "export it anew" in run("import", str(moved), data=other).stderr


def test_plain_messages(tmp_path: Path) -> None:
    """A line of messages is a session."""
    line = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    file = write(tmp_path / "m.jsonl", line)

    refused = run("import", str(file), data=tmp_path / "data")
    taken = run("import", str(file), "--user", "ada", data=tmp_path / "data")

    assert refused.returncode == 2
    assert "line 1" in refused.stderr
    assert "--user" in refused.stderr
    assert taken.returncode == 0
    assert len(run("export", "ada", data=tmp_path / "data").stdout.splitlines()) == 2


def test_files_that_can_not_be_imported(tmp_path: Path) -> None:
    """The error names the line and what is wrong with it."""
    good = {"messages": [{"role": "user", "content": "kept"}]}
    cases = {
        "broken": "{",
        "shape": '{"foo": 1}',
        "role": '{"messages": [{"role": "narrator", "content": "x"}]}',
        "content": '{"messages": [{"role": "user"}]}',
        "surrogate": '{"messages": [{"role": "user", "content": "\\ud800"}]}',
        "list": "[1, 2]",
    }
    for name, bad in cases.items():
        file = tmp_path / f"{name}.jsonl"
        file.write_text(json.dumps(good) + "\n" + bad + "\n")
        done = run("import", str(file), "--user", name, data=tmp_path / "data")
        assert done.returncode == 2, (name, done.stderr)
        assert "line 2" in done.stderr, (name, done.stderr)
        assert "Traceback" not in done.stderr
    assert run("import", str(tmp_path / "none.jsonl"), data=tmp_path / "data").returncode == 2


def test_purge(tmp_path: Path) -> None:
    """Erased, with a receipt; a second time there is nothing to erase."""
    data = tmp_path / "data"
    run("import", str(write(tmp_path / "c.jsonl", EVIDENCE)), data=data)

    done = run("purge", "c1", "--tenant", "default", "--json", data=data)

    assert json.loads(done.stdout)["status"] == "done"
    assert run("export", "c1", data=data).returncode == 3
    assert run("purge", "c1", "--tenant", "default", data=data).returncode == 3
    assert all(b"Friday" not in path.read_bytes() for path in data.iterdir())


def test_purge_looks_first_and_is_verified(tmp_path: Path) -> None:
    """A dry run counts and changes nothing; a receipt is checked offline, and a changed one refused."""
    data = tmp_path / "data"
    run("import", str(write(tmp_path / "c.jsonl", EVIDENCE)), data=data)
    named = ("--tenant", "default")

    counted = json.loads(run("purge", "c1", *named, "--dry-run", "--json", data=data).stdout)
    assert (counted["turns"], counted["sessions"], counted["held"]) == (3, 2, False)
    assert "3 turns in 2 sessions of 1 users" in run("purge", "c1", *named, "--dry-run", data=data).stdout

    done = run("purge", "--source", "import", *named, "--json", data=data)
    receipt = tmp_path / "receipt.json"
    receipt.write_text(done.stdout)
    verified = run("purge", "verify", str(receipt), "--json", data=data)
    assert json.loads(verified.stdout)["valid"]
    receipt.write_text(done.stdout.replace('"turns": 3', '"turns": 4'))
    assert run("purge", "verify", str(receipt), data=data).returncode == 2
    assert run("purge", "verify", str(tmp_path / "none.json"), data=data).returncode == 2


def test_holds(tmp_path: Path) -> None:
    """A hold refuses a purge until it is lifted."""
    data = tmp_path / "data"
    run("import", str(write(tmp_path / "c.jsonl", EVIDENCE)), data=data)
    named = ("--tenant", "default")

    assert run("hold", "put", "c1", *named, "--reason", "case 7", data=data).returncode == 0
    assert run("hold", "list", *named, data=data).stdout == "c1\tcase 7\n"
    refused = run("purge", "c1", *named, data=data)
    assert refused.returncode == 1
    assert "case 7" in refused.stderr
    assert run("hold", "lift", "c1", *named, data=data).returncode == 0
    assert run("purge", "c1", *named, data=data).returncode == 0
    assert run("hold", "lift", "c1", *named, data=data).returncode == 3


def test_retention(tmp_path: Path) -> None:
    """Rules are set, shown, and refused where they are none."""
    data = tmp_path / "data"
    named = ("--tenant", "default")

    assert run("retention", "show", *named, data=data).stdout == "for ever\n"
    told = run("retention", "set", *named, "--days", "30", "--source", "tool:web=1.5", data=data)
    assert told.stdout == "30 days\ntool:web\t1.5 days\n"
    shown = json.loads(run("retention", "show", *named, "--json", data=data).stdout)
    assert shown == {"days": 30.0, "sources": {"tool:web": 1.5}, "last_sweep": None}
    for wrong in (("--days", "0"), ("--source", "tool"), ("--source", "tool=often")):
        assert run("retention", "set", *named, *wrong, data=data).returncode == 2
    assert json.loads(run("retention", "show", *named, "--json", data=data).stdout) == shown


def test_keys(tmp_path: Path) -> None:
    """Made, listed without the secret, revoked."""
    data = tmp_path / "data"
    made = json.loads(run("keys", "create", "--json", "--label", "ci", data=data).stdout)
    listed = json.loads(run("keys", "list", "--json", data=data).stdout)["keys"]

    assert made["key"].startswith("sk_")
    assert made["rights"] == "admin,read,write"
    assert made["tenant"] == "default"
    assert [key["id"] for key in listed] == [made["id"]]
    assert made["key"] not in json.dumps(listed)
    assert run("keys", "revoke", made["id"], data=data).returncode == 0
    assert run("keys", "revoke", made["id"], data=data).returncode == 3
    assert run("keys", "create", "--rights", "read,fly", data=data).returncode == 2


def test_a_revoked_key_ends_at_once(server: Server) -> None:
    """Beside the running service."""
    made = json.loads(run("keys", "create", "--json", data=server.data).stdout)
    client = server.client(made["key"])
    ask = {"user_id": "ada", "query": "x", "max_tokens": 10}
    assert client.post("/v1/context", json=ask).status_code == 200

    run("keys", "revoke", made["id"], data=server.data)

    assert client.post("/v1/context", json=ask).status_code == 401


def test_doctor(tmp_path: Path) -> None:
    """All well on a new folder; a damaged file or a wrong setting is named."""
    data = tmp_path / "data"
    new_key(data)
    well = run("doctor", "--json", data=data)
    assert well.returncode == 0, well.stdout
    assert json.loads(well.stdout)["ok"]

    (data / "ledger.sqlite3").write_bytes(b"not a database" * 1000)
    ill = run("doctor", data=data)
    assert ill.returncode == 4
    assert "damaged" in ill.stdout


def test_what_needs_the_folder_says_who_has_it(server: Server, tmp_path: Path) -> None:
    """Import and purge beside a running service are refused with a reason."""
    file = write(tmp_path / "c.jsonl", EVIDENCE)

    refused = run("import", str(file), data=server.data)

    assert refused.returncode == 4
    assert "in use by process" in refused.stderr
