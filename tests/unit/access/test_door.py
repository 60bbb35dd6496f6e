"""The door: who is sent away under load gets the gate's answer, and the connection goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from api.access.admission import Admission
from api.access.caller import Caller
from api.access.lobby import Lobby
from api.http.door import Door
from memory.ledger.keys import RIGHTS
from tests.openloop import Connection

BODY = b'{"user_id": "ada"}'


class Application:
    """Answers everything with what it read; counts, and never sends anybody away."""

    def __init__(self) -> None:
        self.asked = 0
        self.lobby = Lobby(**{name: Admission(1, burst=0) for name in ("recalls", "others", "strangers")})
        self.lobby.remember("sk_one", Caller("acme", "key:one", RIGHTS))
        self.state = SimpleNamespace(lobby=self.lobby)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        message: Message = {"more_body": True}
        body = b""
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def full(application: Application, path: str = "/v1/context") -> AsyncIterator[None]:
    """Take the only place of a path's lane: whoever asks for one is sent away."""
    async with application.lobby.lane(path).place("acme"):
        yield


def post(
    *more: str, path: str = "/v1/context", key: str = "sk_one", method: str = "POST", body: bytes = BODY
) -> bytes:
    """Return a request as it goes over the wire."""
    head = [f"{method} {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {key}", *more]
    if not any(line.startswith("Transfer-Encoding") for line in more):
        head.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode() + body
    return "\r\n".join([*head, "", ""]).encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


async def answer(connection: Connection, *, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Return the next answer: status, headers, body."""
    head = (await connection[0].readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    length = 0 if bodiless else int(headers.get("content-length", "0"))
    return int(head[0].split()[1]), headers, await connection[0].readexactly(length)


def behind_the_door(test: Callable[[Application, Connection], Awaitable[None]]) -> None:
    """Run a test with an application behind a real server, and a connection to it."""

    async def run() -> None:
        application = Application()
        config = uvicorn.Config(
            application, http=Door, port=0, lifespan="off", log_config=None, access_log=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn says so in no other way
            await asyncio.sleep(0.001)
        port = server.servers[0].sockets[0].getsockname()[1]
        connection = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait_for(test(application, connection), 30)
        finally:
            connection[1].close()
            server.should_exit = True
            await serving

    asyncio.run(run())


def test_who_is_sent_away_gets_a_problem_and_may_ask_again() -> None:
    """No task is made for it; its body is read and dropped; the next request of the connection is served."""

    async def test(application: Application, connection: Connection) -> None:
        async with full(application):
            connection[1].write(post("X-Request-Id: mine"))
            status, headers, problem = await answer(connection)
        assert status == 503
        assert 1 <= int(headers["retry-after"]) <= 4
        assert headers["x-request-id"] == "mine"
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(problem)["status"] == 503
        assert application.asked == 0
        connection[1].write(post())
        assert (await answer(connection))[::2] == (200, BODY)
        assert application.asked == 1

    behind_the_door(test)


def test_who_brings_no_fit_name_gets_one() -> None:
    """Each answer has a request id of its own."""

    async def test(application: Application, connection: Connection) -> None:
        names = set()
        async with full(application):
            for more in ((), ("X-Request-Id: " + "x" * 200,)):
                connection[1].write(post(*more))
                names.add((await answer(connection))[1]["x-request-id"])
        assert {len(name) for name in names} == {32}
        assert len(names) == 2

    behind_the_door(test)


def test_other_lanes_and_other_paths_are_let_through() -> None:
    """With contexts at their limit, turns are taken in and health is told."""

    async def test(application: Application, connection: Connection) -> None:
        async with full(application):
            for path in ("/v1/sessions/s1/turns", "/healthz", "/metrics"):
                connection[1].write(post(path=path))
                assert (await answer(connection))[0] == 200

    behind_the_door(test)


def test_strangers_wait_for_strangers_only() -> None:
    """A credential not seen before is not sent away for what known callers ask, and the other way round."""

    async def test(application: Application, connection: Connection) -> None:
        async with full(application):
            connection[1].write(post(key="sk_new"))
            assert (await answer(connection))[0] == 200
        async with application.lobby.strangers.place(""):
            connection[1].write(post(key="sk_new"))
            assert (await answer(connection))[0] == 503
            connection[1].write(post())
            assert (await answer(connection))[0] == 200

    behind_the_door(test)


def test_what_is_no_plain_request_goes_to_the_gate() -> None:
    """A `HEAD`, a last request, one that waits to be asked for its body, a long one and one in pieces."""

    async def test(application: Application, connection: Connection) -> None:
        async with full(application):
            connection[1].write(post(method="HEAD"))
            assert (await answer(connection, bodiless=True))[0] == 200
            connection[1].write(post("Expect: 100-continue"))
            assert (await connection[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            assert (await answer(connection))[0] == 200
            connection[1].write(post("Transfer-Encoding: chunked"))
            assert (await answer(connection))[::2] == (200, BODY)
            connection[1].write(post(body=b" " * 100_000))
            assert (await answer(connection))[0] == 200
            connection[1].write(post("Connection: close"))
            assert (await answer(connection))[0] == 200
            assert await connection[0].read() == b""
        assert application.asked == 5

    behind_the_door(test)


def test_answers_keep_the_order_of_requests() -> None:
    """Requests sent at once over one connection are answered in turn, the refused ones among them."""

    async def test(application: Application, connection: Connection) -> None:
        async with full(application):
            connection[1].write(post(path="/v1/sessions/s1/turns") + post() + post(path="/v1/holds") + post())
            statuses = [(await answer(connection))[0] for _ in range(4)]
        # Behind one that is worked on, a request goes the common way, where this application serves all.
        assert statuses[0] == statuses[2] == 200
        assert set(statuses) <= {200, 503}
        async with full(application):
            connection[1].write(post() + post())
            assert [(await answer(connection))[0] for _ in range(2)] == [503, 503]

    behind_the_door(test)
