"""The door: under load, who must go is told so before the request becomes a task.

Ten times too much is nine requests sent away for one that is answered; through uvicorn's and our own
layers that costs much of what there is to answer with (docs/decisions/0070-admission.md).
"""

from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.access.lobby import Lobby
from api.http.gate import credential
from api.http.middleware import answered, known_as
from api.http.problems import sent_away
from api.metrics import REFUSED
from memory.errors import OverloadedError

# Bytes of a body that has likely come with its head, or soon will.
_SHORT = 65_536


class Door(HttpToolsProtocol):
    """uvicorn's protocol, which asks the lobby of the application's state first.

    What is not a plain request (behind another that is worked on, an upgrade, a `HEAD`, the last of its
    connection, one with a long body or of unknown length) goes the common way: the gate sends it away with
    the same words, and does not wait for the body.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lobby: Lobby = options["config"].app.state.lobby
        self._answer: bytes | None = None

    def on_headers_complete(self) -> None:
        self._answer = self._refusal() if self._is_plain() else None
        if self._answer is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._answer is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        # Answered once it has all come: the next request of the connection begins behind it.
        if self._answer is None:
            super().on_message_complete()
            return
        self.transport.write(self._answer)
        self._answer = None
        self.on_response_complete()

    def _is_plain(self) -> bool:
        free = self.cycle is None or self.cycle.response_complete
        return (
            free
            and self.url.startswith(b"/v1/")
            and self.parser.get_method() != b"HEAD"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self._is_short()
        )

    def _is_short(self) -> bool:
        headers = dict(self.headers)
        return b"transfer-encoding" not in headers and int(headers.get(b"content-length", b"0")) <= _SHORT

    def _refusal(self) -> bytes | None:
        """Return the answer, None where there may be room."""
        headers = Headers(raw=self.headers)
        try:
            self._lobby.check(self.url.partition(b"?")[0].decode("latin-1"), credential(headers))
        except OverloadedError as error:
            REFUSED.labels(type(error).__name__).inc()
            answered("-", self.parser.get_method().decode("ascii"), 503, 0, sent_away=True)
            status, rest = _wire(str(error), error.retry_after)
            own = (*self.server_state.default_headers, (b"x-request-id", self._id(headers)))
            return b"".join([status, *(b"%s: %s\r\n" % header for header in own), rest])
        return None

    @staticmethod
    def _id(headers: Headers) -> bytes:
        return known_as(headers.get("x-request-id", "").encode("latin-1"))


@lru_cache(maxsize=16)
def _wire(detail: str, retry_after: int) -> tuple[bytes, bytes]:
    """Return a problem as it goes over the wire: the status line; other headers and the body."""
    response = sent_away(detail, retry_after)
    headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
    return STATUS_LINE[response.status_code], headers + b"\r\n" + bytes(response.body)
