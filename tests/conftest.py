"""What tests share: one encoder for all, services in a folder of their own, a clean environment."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from api.services import Services, open_services
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import OnnxEncoder
from memory.ledger import Ledger
from memory.tokens import TokenCounter
from tests.postgres import Databases, serving
from tests.serving import Server, Start, starting

# Example counts are chosen for two cores; a slow machine must not fail by time.
settings.register_profile(
    "satchel",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("satchel")


A_MASTER_KEY = base64.b64encode(b"a master key of thirty-two bytes").decode()


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


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A PostgreSQL server, started when the first test asks for it."""
    with pytest.MonkeyPatch.context() as patch, serving(patch) as opened:
        yield opened


@pytest.fixture
def postgres(databases: Databases) -> Iterator[str]:
    """The URL of a new PostgreSQL database that holds an empty ledger."""
    with databases.new() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings for a new ledger; what asks for this runs once on SQLite and once on PostgreSQL."""
    data = tmp_path / "data"
    if request.param == "sqlite":
        return Settings(data=data)
    database = SecretStr(request.getfixturevalue("postgres"))
    return Settings(data=data, database=database, master_key=SecretStr(A_MASTER_KEY))


@pytest.fixture
def ledger(stored: Settings) -> Iterator[Ledger]:
    """A new, empty ledger, on SQLite and on PostgreSQL."""
    with open_ledger(stored) as opened:
        yield opened


@pytest.fixture
def services(stored: Settings, encoder: OnnxEncoder) -> Iterator[Services]:
    """All use cases over a new ledger and data folder, on SQLite and on PostgreSQL."""
    with open_services(stored, encoder=encoder) as opened:
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
