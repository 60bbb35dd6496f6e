"""Crash a scenario at any of its steps, from outside: nothing in the service knows of it.

A step is the moment before a statement that writes, before and after a commit, and before a file of the
data folder is renamed or removed. `played` runs a scenario over a copy of a data folder in a process of its
own; with `stop_at` the process kills itself (`kill -9`) when it reaches the step of that number:

    def forget(folder: Path, told: Told) -> None:
        with opened(folder) as services:
            told(services.purge.begin(Subject("default", "user", "ada"), "test").id)

    whole = played(forget, prepared, tmp_path / "whole")
    for number, name in enumerate(whole.steps):
        cut = played(forget, prepared, tmp_path / str(number), stop_at=number)
        …  # open cut.folder and look: what was in cut.told must hold, the rest is as before or as after

A scenario is a function of a module, so that another process can find it. It runs without the thread that
indexes and calls `services.indexer.step()` where it wants that, so that steps come in the same order.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from api.services import Services, open_services
from api.settings import Settings
from retrieval.indexing.indexer import Indexer
from tests.searching import WordsEncoder

# Called by a scenario with what it was told is done; durable when it returns.
Told = Callable[[str], None]
Scenario = Callable[[Path, Told], None]

_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "VACUUM", "PRAGMA WAL_CHECKPOINT")
_TIMEOUT = 300

# A server that has everything imported, and forks: a process a step costs a fraction of a second. Forking
# the tests' own process would take their threads along.
_processes = get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Played:
    """How far a scenario came. folder: the data folder as its process left it."""

    folder: Path
    steps: list[str]
    told: list[str]
    killed: bool


@contextmanager
def opened(stored: Path | Settings, *, indexing: bool = False) -> Iterator[Services]:
    """Open the services over a data folder or by settings, with an encoder that needs no model."""
    with pytest.MonkeyPatch.context() as patch:
        if not indexing:
            patch.setattr(Indexer, "start", lambda _: None)
        settings = stored if isinstance(stored, Settings) else Settings(data=stored)
        with open_services(settings, encoder=WordsEncoder()) as services:
            yield services


def played(scenario: Scenario, prepared: Path, into: Path, stop_at: int | None = None) -> Played:
    """Run a scenario over a copy of the data folder `prepared`, made in `into`, up to a step or its end."""
    folder = into / "data"
    shutil.copytree(prepared, folder)
    process = _processes.Process(target=_play, args=(scenario, folder, into, stop_at))
    process.start()
    process.join(_TIMEOUT)
    assert process.exitcode in {0, -signal.SIGKILL}, f"the scenario failed or hung: {process.exitcode}"
    return Played(folder, _lines(into / "steps"), _lines(into / "told"), process.exitcode != 0)


def _play(scenario: Scenario, folder: Path, notes: Path, stop_at: int | None) -> None:
    with (notes / "steps").open("w", buffering=1) as steps, (notes / "told").open("w", buffering=1) as told:
        lock = threading.Lock()
        count = 0

        def reach(name: str) -> None:
            nonlocal count
            with lock:
                steps.write(name + "\n")
                if count == stop_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1

        _watch(reach, folder)
        scenario(folder, lambda text: (told.write(text + "\n"), None)[1])


def _watch(reach: Callable[[str], None], folder: Path) -> None:
    """Report each step of this process, for the rest of its life."""

    def statement(connection: sa.Connection, _cursor: Any, text: str, *_: Any) -> None:
        words = text.upper().replace("OR REPLACE", "").replace("INTO", "").replace("FROM", "").split()
        if " ".join(words).startswith(_WRITES):
            reach(f"{_database(connection)}: before {words[0].lower()} {words[1].lower()}")

    def commit(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes"):
            connection.info["committed"] = _database(connection)
            reach(f"{_database(connection)}: before commit")

    def given_back(_: Any, entry: ConnectionPoolEntry) -> None:
        if database := entry.info.pop("committed", None):
            reach(f"{database}: after commit")

    def audited(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"os.rename", "os.remove"} and str(folder) in str(arguments[0]):
            reach(f"{Path(str(arguments[0])).name}: before {event.removeprefix('os.')}")

    sa.event.listen(sa.Engine, "before_cursor_execute", statement)
    sa.event.listen(sa.Engine, "commit", commit)
    sa.event.listen(sa.pool.Pool, "checkin", given_back)
    sys.addaudithook(audited)


def _database(connection: sa.Connection) -> str:
    return Path(connection.engine.url.database or "?").name


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
