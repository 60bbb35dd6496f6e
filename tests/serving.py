"""A real service in a process of its own, reached over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

from api.settings import Settings
from api.stores import DEFAULT_TENANT, open_ledger
from memory.ledger import keys
from memory.ledger.keys import RIGHTS, Right

SATCHEL = [sys.executable, "-c", "from api.cli import main; main()"]
ROOT = Path(__file__).parents[1]


@dataclass
class Server:
    """A running `satchel serve`."""

    process: subprocess.Popen[bytes]
    url: str
    data: Path
    printed: list[str] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, key: str | None) -> httpx.Client:
        """Return a client that uses `key`, or none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.clients.append(httpx.Client(base_url=self.url, headers=headers, timeout=60))
        return self.clients[-1]

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it as an operator would; return the exit code."""
        self.process.terminate()
        return self.process.wait(30)


Start = Callable[..., Server]


def run(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    env = {**os.environ, "SATCHEL_DATA": str(data)}
    return subprocess.run(
        [*SATCHEL, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120
    )


def new_key(data: Path, tenant: str = DEFAULT_TENANT, rights: frozenset[Right] = RIGHTS) -> str:
    """Make a key, beside a service that may be running, and return its secret."""
    with open_ledger(Settings(data=data)) as ledger, ledger.writing(tenant) as tx:
        return keys.create(tx, tenant, rights)[1]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Yield what starts services, by default on `folder`/data; what still runs at the end is killed."""
    running: list[Server] = []
    numbers = count()

    def started(data: Path = folder / "data", **env: str) -> Server:
        number = next(numbers)
        printed, log = folder / f"printed{number}", folder / f"log{number}"
        with printed.open("w") as out, log.open("w") as err:
            process = subprocess.Popen(
                [*SATCHEL, "serve", "--port", "0", "--data", str(data)],
                cwd=ROOT,
                env={**os.environ, **env},
                stdout=out,
                stderr=err,
            )
        server = Server(process, "", data)
        running.append(server)
        while "/v1/context" not in printed.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        server.printed = printed.read_text().splitlines()
        server.url = next(line.split()[4] for line in server.printed if line.startswith("Satchel is ready"))
        return server

    try:
        yield started
    finally:
        for server in running:
            for client in server.clients:
                client.close()
            if server.process.poll() is None:
                server.kill()
