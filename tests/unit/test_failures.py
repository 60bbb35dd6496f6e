"""What a database's own errors become."""

import pytest
import sqlalchemy as sa

from api.settings import Settings
from api.stores import open_ledger
from memory.errors import BusyError, SetupError, UnavailableError
from memory.ledger import EVERY_TENANT, Ledger
from memory.ledger.postgres import postgres_engine
from memory.ledger.schema import tenants
from tests.unit.test_wall import MASTER

on_postgres = pytest.mark.parametrize("stored", ["postgresql"], indirect=True)


def test_a_server_that_is_not_there() -> None:
    """Nothing listens: try again later."""
    with pytest.raises(UnavailableError, match="doesn't answer"):
        Ledger.on_server("postgresql://nobody@127.0.0.1:1/nothing", MASTER)


@pytest.mark.parametrize("url", ["mysql://a@b/c", "no url"])
def test_a_url_that_will_not_do(url: str) -> None:
    """The error says what a good one is like."""
    with pytest.raises(SetupError, match="postgresql://"):
        postgres_engine(url, pool=1)


@on_postgres
def test_a_connection_that_is_cut(ledger: Ledger, stored: Settings) -> None:
    """The request that had it is told to try again; the next one gets a good connection."""

    def cut_off() -> None:
        with ledger.reading(EVERY_TENANT) as tx:
            number = tx.scalar(sa.select(sa.func.pg_backend_pid()))
            with open_ledger(stored) as other, other.writing(EVERY_TENANT) as killer:
                killer.execute(sa.select(sa.func.pg_terminate_backend(number)))
            tx.execute(sa.select(tenants.c.name))

    with pytest.raises(UnavailableError, match="doesn't answer"):
        cut_off()
    with ledger.reading(EVERY_TENANT) as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(tenants)) == 1


@on_postgres
def test_what_another_wrote_meanwhile_is_seen_the_second_time(ledger: Ledger) -> None:
    """A transaction that met another is begun anew; one that always does, gives up as busy."""
    tries: list[int] = []

    def work(tx: sa.Connection) -> str:
        tries.append(1)
        if len(tries) == 1:
            tx.execute(sa.insert(tenants).values(name="default", created_at=0))
        return "done"

    assert ledger.repeating("default", work) == "done"
    assert len(tries) == 2
    with pytest.raises(BusyError), ledger.writing("default") as tx:
        tx.execute(sa.insert(tenants).values(name="default", created_at=0))


@on_postgres
def test_a_reader_sees_one_state(ledger: Ledger) -> None:
    """What is committed while it reads is not in what it reads."""
    count = sa.select(sa.func.count()).select_from(tenants)
    with ledger.reading(EVERY_TENANT) as tx:
        before = tx.scalar(count)
        with ledger.writing(EVERY_TENANT) as other:
            other.execute(sa.insert(tenants).values(name="new", created_at=0))
        assert tx.scalar(count) == before
    with ledger.reading(EVERY_TENANT) as tx:
        assert tx.scalar(count) == (before or 0) + 1
