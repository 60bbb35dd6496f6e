"""R24: another encoder: refused with the remedy, and built under load, with a kill, without a loss."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import Encoder
from memory.errors import EncoderMismatchError, SatchelError
from memory.ledger import EVERY_TENANT, turns
from memory.purge import Subject
from memory.scope import Scope
from retrieval.finder import Wanted
from tests.conftest import A_MASTER_KEY
from tests.helpers import said
from tests.qdrant.rest import scratch, serving
from tests.reliability.conftest import Reached
from tests.reliability.rebuilding import OtherWords, intent_model
from tests.reliability.unscanned import unscanned
from tests.searching import WordsEncoder
from tests.serving import ROOT

# The load's sessions have numbers above the first, up to the second.
_FIRST, _LATER = 10_000, 10_150
_REBUILD = [sys.executable, "-m", "tests.reliability.rebuilding"]


@dataclass
class Load:
    """One who remembers, asks and purges all the time. kept, erased: turns by number, with their words."""

    services: Services
    kept: dict[int, tuple[Scope, str]] = field(default_factory=dict)
    erased: dict[int, tuple[Scope, str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    pause: float = 0.03
    asked: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def remember(self, number: int) -> None:
        """Remember a session of three turns."""
        scope = Scope("default", f"user{number % 7}", f"session{number}")
        places = [(f"{number}-{place}", number * 7 + place) for place in range(3)]
        texts = [f"Item {item} of the list lies in drawer {drawer}." for item, drawer in places]
        answer = self.services.remember(scope, [said(text) for text in texts])
        for turn, text in zip(answer.turns, texts, strict=True):
            self.kept[turn.id] = scope, text

    def work(self) -> None:
        """Go on until told to stop."""
        drawn = random.Random(24)
        number = _FIRST
        while not self._stop.wait(self.pause):
            number += 1
            try:
                if number <= _LATER:  # on a slow machine the build takes longer, and not the more for it
                    self.remember(number)
                turn, (scope, text) = drawn.choice(list(self.kept.items()))
                self.asked += 1
                if not finds(self.services, scope, turn, text):
                    self.errors.append(f"{turn} is not found")
                if drawn.random() < 0.2 and number <= _LATER:
                    self.purge(scope)
            except SatchelError as error:
                self.errors.append(repr(error))

    def purge(self, scope: Scope) -> None:
        """Erase a session."""
        self.services.purge.begin(Subject("default", "session", scope.session or ""), "test")
        for turn in [turn for turn, (whose, _) in self.kept.items() if whose == scope]:
            self.erased[turn] = self.kept.pop(turn)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Work in a thread."""
        thread = threading.Thread(target=self.work)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def finds(services: Services, scope: Scope, turn: int, text: str) -> bool:
    """Tell whether the turn is among the best ten for its own words."""
    found = services.search(scope.whole_user(), Wanted(text), 10)
    return not found.degraded and turn in [hit.turn.id for hit in found.hits]


def rebuild(env: dict[str, str], *, kill_after: int | None = None) -> str:
    """Build in another process; return the last line it printed. It is killed at so many turns, if any."""
    command = {"cwd": ROOT, "env": {**os.environ, **env}, "stdout": subprocess.PIPE, "text": True}
    line = ""
    with subprocess.Popen(_REBUILD, **command) as process:  # type: ignore[call-overload]
        for line in process.stdout:
            if kill_after is not None and int(line.split()[0]) >= kill_after:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == (0 if kill_after is None else -signal.SIGKILL)
    return line


def replaced_under_load(old: Settings, env: dict[str, str], sessions: int, pause: float = 0.03) -> str:
    """Build another index beside a service under load, kill the builder once, switch; return the figure."""
    new = Settings.model_validate({name.removeprefix("SATCHEL_").lower(): env[name] for name in env})
    with open_services(old, encoder=WordsEncoder()) as services:
        load = Load(services, pause=pause)
        for number in range(sessions):
            load.remember(number)
        services.drain()
        with load.going_on():
            rebuild(env, kill_after=sessions)
            said_last = rebuild(env)
    assert not load.errors, load.errors[:5]
    added, of = (int(word.strip(",")) for word in said_last.split()[1:4:2])
    assert added < of, "it did not go on where it was"
    with opened_new(new) as services:
        waiting = services.queued()
        assert waiting < len(load.kept), "all of it is made anew"
        services.drain()
        check(services, load)
    return (
        f"{load.asked} questions while {of} turns were built anew, the builder killed once: 0 errors; "
        f"{len(load.kept)} turns found afterwards, 0 lost, none of {len(load.erased)} erased ones back"
    )


@contextmanager
def opened_new(settings: Settings) -> Iterator[Services]:
    encoder: Encoder = OtherWords()
    with open_services(settings, encoder=encoder) as services:
        yield services


def check(services: Services, load: Load) -> None:
    """All that was acknowledged and not erased is in the new index, and nothing else."""
    with services.ledger.reading(EVERY_TENANT) as tx:
        assert set(turns.all_numbers(tx)) == load.kept.keys()
    index: Any = services.index
    while hasattr(index, "_index"):  # behind its breaker, where it has one
        index = index._index  # noqa: SLF001 - what is wrapped has no other way
    assert index.settings.dim == OtherWords.dim
    assert index.numbers().tolist() == sorted(load.kept)
    lost = [turn for turn, (scope, text) in load.kept.items() if not finds(services, scope, turn, text)]
    assert not lost


def environment(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Return the settings of the new index, for this process and another."""
    env = {"SATCHEL_DATA": str(settings.data), "SATCHEL_MASTER_KEY": A_MASTER_KEY}
    env["SATCHEL_INTENT_MODEL"] = str(intent_model(tmp_path / "intent.npz"))
    return env


def test_another_encoder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """What was built stays as it is, and the error names the command."""
    settings = Settings(data=tmp_path / "data", master_key=SecretStr(A_MASTER_KEY))
    with open_services(settings, encoder=WordsEncoder()):
        pass
    other = settings.model_copy(update={"intent_model": intent_model(tmp_path / "intent.npz")})

    with pytest.raises(EncoderMismatchError, match="satchel reindex"), opened_new(other):
        pass
    with open_services(settings, encoder=WordsEncoder()):
        pass


def test_a_file_is_replaced_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    """The embedded index, by one of another encoder and dimension."""
    unscanned(monkeypatch)
    old = Settings(data=tmp_path / "data", master_key=SecretStr(A_MASTER_KEY))

    reached("embedded: " + replaced_under_load(old, environment(old, tmp_path), 50))
    assert not (tmp_path / "data" / "beside").exists()


def test_a_file_gives_way_to_a_server_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    """The embedded index, by one on a Qdrant server and of another encoder."""
    unscanned(monkeypatch)
    old = Settings(data=tmp_path / "data", master_key=SecretStr(A_MASTER_KEY))
    with scratch() as folder, serving(folder) as url:
        env = environment(old, tmp_path) | {"SATCHEL_QDRANT_URL": url, "SATCHEL_QDRANT_READ_TIMEOUT": "30"}

        reached("to Qdrant: " + replaced_under_load(old, env, 12, pause=1))


def test_what_is_erased_goes_from_the_index_that_is_being_built(tmp_path: Path) -> None:
    """The purge looks for it there too, and finds nothing left."""
    settings = Settings(data=tmp_path / "data", master_key=SecretStr(A_MASTER_KEY))
    with open_services(settings, encoder=WordsEncoder()) as services:
        load = Load(services)
        for number in range(4):
            load.remember(number)
        services.drain()
        rebuild(environment(settings, tmp_path))
        receipt = services.purge.begin(Subject("default", "user", "user1"), "test")
        until = time.monotonic() + 60
        while (done := services.purge.receipt("default", receipt.id)).status == "running":
            assert time.monotonic() < until, done.error
            time.sleep(0.05)

    assert done.status == "done"
    assert "the one beside it" in str(done.receipt)


@pytest.mark.drill
def test_ten_thousand_turns_are_built_anew_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    """The demanded size."""
    unscanned(monkeypatch)
    old = Settings(data=tmp_path / "data", master_key=SecretStr(A_MASTER_KEY))

    reached("embedded: " + replaced_under_load(old, environment(old, tmp_path), 3_400))
