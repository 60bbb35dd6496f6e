"""Stores for one run on servers that others use too: a new database and a new collection, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from pydantic import SecretStr

from api.indexes import qdrant_index
from api.settings import Settings
from memory.encoders import Encoder
from memory.errors import SetupError
from memory.ledger.failures import typed_failures
from memory.ledger.postgres import postgres_engine
from retrieval.passages.codec import default_codec


@contextmanager
def scratch_stores(servers: Settings, folder: Path, encoder: Encoder) -> Iterator[Settings]:
    """Yield the same settings with stores of its own on these servers, and a master key in `folder`.

    Raises `SetupError` where a server isn't named or the role may not create databases, and
    `UnavailableError` where one doesn't answer.
    """
    if servers.database is None or servers.qdrant_url is None:
        raise SetupError("name the servers: SATCHEL_DATABASE (PostgreSQL) and SATCHEL_QDRANT_URL (Qdrant)")
    name = f"satchel_eval_{uuid4().hex[:12]}"
    own = {
        "data": folder,
        "database": _moved(servers.database, name),
        "database_owner": servers.database_owner and _moved(servers.database_owner, name),
        "qdrant_collection": name.replace("_", "-"),
        "master_key": None,
        "master_key_file": folder / "master.key",
        "receipt_key": None,
    }
    settings = servers.model_copy(update=own)
    with _database(servers.database_owner or servers.database, name), _collection(settings, encoder):
        yield settings


def _moved(url: SecretStr, database: str) -> SecretStr:
    moved = sa.make_url(url.get_secret_value()).set(database=database)
    return SecretStr(moved.render_as_string(hide_password=False))


@contextmanager
def _database(url: SecretStr, name: str) -> Iterator[None]:
    server = postgres_engine(url.get_secret_value(), pool=1)
    try:
        _run(server, f"CREATE DATABASE {name}")
        try:
            yield
        finally:
            _run(server, f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        server.dispose()


def _run(server: sa.Engine, statement: str) -> None:
    # Outside of a transaction, where alone databases are made and dropped.
    alone = server.execution_options(isolation_level="AUTOCOMMIT")
    with typed_failures(), alone.connect() as connection:
        connection.execute(sa.text(statement))


@contextmanager
def _collection(settings: Settings, encoder: Encoder) -> Iterator[None]:
    """Make a new collection at once, so that a server that is away is told before anything is asked."""
    index = qdrant_index(settings, encoder, default_codec(encoder.dim))
    try:
        index.publish()
        yield
    finally:
        index.remove()
        index.close()
