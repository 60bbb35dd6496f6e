"""R14: clients that hang up at any moment: nobody gets what is another's, and nothing stays behind open."""

import asyncio
import json
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy as sa
import uvicorn
from prometheus_client import REGISTRY

from api.app import create_app
from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.ledger import keys, turns
from memory.ledger.tenancy import EVERY_TENANT
from memory.scope import Scope
from memory.turns import NewTurn
from tests.helpers import said
from tests.reliability.conftest import Reached

TASKS, TENANTS, TURNS = 64, 50, 4

_GAUGES = ("satchel_requests_running", "satchel_requests_waiting")
_MARK = re.compile(rb"mark\d\d")


@dataclass
class Found:
    """What the clients met: answers by status, how many hung up, foreign marks, and turns acknowledged."""

    statuses: Counter[int] = field(default_factory=Counter)
    hung_up: int = 0
    foreign: list[tuple[str, bytes]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def served(stored: Settings, encoder: OnnxEncoder) -> Iterator[tuple[Services, int]]:
    """Serve in a thread of this process, over real sockets; yield what is behind it, and the port.

    All may work at once, for what is sent away never gets as far as a connection.
    """
    settings = stored.model_copy(
        update={"max_concurrent": TASKS, "max_recalls": TASKS, "burst_seconds": 60.0}
    )
    with (
        closing(socket.create_server(("127.0.0.1", 0), backlog=256)) as listener,
        open_services(settings, encoder=encoder) as services,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that an answer has to wait

        @contextmanager
        def opened(_: Settings) -> Iterator[Services]:
            yield services

        app = create_app(settings, opening=opened)
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield services, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def settle(services: Services) -> dict[str, str]:
    """Make the tenants, who call their user and session the same; return their keys by their marks."""
    found = {}
    for number in range(TENANTS):
        mark = f"mark{number:02}"
        with services.ledger.writing(EVERY_TENANT) as tx:
            found[mark] = keys.create(tx, mark)[1]
        text = f"The launch code of the door is {mark}."
        services.remember(Scope(mark, "ada", "s1"), [said(f"{place}: {text}") for place in range(TURNS)])
    services.drain()
    return found


def requests(mark: str, key: str, name: str) -> list[bytes]:
    """Return a request of each kind: reads that answer with the memory, one of them streamed, and a write."""
    ask = {"user_id": "ada", "query": "What is the launch code of the door?"}
    turn = {"id": name, "role": "user", "content": f"Said by {mark}."}
    return [
        _request("POST", "/v1/context", key, ask | {"max_tokens": 256}),
        _request("POST", "/v1/search", key, ask),
        _request("GET", "/v1/sessions/s1/turns", key),
        _request("GET", "/v1/users/ada/export", key),
        _request("POST", "/v1/sessions/s2/turns", key, {"user_id": "ada", "turns": [turn]}),
    ]


def _request(method: str, path: str, key: str, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def clients(port: int, tenants: dict[str, str], seconds: float) -> Found:
    """Ask at once from all tasks until the time is up; half of the requests are left at a random moment."""
    found = Found()
    end = time.monotonic() + seconds
    rng = random.Random(14)

    async def client(number: int) -> None:
        asked = 0
        while time.monotonic() < end:
            mark = rng.choice(list(tenants))
            name = f"{mark}-{number}-{asked}"
            asked += 1
            request = rng.choice(requests(mark, tenants[mark], name))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                if rng.random() < 0.5:
                    await _left(reader, writer, request, rng)
                    found.hung_up += 1
                else:
                    writer.write(request)
                    _noted(found, mark, name, request, await reader.read())
            finally:
                writer.close()

    await asyncio.gather(*(client(number) for number in range(TASKS)))
    return found


async def _left(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, rng: random.Random
) -> None:
    """Send a part or all of a request, read a part of the answer or none, and break the connection off."""
    writer.write(request[: rng.choice((len(request), len(request), rng.randrange(len(request))))])
    if rng.random() < 0.5:
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(200), rng.random() * 0.5)
    else:
        await asyncio.sleep(rng.random() * 0.1)
    writer.transport.abort()


def _noted(found: Found, mark: str, name: str, request: bytes, answer: bytes) -> None:
    status = int(answer.split(b" ", 2)[1])
    found.statuses[status] += 1
    marks = set(_MARK.findall(answer))
    if marks - {mark.encode()}:
        found.foreign.append((mark, answer[:500]))
    if status == 201:
        found.kept.append((mark, name))
    elif status == 200 and not marks:
        found.empty.append(f"{mark} {request[:40]!r}")


def settled(services: Services) -> None:
    """Wait until nothing is worked on: what was left is finished, or stopped, within seconds."""
    deadline = time.monotonic() + 30
    # On a server one connection holds the lock that says who serves the ledger.
    kept = 0 if services.settings.database is None else 1
    while any(left := (*map(_value, _GAUGES), _pool(services).checkedout() - kept)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _value(gauge: str) -> float:
    value = REGISTRY.get_sample_value(gauge)
    assert value is not None, gauge
    return value


def _pool(services: Services) -> sa.QueuePool:
    pool = services.ledger.engine.pool
    assert isinstance(pool, sa.QueuePool)
    return pool


def clean(services: Services) -> int:
    """Take every connection that the pool keeps; find no transaction open in any; return how many."""
    pool = _pool(services)
    taken = [pool.connect() for _ in range(pool.checkedin())]
    try:
        for one in taken:
            inside = one.dbapi_connection
            if isinstance(inside, psycopg.Connection):
                assert inside.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
                bound = (
                    "SELECT current_setting('app.tenant', true), current_setting('app.every_tenant', true)"
                )
                assert not any(inside.execute(bound).fetchone() or ())
            else:
                assert not inside.in_transaction  # type: ignore[union-attr]  # a connection of sqlite3
    finally:
        for one in taken:
            one.close()
    return len(taken)


def held(services: Services, port: int, tenants: dict[str, str], seconds: float) -> str:
    """Let clients ask and hang up, and check all that they met and left; return the figures."""
    found = asyncio.run(clients(port, tenants, seconds))
    settled(services)

    assert found.foreign == []
    assert found.empty == []
    assert set(found.statuses) == {200, 201}, found.statuses
    assert found.hung_up
    left = clean(services)
    assert left
    for mark in tenants:
        with services.ledger.reading(mark) as tx:
            said_by = {turn.name: turn.content for turn in turns.stream(tx, Scope(mark, "ada"))}
        assert {name for whose, name in found.kept if whose == mark} <= set(said_by)
        assert all(mark in content for content in said_by.values())
    answered = found.statuses.total()
    return (
        f"{found.hung_up:,} hung up and {answered:,} answered, {TASKS} at once of {TENANTS} tenants: "
        f"0 results of another, 0 of {left} pooled connections in a transaction"
    )


def test_nothing_is_left_by_who_hangs_up(stored: Settings, encoder: OnnxEncoder, reached: Reached) -> None:
    """Three seconds of it, on both databases."""
    with served(stored, encoder) as (services, port):
        reached(held(services, port, settle(services), 3))


@pytest.mark.drill
def test_nothing_is_left_after_a_minute(stored: Settings, encoder: OnnxEncoder, reached: Reached) -> None:
    """A minute of it, on both databases."""
    with served(stored, encoder) as (services, port):
        reached(held(services, port, settle(services), 60))


def test_who_reads_no_more_holds_no_connection(stored: Settings, encoder: OnnxEncoder) -> None:
    """Exports that nobody reads on: more of them than there are connections."""
    with served(stored, encoder) as (services, port):
        with services.ledger.writing(EVERY_TENANT) as tx:
            key = keys.create(tx, "t1")[1]
        large = [NewTurn("user", f"{place}", metadata={"note": "x" * 10_000}) for place in range(20)]
        services.remember(Scope("t1", "ada", "s1"), large)
        with ExitStack() as readers:
            asking = [readers.enter_context(socket.socket()) for _ in range(40)]
            for reader in asking:
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.settimeout(30)
                reader.connect(("127.0.0.1", port))
                reader.sendall(_request("GET", "/v1/users/ada/export", key))
            for reader in asking:
                assert reader.recv(12) == b"HTTP/1.1 200"
            settled(services)
