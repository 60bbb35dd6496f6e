"""`satchel serve`: the service over HTTP."""

import logging
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from api.app import create_app
from api.cli.shared import Data, say, settings_with
from api.heap import frugal
from api.http.door import Door
from api.services import Services, open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from memory.errors import SetupError
from memory.ledger import Ledger, keys
from memory.ledger.tenancy import EVERY_TENANT

# Seconds for requests at hand to be finished once the process is told to end.
GRACE = 20
# How long a thread that computes keeps the interpreter while the loop waits for it. By Python's 5 ms, who is
# sent away waits for those who are served: 208 and 718 ms for the slowest of a hundred, and 142 and 159 with
# this, in turns on two busy cores.
SWITCH_SECONDS = 0.0005
# Seconds for which an idle connection is kept: longer than load balancers (60) and HTTP clients (5) keep
# theirs, so that they close it and never send into one that is just being closed.
KEEP_ALIVE = 75


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve HTTP until interrupted. On first use it makes a key and prints it."""
    settings = settings_with(data=data, host=host, port=port)
    _log_as_json(settings.log_level)
    signal.signal(signal.SIGTERM, _ended)
    sys.setswitchinterval(SWITCH_SECONDS)
    with ExitStack() as held:
        # Before there is a loop: what can't be opened is told in one line, and a key is made only by the
        # process that has the folder and the port, so that none is made which nobody is shown.
        held.enter_context(frugal())
        services = held.enter_context(open_services(settings))
        listener = held.enter_context(_listening(settings))
        secret = _first_key(services.ledger)
        address = f"http://{settings.host}:{listener.getsockname()[1]}"

        @contextmanager
        def opened(_: Settings) -> Iterator[Services]:
            with held:  # closed by the loop: once it is left, the signal that stopped it ends the process
                yield services

        app = create_app(settings, opening=opened)
        config = uvicorn.Config(
            app,
            http=Door,
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        _Announcing(config, _welcome(address, secret, settings.data)).run([listener])


def _ended(*_: object) -> None:
    """End as asked to: uvicorn raises the signal again once all is finished and closed."""
    raise SystemExit(0)


class _Announcing(uvicorn.Server):
    """A server that says where it is once it is ready, not before."""

    def __init__(self, config: uvicorn.Config, words: str) -> None:
        super().__init__(config)
        self._words = words

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            say(self._words)
            sys.stdout.flush()


def _first_key(ledger: Ledger) -> str | None:
    """Return the secret of a new key if there is no key yet."""
    with ledger.writing(EVERY_TENANT) as tx:
        if keys.all_of(tx):
            return None
        return keys.create(tx, DEFAULT_TENANT, label="first use")[1]


def _listening(settings: Settings) -> socket.socket:
    try:
        listener = socket.create_server((settings.host, settings.port), backlog=2048)
        # Connections inherit it. asyncio would set it only for sockets made with a protocol number; without
        # it the head and the body of an answer wait for each other: 63 ms a context instead of 22.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise SetupError(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror}); choose another --port"
        ) from error
    return listener


def _welcome(address: str, secret: str | None, data: Path) -> str:
    key = secret or "$SATCHEL_KEY"
    made = f"  key      {secret}   (shown this once: keep it)"
    if secret is None:
        made = f"  key      yours; `satchel keys create --data {shlex.quote(str(data))}` makes another"
    send = f"curl -s -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'".replace(
        "'Authorization: Bearer $SATCHEL_KEY'", '"Authorization: Bearer $SATCHEL_KEY"'
    )
    turn = '{"user_id":"ada","turns":[{"role":"user","content":"The launch moved to 14 May."}]}'
    ask = '{"user_id":"ada","query":"When do we launch?","max_tokens":256}'
    return "\n".join(
        [
            "",
            f"Satchel is ready on {address}   (API: {address}/docs)",
            made,
            "",
            f"{send} {address}/v1/sessions/first/turns -d '{turn}'",
            f"{send} {address}/v1/context -d '{ask}'",
            "",
        ]
    )


def _log_as_json(level: str) -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
