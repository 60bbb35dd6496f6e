"""What replicas share, and what one process must have to itself."""

from pathlib import Path

import pytest

from api.services import open_signer, sharing
from api.settings import Settings
from api.stores import open_ledger
from memory.errors import SetupError
from memory.ledger import Ledger
from memory.purge import Signer
from memory.purge.signing import FILE
from tests.conftest import A_MASTER_KEY


@pytest.fixture
def alone(postgres: str, tmp_path: Path) -> Settings:
    """Settings for a ledger on PostgreSQL with an embedded index."""
    return Settings.model_validate(
        {"database": postgres, "master_key": A_MASTER_KEY, "data": tmp_path / "data"}
    )


@pytest.fixture
def shared(alone: Settings) -> Settings:
    """Settings for a ledger on PostgreSQL with an index on a server."""
    return alone.model_copy(update={"qdrant_url": "http://127.0.0.1:1"})


def test_an_embedded_index_has_the_ledger_to_itself(alone: Settings, shared: Settings) -> None:
    """A second process is refused, whatever its index; once the first has ended, it is not."""
    with open_ledger(alone) as ledger, open_ledger(alone) as other:
        with sharing(alone, ledger):
            for late in (alone, shared):
                with pytest.raises(SetupError, match="SATCHEL_QDRANT_URL"), sharing(late, other):
                    pass
        with sharing(alone, other):
            pass


def test_replicas_share_the_ledger(alone: Settings, shared: Settings) -> None:
    """Any number with one index; while there are any, none may bring an index of its own."""
    with open_ledger(shared) as ledger, open_ledger(shared) as other:
        with (
            sharing(shared, ledger),
            sharing(shared, other),
            pytest.raises(SetupError, match="serves this ledger"),
            sharing(alone, other),
        ):
            pass
        with sharing(alone, other):
            pass


def test_a_name_is_kept_by_one(ledger: Ledger) -> None:
    """On SQLite there is one process; among replicas others see that it is taken, until it is let go."""
    replicas = ledger.engine.dialect.name == "postgresql"
    with ledger.keeping("work") as one, ledger.keeping("work") as two, ledger.keeping("other") as three:
        assert (one, two, three) == (True, not replicas, True)
    with ledger.keeping("work") as again:
        assert again


def test_replicas_sign_with_one_key(shared: Settings) -> None:
    """It is made once, kept in the ledger under the master key, and needs no data folder."""
    with open_ledger(shared) as ledger, open_ledger(shared) as other:
        assert open_signer(shared, ledger).public_key == open_signer(shared, other).public_key
    assert not shared.data.exists()


def test_a_key_from_before_goes_on_to_sign(shared: Settings) -> None:
    """A ledger that came from one folder keeps the key that signed its receipts there."""
    shared.data.mkdir()
    before = Signer.from_file(shared.data / FILE)

    with open_ledger(shared) as ledger:
        assert open_signer(shared, ledger).public_key == before.public_key
        assert Signer.in_ledger(ledger).public_key == before.public_key


def test_a_key_in_a_file_of_its_own_is_used(shared: Settings, tmp_path: Path) -> None:
    """Where one is named, that one signs."""
    own = Signer.from_file(tmp_path / "own.pem")

    with open_ledger(shared) as ledger:
        named = shared.model_copy(update={"receipt_key": tmp_path / "own.pem"})
        assert open_signer(named, ledger).public_key == own.public_key
