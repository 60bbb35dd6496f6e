"""R16 on PostgreSQL and Qdrant: what a purge leaves in the files of both servers."""

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.services import Services
from api.settings import Settings
from memory.ledger.schema import data_keys, turns, users
from memory.purge import Subject
from tests.conftest import A_MASTER_KEY
from tests.postgres import SERVICE, Databases
from tests.qdrant.rest import serving
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.test_r16_residue import (
    BOB,
    CANARY,
    EVE,
    every_form,
    every_vector,
    purged,
    remember,
    top_ten,
)

# What docs/cluster.md asks for, so that a purge reaches the server's log too.
MAY_RENEW_LOG = (
    f"GRANT pg_checkpoint TO {SERVICE}",
    f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {SERVICE}",
)


@pytest.fixture
def cluster(databases: Databases, postgres: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a ledger on PostgreSQL and an index on Qdrant's engine."""
    databases.as_superuser(postgres, *MAY_RENEW_LOG)
    with serving(tmp_path / "qdrant") as url:
        yield Settings(
            data=tmp_path / "data",
            database=SecretStr(postgres),
            master_key=SecretStr(A_MASTER_KEY),
            qdrant_url=url,
        )


def test_nothing_is_left_on_postgresql_and_qdrant(
    cluster: Settings, databases: Databases, postgres: str, tmp_path: Path, reached: Reached
) -> None:
    """By plain counting: no text was ever there; names, ciphertext, keys and vectors were, and are gone."""
    with opened(cluster) as services:
        remember(services, EVE, [CANARY, *(f"{CANARY} Again, {n}." for n in range(40))])
        remember(services, BOB, [f"Bob notes item {number}: buy {number} pears." for number in range(60)])
        recalled = [top_ten(services, BOB, f"pears of item {n}") for n in range(10)]
        databases.as_superuser(postgres, "ANALYZE", "CHECKPOINT")
        wanted = every_form(CANARY) | stored_forms(services) | on_qdrant()
        (shard,) = (tmp_path / "qdrant").iterdir()
        folders = {
            "postgresql": databases.folder,
            "qdrant": shard / "segments",
            "qdrant's log": shard / "wal",
            "data": cluster.data,
        }
        before = {name: copies(folder, wanted) for name, folder in folders.items()}

        receipt = purged(services, Subject("default", "user", EVE.user))

        databases.as_superuser(postgres, "CHECKPOINT")
        after = {name: copies(folder, wanted) for name, folder in folders.items()}
        assert [top_ten(services, BOB, f"pears of item {n}") for n in range(10)] == recalled
    cleared = (receipt.receipt or {})["cleared"]
    assert "write-ahead log renewed" in cleared["ledger"]
    assert "segments rewritten" in cleared["index"]
    assert {"user", "session", "turn", "ciphertext", "wrapped key"} == before["postgresql"].keys()
    assert {"float16", "entry 2"} <= before["qdrant"].keys()
    assert before["qdrant's log"]
    # The engine by itself never cuts its log, which takes a server: what is left there is only counted.
    left = after.pop("qdrant's log")
    assert after == {name: {} for name in folders if name != "qdrant's log"}
    counted = ", ".join(f"{sum(found.values())} in {name}" for name, found in before.items() if found)
    reached(
        f"PostgreSQL and Qdrant's engine: {counted} before, 0 after but {sum(left.values())} in the log, "
        "which only a server cuts; no text before either"
    )


def stored_forms(services: Services) -> dict[str, bytes]:
    """Return what the ledger holds of the canary in place of its text."""
    with services.ledger.reading(EVE.tenant) as tx:
        row = tx.execute(
            sa.select(turns.c.name, turns.c.sealed, data_keys.c.wrapped)
            .join(users, users.c.id == turns.c.user_id)
            .join(data_keys, data_keys.c.user_id == users.c.id)
            .where(users.c.name == EVE.user)
        ).first()
    assert row is not None
    return {"turn": row.name.encode(), "ciphertext": row.sealed[:64], "wrapped key": row.wrapped}


def on_qdrant() -> dict[str, bytes]:
    """Return parts of the canary's vector as Qdrant keeps them: by itself, and in the payload."""
    forms = every_vector(CANARY)
    entry = {f"entry {shift}": base64.b64encode(forms["float16"][shift:])[:64] for shift in range(3)}
    return forms | entry


def copies(folder: Path, wanted: dict[str, bytes]) -> dict[str, int]:
    """Return how often each is in the folder's files, of which some may go meanwhile."""
    found: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        try:
            # Files of the engine are many times as long as what is in them.
            data = path.read_bytes().rstrip(b"\0") if path.is_file() else b""
        except FileNotFoundError:
            continue
        found += Counter({name: data.count(needle) for name, needle in wanted.items()})
    return dict(found)
