"""R25: a data folder has one process; a second says so and ends, and a killed one leaves nothing to clear."""

import os
import subprocess
import threading
from pathlib import Path

import httpx

from api.settings import Settings
from api.stores import open_ledger
from memory.ledger import keys
from memory.ledger.tenancy import EVERY_TENANT
from tests.reliability.conftest import Reached
from tests.serving import ROOT, SATCHEL, Server, Start, run


def worked(arguments: list[str], data: Path) -> tuple[int, str, float]:
    """Run the command to its end; return its exit code, its words, and the seconds of CPU that it took.

    Not the time on the clock: how long a process waits for its turn is no property of ours.
    """
    process = subprocess.Popen(
        [*SATCHEL, *arguments],
        cwd=ROOT,
        env={**os.environ, "SATCHEL_DATA": str(data)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    # One that serves, though it must not, would be read from for ever.
    patience = threading.Timer(60, process.kill)
    patience.start()
    with process.stderr:
        words = process.stderr.read()
    patience.cancel()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, words, used.ru_utime + used.ru_stime


def test_a_second_process_ends_at_once(server: Server, reached: Reached) -> None:
    """Its message names the holder and the way out, and the first goes on."""
    code, words, seconds = worked(["serve", "--port", "0"], server.data)
    # What any refusal takes: Python and the imports. The rest is what it did to find the folder taken.
    refused, _, loading = worked(["serve", "--port", "0"], Path("/dev/null/no folder"))

    assert (code, refused) == (4, 4)
    assert words.count("\n") == 1
    assert f"in use by process {server.process.pid}; stop it or choose another folder" in words
    assert seconds - loading <= 1
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    reached(
        f"the second ended after {seconds - loading:.2f} s of work, beside {loading:.1f} s to load Python"
    )


def test_of_many_that_start_at_once_one_serves(tmp_path: Path) -> None:
    """On a new folder: one has it, the key that it printed is the only one made, the others said why."""
    data = tmp_path / "data"
    processes = []
    for number in range(4):
        printed = (tmp_path / f"out{number}").open("w")
        with printed, (tmp_path / f"err{number}").open("w") as err:
            command = [*SATCHEL, "serve", "--port", "0", "--data", str(data)]
            processes.append(subprocess.Popen(command, cwd=ROOT, stdout=printed, stderr=err))
    try:
        ended = [process for process in processes if not _serves(process, tmp_path, processes)]
        assert len(ended) == 3
        assert {process.returncode for process in ended} == {4}
        told = [(tmp_path / f"err{number}").read_text() for number in range(4)]
        assert sum("in use by process" in words for words in told) == 3
        printed_keys = [(tmp_path / f"out{number}").read_text().count("sk_") > 0 for number in range(4)]
        assert printed_keys.count(True) == 1
        with open_ledger(Settings(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
            assert len(keys.all_of(tx)) == 1
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _serves(process: subprocess.Popen[bytes], folder: Path, every: list[subprocess.Popen[bytes]]) -> bool:
    """Wait until the process serves or has ended."""
    printed = folder / f"out{every.index(process)}"
    while process.poll() is None:
        if "Satchel is ready" in printed.read_text():
            return True
    return False


def test_a_taken_port_costs_no_key(server: Server, tmp_path: Path) -> None:
    """The first start of another folder fails for the port: the key comes with the start that works."""
    data = tmp_path / "other"
    port = server.url.rsplit(":", 1)[1]

    refused = run("serve", "--port", port, data=data)

    assert refused.returncode == 4
    assert "choose another --port" in refused.stderr
    with open_ledger(Settings(data=data)) as ledger, ledger.reading(EVERY_TENANT) as tx:
        assert keys.all_of(tx) == []


def test_a_killed_process_leaves_nothing_to_clear(start: Start, server: Server) -> None:
    """The lock is the system's, not the file's: the file stays, names a living process, and holds nobody."""
    server.kill()
    lock = server.data / "lock"
    assert lock.read_text() == str(server.process.pid)
    lock.write_text(str(os.getpid()))  # as if its number had been given to another process since

    assert httpx.get(f"{start().url}/readyz").status_code == 200
