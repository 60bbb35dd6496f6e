"""PostgreSQL: what a transaction may touch, whatever its statements say."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from memory.errors import SetupError
from memory.ledger import EVERY_TENANT, Ledger, outbox, turns
from memory.ledger.engine import reading
from memory.ledger.schema import outbox as queue
from memory.ledger.schema import tenants, users
from memory.ledger.schema import turns as turn_table
from memory.ledger.wall import walled
from memory.scope import Scope
from memory.vault import LocalMaster
from tests.helpers import said
from tests.postgres import OWNER, Databases

MASTER = LocalMaster([b"-" * 32], "-")


@pytest.fixture
def two_tenants(postgres: str) -> Iterator[Ledger]:
    """A ledger in which two tenants have a turn each; reached as the service's role."""
    ledger = Ledger.on_server(postgres, MASTER)
    for tenant in ("one", "two"):
        with ledger.writing(tenant) as tx:
            turns.append(tx, Scope(tenant, "ada", "s"), [said(f"of {tenant}")], [1])
    yield ledger
    ledger.close()


def test_a_forgotten_where_finds_nothing_foreign(two_tenants: Ledger) -> None:
    """A statement that names no tenant sees the transaction's own rows, of any table."""
    with two_tenants.reading("one") as tx:
        assert list(tx.scalars(sa.select(turn_table.c.tenant))) == ["one"]
        assert list(tx.scalars(sa.select(tenants.c.name))) == ["one"]
        assert outbox.depth(tx) == 1
    with two_tenants.writing("one") as tx:
        assert tx.execute(sa.delete(queue)).rowcount == 1
        assert tx.execute(sa.update(users).values(turns=0)).rowcount == 1
        assert tx.execute(sa.delete(turn_table)).rowcount == 1
    with two_tenants.reading("two") as tx:
        assert list(tx.scalars(sa.select(turn_table.c.tenant))) == ["two"]


def test_a_row_of_another_tenant_can_not_be_written(two_tenants: Ledger) -> None:
    """Neither made nor handed over."""
    with pytest.raises(SetupError, match="row-level security"), two_tenants.writing("one") as tx:
        tx.execute(sa.insert(tenants).values(name="three", created_at=0))
    with pytest.raises(SetupError, match="row-level security"), two_tenants.writing("one") as tx:
        tx.execute(sa.update(users).values(tenant="two"))


def test_without_a_tenant_nothing_is_there(two_tenants: Ledger) -> None:
    """Also on a connection that served somebody a moment ago; only work for all says so."""
    with two_tenants.reading("one") as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(turn_table)) == 1
    with reading(two_tenants.engine) as tx:
        for name in walled():
            assert tx.execute(sa.select(sa.table(name))).first() is None, name
    with two_tenants.reading(EVERY_TENANT) as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(turn_table)) == 2


def test_every_table_with_a_tenants_rows_is_walled(postgres: str) -> None:
    """As the database has it, the owner of the tables included."""
    ledger = Ledger.on_server(postgres, MASTER)
    query = sa.text(
        "SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname"
        " WHERE c.relrowsecurity AND c.relforcerowsecurity"
    )
    with reading(ledger.engine) as tx:
        protected = set(tx.scalars(query))
        held = set(sa.inspect(tx).get_table_names())
    ledger.close()

    assert protected == set(walled())
    # The installation's own: no row of these is a tenant's, and tombstones are keyed hashes.
    assert held - protected == {"alembic_version", "secrets", "backups", "tombstones"}


def test_the_service_can_not_take_the_wall_down(two_tenants: Ledger) -> None:
    """Its role owns no table."""
    with pytest.raises(SetupError, match="must be owner"), two_tenants.writing("one") as tx:
        tx.exec_driver_sql("ALTER TABLE turns DISABLE ROW LEVEL SECURITY")


def test_who_may_not_make_tables_is_told(databases: Databases) -> None:
    """An empty database and a role without rights to it: the error says what to do."""
    with databases.bare() as name, pytest.raises(SetupError, match=r"docs/cluster\.md"):
        Ledger.on_server(databases.url(name), MASTER)


def test_replicas_that_start_together_migrate_once(databases: Databases) -> None:
    """Four at the same time on an empty database."""
    with databases.bare() as name:
        url, owner = databases.url(name), databases.url(name, OWNER)
        with ThreadPoolExecutor(4) as threads:
            opened = list(threads.map(lambda _: Ledger.on_server(url, MASTER, owner=owner), range(4)))
        for ledger in opened:
            with ledger.reading("one") as tx:
                assert outbox.depth(tx) == 0
            ledger.close()
