"""The server: requests in threads, the engine one at a time."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import orjson

from tests.qdrant.engine import Engine, MissingError, ThereAlreadyError
from tests.qdrant.routes import route

# In memory, where the machine has such a folder: the engine waits for the disk at every index it makes.
_RAM = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made in it


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Engine
    one_at_a_time: threading.Lock

    def _answer(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = urlsplit(self.path).path
        found = route(self.command, path)
        if found is None:
            return self._fail(404, f"{self.command} {path} is not served here")
        answer, name = found
        try:
            with self.one_at_a_time:
                result = answer(self.engine, name, body)
        except MissingError:
            return self._fail(404, f"Not found: Collection `{name}` doesn't exist!")
        except ThereAlreadyError:
            return self._fail(409, f"Wrong input: Collection `{name}` already exists!")
        except Exception as error:  # noqa: BLE001 - the engine raises nothing more special; the caller is told
            return self._fail(400, f"{type(error).__name__}: {error}")
        return self._send(200, {"result": result, "status": "ok", "time": 0.0})

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - names that http.server calls

    def _fail(self, status: int, message: str) -> None:
        self._send(status, {"status": {"error": message}, "time": 0.0})

    def _send(self, status: int, value: object) -> None:
        data = orjson.dumps(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that don't wait for an answer: that is what is tested."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it came


@contextmanager
def bound(folder: Path, port: int = 0, *, eager: int = 0) -> Iterator[ThreadingHTTPServer]:
    """Yield a server on an engine that keeps its files in the folder; the caller lets it serve."""
    engine = Engine(folder, eager=eager)
    made = type("Handler", (_Handler,), {"engine": engine, "one_at_a_time": threading.Lock()})
    with _Server(("127.0.0.1", port), made) as server:
        yield server
    engine.close()


@contextmanager
def serving(folder: Path, *, eager: int = 0) -> Iterator[str]:
    """Serve from a thread; yield the URL. `eager`: as of `Collection`."""
    with bound(folder, eager=eager) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder for an engine, in memory where there is such a one."""
    with TemporaryDirectory(dir=_RAM if _RAM.is_dir() else None, prefix="satchel-qdrant-") as folder:
        yield Path(folder)
