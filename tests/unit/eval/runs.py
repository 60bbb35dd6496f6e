"""Runs of three systems on the small conversation, as `satchel eval run` leaves them."""

from pathlib import Path

import pytest

from eval.run import runner
from eval.run.runner import load, run
from eval.run.settings import RunSettings
from memory.encoders import Encoder
from tests.unit.eval.fakes import HashEncoder
from tests.unit.eval.run.test_run import Silent
from tests.unit.eval.samples import write_sample


def sample_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Run on four copies of the conversation, with words instead of a model; return where each run is."""

    def made(name: str, *, threads: int = 0) -> Encoder:
        del name, threads
        return HashEncoder()

    monkeypatch.setattr(runner, "lazy_encoder", made)
    data = write_sample(folder / "sample.jsonl", 4)
    found = []
    for system in ("bm25", "newest", "full"):
        settings = RunSettings(data, folder / system, system, (60, 70, 110), cache=folder / "cache")
        run(settings, Silent(), load(settings))
        found.append(settings.out)
    return found
