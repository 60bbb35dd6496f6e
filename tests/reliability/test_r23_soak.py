"""R23: in steady use nothing grows: memory, descriptors, logs, files, bookkeeping."""

import itertools
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from scipy.stats import theilslopes

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import EVERY_TENANT
from memory.ledger.schema import audit, idempotency, outbox, purges, turns
from tests.reliability.conftest import Reached
from tests.serving import Server, Start, new_key

MIB = 2**20
USERS = 20
# In a session.
TURNS = 4
TOPICS = ["launch", "importer", "budget", "Ines", "ledger", "garden", "recipe", "train", "invoice", "kernel"]


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one moment. at: seconds; sizes in bytes."""

    at: float
    resident: int
    descriptors: int
    logs: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was done, and rows of bookkeeping beside what was there at the beginning."""

    sessions: int
    erasures: int
    before: dict[str, int]
    after: dict[str, int]


def test_a_little_use(start: Start, tmp_path: Path, reached: Reached) -> None:
    """Twenty seconds: nothing absolute of memory, but logs, descriptors and files stay in bounds."""
    reached(soak(start, tmp_path, seconds=20, keep=25))


@pytest.mark.drill
def test_half_an_hour_of_use(start: Start, tmp_path: Path, reached: Reached) -> None:
    """Thirty minutes: memory has no slope that can be told from less than 1 MB an hour."""
    reached(soak(start, tmp_path, seconds=1800, keep=100, pause=0.2, slope=1.0))


def soak(
    start: Start, folder: Path, *, seconds: float, keep: int, pause: float = 0, slope: float | None = None
) -> str:
    """Add and erase at a steady pace for so many seconds, keeping so many sessions; return the figure.

    slope: MB an hour that the memory may grow by.
    """
    server = start()
    key = new_key(server.data)
    client = server.client(key)
    use = _use(client, keep)
    for _ in range(keep + 10):  # to the steady state: from here on each new session costs an old one
        next(use)
    _settled(client)
    before = bookkeeping(server.data)
    samples, sessions, erasures = [], 0, 0
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        erasures += next(use)
        sessions += 1
        if sessions % 5 == 0:
            samples.append(sample(server, time.monotonic() - begun))
        time.sleep(pause)
    _settled(client)
    counted = Counted(sessions, erasures, before, bookkeeping(server.data))
    check_rows(counted)
    ratio = disk_ratio(start, server, key, folder / "fresh")
    assert ratio <= 1.5
    return (
        f"{seconds / 60:.1f} min, {sessions:,} sessions added and as many erased: {judged(samples, slope)}, "
        f"disk {ratio:.2f} × a fresh copy of what is live, {counted.after['answers']} answers kept"
    )


def judged(samples: list[Sample], slope: float | None) -> str:
    """Hold the samples, less a quarter for warming up, to what is demanded; return the figure."""
    warm = samples[len(samples) // 4 :]
    memory = "memory not judged" if slope is None else judged_memory(warm, slope)
    descriptors = [one.descriptors for one in warm]
    assert max(descriptors) - min(descriptors) <= 8, descriptors
    logs = max(one.logs for one in samples)
    assert logs <= 64 * MIB
    return f"{memory}, descriptors {min(descriptors)} to {max(descriptors)}, logs at most {logs / MIB:.1f} MB"


def judged_memory(warm: list[Sample], slope: float) -> str:
    """Hold the resident memory to a slope in MB an hour; return the figure.

    The slope is Theil and Sen's, with its 95% interval: a jump or two don't make it.
    """
    resident = [one.resident / MIB for one in warm]
    grown, _, least, most = theilslopes(resident, np.array([one.at for one in warm]) / 3600)
    assert least < slope, f"memory grows by {grown:.1f} MB/h, {least:.1f} to {most:.1f}"
    return f"memory {grown:+.1f} MB/h (95% {least:+.1f} to {most:+.1f}) at {resident[-1]:.0f} MB"


def check_rows(counted: Counted) -> None:
    """Bookkeeping follows what is live and what was erased, not what was used."""
    before, after = counted.before, counted.after
    assert after["turns"] == before["turns"]
    assert after["queued"] == 0
    assert after["answers"] <= after["turns"] // TURNS, "answers of erased sessions are kept"
    # A row for each erasure: what was done to whose memory is kept on purpose.
    assert after["audited"] - before["audited"] <= counted.erasures
    assert after["receipts"] - before["receipts"] <= counted.erasures


def _use(client: httpx.Client, keep: int) -> Iterator[int]:
    """Use the service for ever: a session, a context, a search; beyond `keep`, erase the oldest session.

    Yields how many erasures each round took.
    """
    seed = random.Random(23)
    kept: deque[tuple[str, list[str]]] = deque()
    for number in itertools.count():
        user, session = f"u{number % USERS}", f"s{number}"
        names = [f"{session}t{place}" for place in range(TURNS)]
        new = [{"role": "user", "content": _text(seed), "id": name} for name in names]
        body, once = {"user_id": user, "turns": new}, {"Idempotency-Key": session}
        _ok(client.post(f"/v1/sessions/{session}/turns", json=body, headers=once), 201)
        query = {"user_id": user, "query": _text(seed)}
        _ok(client.post("/v1/context", json=query | {"max_tokens": 512}), 200)
        _ok(client.post("/v1/search", json=query | {"top_k": 5}), 200)
        kept.append((session, names))
        yield _erase(client, *kept.popleft(), singly=number % 3 == 0) if len(kept) > keep else 0


def _erase(client: httpx.Client, session: str, names: list[str], *, singly: bool) -> int:
    """Erase a session, `singly` its turns before it; return how many erasures that took."""
    for name in names if singly else ():
        _ok(client.delete(f"/v1/turns/{name}"), 202)
    _ok(client.delete(f"/v1/sessions/{session}"), 202)
    return 1 + len(names) if singly else 1


def _text(seed: random.Random) -> str:
    words = " ".join(seed.choices(TOPICS, k=12))
    return f"About {words}: number {seed.randrange(10**6)} of {seed.randrange(10**6)}."


def _ok(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text


def _settled(client: httpx.Client) -> None:
    while client.get("/readyz").json()["queued"]:
        time.sleep(0.05)


def sample(server: Server, at: float) -> Sample:
    """Look at the service's process and files."""
    proc = Path("/proc") / str(server.process.pid)
    pages = int((proc / "statm").read_text().split()[1])
    sizes = {path.name: path.stat().st_size for path in server.data.rglob("*") if path.is_file()}
    return Sample(
        at=at,
        resident=pages * 4096,
        descriptors=len(list((proc / "fd").iterdir())),
        logs=sum(size for name, size in sizes.items() if name.endswith("-wal")),
    )


def bookkeeping(data: Path) -> dict[str, int]:
    """Count rows, beside the running service."""
    tables = {"turns": turns, "queued": outbox, "answers": idempotency, "audited": audit, "receipts": purges}
    count = sa.select(sa.func.count())
    with open_ledger(Settings(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        return {name: int(tx.scalar(count.select_from(table)) or 0) for name, table in tables.items()}


def disk_ratio(start: Start, server: Server, key: str, fresh: Path) -> float:
    """Return the size of the data folder as a multiple of a new one that holds the same turns."""
    client = server.client(key)
    exports = {f"u{n}": client.get(f"/v1/users/u{n}/export").content for n in range(USERS)}
    server.stop()
    other = start(fresh)
    copy = other.client(new_key(fresh))
    for user, lines in exports.items():
        _ok(copy.post("/v1/import", params={"user_id": user}, content=lines), 200)
    _settled(copy)
    other.stop()
    return _size(server.data) / _size(fresh)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
