"""An open-loop client: requests leave by the clock, whether or not earlier ones were answered."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answer:
    """at, seconds: when it was asked, and how long the answer took. retry: the `Retry-After` header."""

    at: float
    seconds: float
    status: int
    retry: str | None
    tag: str


class OpenLoop:
    """Sends prepared requests to one server over connections that are kept and used again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._where = (parts.hostname or "", parts.port or 80)
        self._idle: deque[Connection] = deque()
        self.answers: list[Answer] = []

    def prepared(self, path: str, key: str, body: bytes) -> bytes:
        """Return a POST as it goes over the wire."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._where[0]}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def send(self, request: bytes, tag: str = "") -> Answer:
        """Send one request and note its answer."""
        begun = time.perf_counter()
        reader, writer = self._usable() or await asyncio.open_connection(*self._where)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        seconds = time.perf_counter() - begun
        answer = Answer(begun, seconds, int(head[0].split()[1]), headers.get("retry-after"), tag)
        self.answers.append(answer)
        return answer

    def _usable(self) -> Connection | None:
        """Return an idle connection that the server has not closed meanwhile, None where there is none."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                return reader, writer
            writer.close()
        return None

    async def at_rate(self, requests: list[tuple[bytes, str]], rate: float, seconds: float) -> list[Answer]:
        """Send `rate` requests a second, in turn; return their answers once all have come."""
        tasks = []
        begun = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0, begun + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self.send(*requests[number % len(requests)])))
        return await asyncio.gather(*tasks)

    async def one_after_the_other(self, request: bytes, seconds: float, clients: int = 1) -> list[Answer]:
        """Keep `clients` requests under way for a while; return the answers."""
        end = time.perf_counter() + seconds

        async def client() -> list[Answer]:
            found = []
            while time.perf_counter() < end:
                found.append(await self.send(request, "closed"))
            return found

        return [
            answer for some in await asyncio.gather(*(client() for _ in range(clients))) for answer in some
        ]

    def close(self) -> None:
        """Close the connections that are idle."""
        for _, writer in self._idle:
            writer.close()
