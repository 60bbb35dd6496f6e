"""The gate: who is sent away costs nothing, and nobody is let in who is not known now."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api.access.admission import Admission
from api.access.caller import Caller
from api.access.lobby import Lobby
from api.http.gate import Gate
from api.http.middleware import Around
from memory.errors import UnauthenticatedError
from memory.ledger.keys import RIGHTS


class Door:
    """A gate before a service that works until it is let go, and an `access` that counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.revoked = False
        self.go_on = asyncio.Event()
        self.read = 0
        lanes = {name: Admission(1, burst=0) for name in ("recalls", "others", "strangers")}
        self._gate = Around(Gate(self._work, Lobby(**lanes)), max_body_bytes=1000)
        services = SimpleNamespace(access=SimpleNamespace(caller=self._caller))
        self._app = SimpleNamespace(state=SimpleNamespace(services=services))
        self._lock = threading.Lock()

    async def post(self, path: str = "/v1/context") -> int:
        """Send a request; return its status."""
        statuses: list[int] = []

        async def receive() -> Message:
            self.read += 1
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        headers = [(b"authorization", b"Bearer sk_one")]
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "app": self._app,
        }
        await self._gate(scope, receive, send)
        return statuses[0]

    async def has_asked(self, times: int) -> None:
        """Wait until callers were asked for so many times."""
        while self.asked < times:  # noqa: ASYNC110 - another thread counts
            await asyncio.sleep(0.001)

    def _caller(self, _: str | None) -> Caller:
        with self._lock:
            self.asked += 1
        if self.revoked:
            raise UnauthenticatedError("no more")
        return Caller("acme", "key:one", RIGHTS)

    async def _work(self, _: Scope, __: Receive, send: Send) -> None:
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def working(door: Door) -> asyncio.Task[int]:
    """Return a request that is being worked on."""
    task = asyncio.create_task(door.post())
    await door.has_asked(2)
    return task


def test_who_is_sent_away_is_neither_looked_up_nor_read() -> None:
    """A known caller in a crowd is refused by what is in memory."""

    async def test() -> None:
        door = Door()
        first = await working(door)
        asked, read = door.asked, door.read
        assert await door.post() == 503
        assert (door.asked, door.read) == (asked, read)
        door.go_on.set()
        assert await first == 200

    asyncio.run(test())


def test_a_flood_of_requests_is_no_flood_of_lines() -> None:
    """Who is answered has a line in the log; who is sent away has none, unless one looks closely."""

    async def test() -> None:
        door = Door()
        first = await working(door)
        with capture_logs() as lines:
            assert await door.post() == 503
            door.go_on.set()
            assert await first == 200
        assert [(line["status"], line["log_level"]) for line in lines] == [(503, "debug"), (200, "info")]

    asyncio.run(test())


def test_recalls_and_others_don_t_wait_for_each_other() -> None:
    """With every place for contexts taken, turns are still taken in."""

    async def test() -> None:
        door = Door()
        first = await working(door)
        second = asyncio.create_task(door.post("/v1/sessions/s/turns"))
        await door.has_asked(3)
        door.go_on.set()
        assert (await first, await second) == (200, 200)

    asyncio.run(test())


def test_a_revoked_key_is_refused_though_it_was_known() -> None:
    """What is remembered of a caller lets nobody in."""

    async def test() -> None:
        door = Door()
        door.go_on.set()
        assert await door.post() == 200
        door.revoked = True
        assert await door.post() == 401

    asyncio.run(test())
