"""R23: in steady use nothing grows: memory, descriptors, logs, files, bookkeeping."""

import itertools
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
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
from memory.ledger.schema import audit, idempotency, outbox, purges, tombstones, turns
from tests.reliability.conftest import Reached
from tests.serving import Server, Start, new_key

MIB = 2**20
DAY = 86_400
USERS = 20
# In a session.
TURNS = 4
# A session that is erased by name, before its time.
PURGED_ONE_IN = 40
# Where turns come from that stay.
LASTING = "import:notes"
TOPICS = ["launch", "importer", "budget", "Ines", "ledger", "garden", "recipe", "train", "invoice", "kernel"]


@dataclass(frozen=True, slots=True)
class Use:
    """How the service is used. lasting: turns that stay. Each of the others lives `life` seconds, and goes
    with the next of the sweeps, `sweep` seconds apart. pause: seconds between two sessions.

    slope: MB an hour that the memory may grow by, None = not judged.
    """

    seconds: float
    lasting: int
    life: float
    sweep: float
    pause: float = 0.0
    slope: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one moment. at: seconds; sizes in bytes."""

    at: float
    resident: int
    descriptors: int
    logs: int
    disk: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was done, and rows of bookkeeping beside what was there at the beginning."""

    sessions: int
    erasures: int
    sweeps: float
    before: dict[str, int]
    after: dict[str, int]


def test_a_little_use(start: Start, tmp_path: Path, reached: Reached) -> None:
    """A quarter of a minute: nothing absolute of memory, but logs, descriptors and files stay in bounds."""
    soak(start, tmp_path, Use(seconds=15, lasting=200, life=3, sweep=1), reached)


@pytest.mark.drill
def test_half_an_hour_of_use(start: Start, tmp_path: Path, reached: Reached) -> None:
    """Thirty minutes: memory has no slope that can be told from less than 1 MB an hour."""
    use = Use(seconds=1800, lasting=3000, life=60, sweep=5, pause=0.1, slope=1.0)
    soak(start, tmp_path, use, reached)


def soak(start: Start, folder: Path, use: Use, reached: Reached) -> None:
    """Add at a steady pace what is forgotten in time; note the figures, then hold them to their bounds."""
    server = start(SATCHEL_SWEEP_SECONDS=str(use.sweep))
    key = new_key(server.data)
    client = server.client(key)
    prepare(client, use)
    rounds = _rounds(client)
    samples, sessions, erasures = [], 0, 0
    begun = time.monotonic()
    before: dict[str, int] = {}
    while (elapsed := time.monotonic() - begun) < use.life + use.seconds:
        if not before and elapsed > use.life:  # from here on as much goes as comes
            before, sessions, erasures = bookkeeping(server.data), 0, 0
        erasures += next(rounds)
        sessions += 1
        if before and sessions % 5 == 0:
            samples.append(sample(server, time.monotonic() - begun))
        time.sleep(use.pause)
    _ok(client.put("/v1/retention", json={}), 200)  # what is there now stays, to be copied
    _settled(client)
    counted = Counted(sessions, erasures, use.seconds / use.sweep, before, bookkeeping(server.data))
    live, ratio = disk_ratio(start, server, key, folder / "fresh")
    warm = samples[len(samples) // 4 :]
    done = f"{use.seconds / 60:.1f} min, {figure(warm, counted, slope=use.slope)}"
    reached(f"{done}, disk {ratio:.2f} × {live / MIB:.1f} MB of live data")
    check_samples(warm, use.slope)
    check_rows(counted, use.lasting)
    assert ratio <= 1.5


def prepare(client: httpx.Client, use: Use) -> None:
    """Set how long turns are kept, and remember those that stay."""
    rules = {"days": use.life / DAY, "sources": {LASTING: 365}}
    _ok(client.put("/v1/retention", json=rules), 200)
    seed = random.Random(1)
    for user in range(USERS):
        turn = {"session_id": f"kept{user}", "role": "user", "source": LASTING}
        lines = [json.dumps(turn | {"content": _text(seed)}) for _ in range(use.lasting // USERS)]
        _ok(client.post("/v1/import", params={"user_id": f"u{user}"}, content="\n".join(lines)), 200)
    _settled(client)


def figure(warm: list[Sample], counted: Counted, *, slope: float | None) -> str:
    """Return in words what was done and what it took."""
    descriptors = [one.descriptors for one in warm]
    rows = {name: counted.after[name] - counted.before[name] for name in ("receipts", "audited", "graves")}
    memory = f"memory {warm[-1].resident / MIB:.0f} MB"
    if slope is not None:
        memory += " ({:+.1f} MB/h, 95% {:+.1f} to {:+.1f})".format(*slope_of(warm))
    return (
        f"{counted.sessions:,} sessions of {TURNS} turns added, as many expired, {counted.erasures} purges "
        f"by name, beside {counted.after['turns']:,} live turns: {memory}, descriptors {min(descriptors)} to "
        f"{max(descriptors)}, log at most {max(one.logs for one in warm) / MIB:.1f} MB, {rows['receipts']} "
        f"receipts, {rows['audited']} audited and {rows['graves']:,} tombstones more, "
        f"{counted.after['answers']} answers kept, disk at most {max(one.disk for one in warm) / MIB:.1f} MB"
    )


def check_samples(warm: list[Sample], slope: float | None) -> None:
    """Hold memory, descriptors and logs to what is demanded. slope: MB an hour, None = not judged."""
    if slope is not None:
        grown, least, most = slope_of(warm)
        assert least < slope, f"memory grows by {grown:.1f} MB/h, {least:.1f} to {most:.1f}"
    descriptors = [one.descriptors for one in warm]
    assert max(descriptors) - min(descriptors) <= 8, descriptors
    assert max(one.logs for one in warm) <= 64 * MIB


def slope_of(warm: list[Sample]) -> tuple[float, float, float]:
    """Return the slope of the resident memory in MB an hour, with its 95% interval.

    Theil and Sen's: a jump or two don't make it.
    """
    resident = [one.resident / MIB for one in warm]
    grown, _, least, most = theilslopes(resident, np.array([one.at for one in warm]) / 3600)
    return float(grown), float(least), float(most)


def check_rows(counted: Counted, lasting: int) -> None:
    """Bookkeeping follows what is live and what was erased, not what was used."""
    before, after = counted.before, counted.after
    assert after["queued"] == 0
    assert lasting <= after["turns"] <= lasting + TURNS * counted.sessions / 2, "turns outlive their time"
    assert after["answers"] <= (after["turns"] - lasting) // TURNS, "answers of erased sessions are kept"
    # A row for each erasure: what was done to whose memory is kept on purpose.
    erasures = counted.erasures + counted.sweeps + 2
    assert after["receipts"] - before["receipts"] <= erasures
    assert after["audited"] - before["audited"] <= erasures + 1  # the rule that was lifted


def _rounds(client: httpx.Client) -> Iterator[int]:
    """Use the service for ever: a session, a context, a search; now and then erase a session at once.

    Yields how many erasures each round took.
    """
    seed = random.Random(23)
    for number in itertools.count():
        user, session = f"u{number % USERS}", f"s{number}"
        names = [f"{session}t{place}" for place in range(TURNS)]
        new = [{"role": "user", "content": _text(seed), "id": name} for name in names]
        body, once = {"user_id": user, "turns": new}, {"Idempotency-Key": session}
        _ok(client.post(f"/v1/sessions/{session}/turns", json=body, headers=once), 201)
        query = {"user_id": user, "query": _text(seed)}
        _ok(client.post("/v1/context", json=query | {"max_tokens": 512}), 200)
        _ok(client.post("/v1/search", json=query | {"top_k": 5}), 200)
        if number % PURGED_ONE_IN:
            yield 0
            continue
        _ok(client.delete(f"/v1/turns/{names[0]}"), 202)
        _ok(client.delete(f"/v1/sessions/{session}"), 202)
        yield 2


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
    sizes = _sizes(server.data)
    return Sample(
        at=at,
        resident=pages * 4096,
        descriptors=len(list((proc / "fd").iterdir())),
        logs=sum(size for name, size in sizes.items() if name.endswith("-wal")),
        disk=sum(sizes.values()),
    )


def bookkeeping(data: Path) -> dict[str, int]:
    """Count rows, beside the running service."""
    tables = {
        "turns": turns,
        "queued": outbox,
        "answers": idempotency,
        "audited": audit,
        "receipts": purges,
        "graves": tombstones,
    }
    count = sa.select(sa.func.count())
    with open_ledger(Settings(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        return {name: int(tx.scalar(count.select_from(table)) or 0) for name, table in tables.items()}


def disk_ratio(start: Start, server: Server, key: str, fresh: Path) -> tuple[int, float]:
    """Return the size of a new data folder that holds the same turns, in bytes, and the old one's in it."""
    client = server.client(key)
    exports = {f"u{n}": client.get(f"/v1/users/u{n}/export").content for n in range(USERS)}
    server.stop()
    other = start(fresh)
    copy = other.client(new_key(fresh))
    for user, lines in exports.items():
        _ok(copy.post("/v1/import", params={"user_id": user}, content=lines), 200)
    _settled(copy)
    other.stop()
    live = sum(_sizes(fresh).values())
    return live, sum(_sizes(server.data).values()) / live


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of every file by its path; a file may go meanwhile."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                found[str(path.relative_to(folder))] = path.stat().st_size
    return found
