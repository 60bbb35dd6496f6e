"""A `satchel serve` in a process and a data folder of its own."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.settings import Settings
from api.stores import DEFAULT_TENANT, open_ledger
from memory.errors import UnavailableError
from memory.ledger import keys

_COMMAND = (sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0", "--data")
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running service. start_seconds: from the command to the first `ready`."""

    client: httpx.Client
    pid: int
    start_seconds: float

    def queued(self) -> int:
        """Return how many turns wait for the index."""
        return int(self.client.get("/readyz").json()["queued"])

    def resident_mib(self) -> float:
        """Return the memory that the process holds now (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kib) / 1024


@contextmanager
def serving(data: Path | None = None) -> Iterator[Server]:
    """Start a service over `data`, by default over an empty memory that is deleted on the way out."""
    with tempfile.TemporaryDirectory(prefix="satchel-latency-") as scratch:
        data = data or Path(scratch)
        with open_ledger(Settings(data=data)) as ledger, ledger.writing(DEFAULT_TENANT) as tx:
            secret = keys.create(tx, DEFAULT_TENANT)[1]
        begun = time.perf_counter()
        with (data / "log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 - this project's own command
                [*_COMMAND, str(data)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            address = _address(process)
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx.Client(base_url=address, headers=headers, timeout=600) as client:
                client.get("/readyz").raise_for_status()
                yield Server(client, process.pid, time.perf_counter() - begun)
        finally:
            process.terminate()
            process.communicate(timeout=_PATIENCE)


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that the service prints once it is ready."""
    for line in process.stdout or ():
        if line.startswith("Satchel is ready on "):
            return line.split()[4]
    raise UnavailableError("the service did not start; run `satchel serve` to see why")
