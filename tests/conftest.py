"""What tests share: one encoder for all, services in a folder of their own, a clean environment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from api.services import Services, open_services
from api.settings import Settings
from memory.encoders import OnnxEncoder
from memory.ledger import Ledger
from memory.tokens import TokenCounter
from tests.serving import Server, Start, starting

# Example counts are chosen for two cores; a slow machine must not fail by time.
settings.register_profile(
    "satchel",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("satchel")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `tests/reliability`; pytest takes options from this file only."""
    parser.addoption("--reached", type=Path, help="folder to write each reliability test's figure to")


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the shell that runs it."""
    for name in os.environ:
        if name.startswith("SATCHEL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def encoder() -> OnnxEncoder:
    """The default encoder, loaded once."""
    return OnnxEncoder()


@pytest.fixture(scope="session")
def counter() -> TokenCounter:
    """The default token counter."""
    return TokenCounter()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new, empty ledger."""
    opened = Ledger.in_folder(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def services(tmp_path: Path, encoder: OnnxEncoder) -> Iterator[Services]:
    """All use cases over a new data folder."""
    with open_services(Settings(data=tmp_path / "data"), encoder=encoder) as opened:
        yield opened


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start services in processes of their own, by default all on one data folder."""
    with starting(tmp_path) as started:
        yield started


@pytest.fixture
def server(start: Start) -> Server:
    """One running service."""
    return start()
