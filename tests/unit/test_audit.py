"""The audit log: every change of it is found, the database refuses most, and writers don't break it."""

import threading

import pytest
import sqlalchemy as sa

from memory.ledger import Ledger, audit
from memory.ledger.schema import audit as table
from memory.ledger.schema import audit_heads
from memory.ledger.tenancy import EVERY_TENANT

LINES = 6


def write(ledger: Ledger, count: int = LINES, tenant: str = "acme") -> None:
    """Record lines, each in a transaction of its own."""
    for number in range(count):
        with ledger.writing(tenant) as tx:
            audit.record(tx, tenant, "key:1", "memory.export", audit.subject(tenant, "user", "ada"), n=number)


def verdict(ledger: Ledger, tenant: str = "acme") -> audit.Verdict:
    """Check the chain."""
    with ledger.reading(tenant) as tx:
        return audit.verify(tx, tenant)


def unguarded(ledger: Ledger, change: sa.UpdateBase) -> None:
    """Change the table as one who has the whole database in hand: without the triggers."""
    if ledger.engine.dialect.name == "sqlite":
        with ledger.writing(EVERY_TENANT) as tx:
            tx.exec_driver_sql("DROP TRIGGER audit_is_kept")
            tx.exec_driver_sql("DROP TRIGGER audit_is_not_emptied")
            tx.execute(change)
        return
    superuser = sa.create_engine(ledger.engine.url.set(username="postgres"))
    with superuser.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        tx.execute(change)
    superuser.dispose()


def test_a_chain_as_it_was_written_is_whole(ledger: Ledger) -> None:
    """Each tenant has its own; names are in none of it; its head is the last line's hash."""
    write(ledger)
    write(ledger, 2, "other")

    found = verdict(ledger)

    assert (found.lines, found.broken, found.unchained) == (LINES, None, 0)
    assert verdict(ledger, "other").lines == 2
    with ledger.reading("acme") as tx:
        lines = audit.lines(tx, "acme")
    assert [line.seq for line in lines] == list(range(1, LINES + 1))
    assert lines[-1].hash == found.head
    assert "ada" not in repr(lines)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (sa.update(table).where(table.c.seq == 3).values(actor="key:2"), 3),
        (sa.update(table).where(table.c.seq == 3).values(detail={"n": 99}), 3),
        (sa.update(table).where(table.c.seq == 3).values(at=1), 3),
        (sa.update(table).where(table.c.seq == 3).values(hash=b"x" * 32), 3),
        (sa.delete(table).where(table.c.seq == 3), 3),
        (sa.delete(table).where(table.c.seq == 1), 1),
        (sa.delete(table).where(table.c.seq > 4), 5),
        (sa.delete(table), 1),
        (sa.delete(audit_heads), LINES),
    ],
)
def test_whatever_is_changed_is_found(ledger: Ledger, change: sa.UpdateBase, at: int) -> None:
    """Words, times, places, hashes; lines taken out at the start, in the middle, at the end, or all."""
    write(ledger)

    unguarded(ledger, change)

    found = verdict(ledger)
    assert found.broken == at
    assert found.why


@pytest.mark.parametrize(
    "change",
    [
        sa.update(table).values(actor="key:2"),
        sa.update(table).values(hash=None),
        sa.delete(table).where(table.c.seq == 1),
    ],
)
def test_the_database_refuses_changes(ledger: Ledger, change: sa.UpdateBase) -> None:
    """By triggers: an update or a delete fails, and nothing of its transaction is kept."""
    write(ledger)

    with pytest.raises(sa.exc.DBAPIError, match="only added to"), ledger.writing("acme") as tx:
        tx.execute(change)

    assert verdict(ledger).broken is None


def test_lines_of_before_there_were_chains_join(ledger: Ledger) -> None:
    """In their order, with the tenant's next line; until then they are counted."""
    old = {"tenant": "acme", "actor": "cli", "action": "purge.user", "subject": "x", "detail": {"turns": 3}}
    with ledger.writing("acme") as tx:
        tx.execute(sa.insert(table), [old | {"at": 1}, old | {"at": 2}])
    assert verdict(ledger).unchained == 2

    write(ledger, 1)

    found = verdict(ledger)
    assert (found.lines, found.broken, found.unchained) == (3, None, 0)
    with ledger.reading("acme") as tx:
        assert [line.at for line in audit.lines(tx, "acme")][:2] == [1, 2]


def test_any_number_of_writers_make_one_chain(ledger: Ledger) -> None:
    """Eight threads, one tenant: no line is lost, and none has another's place."""
    threads = [threading.Thread(target=write, args=(ledger, 10)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = verdict(ledger)

    assert (found.lines, found.broken) == (80, None)


def test_what_is_undone_leaves_no_line(ledger: Ledger) -> None:
    """A line falls with its transaction, and the next one takes its place."""
    write(ledger, 2)

    def fails() -> None:
        with ledger.writing("acme") as tx:
            audit.record(tx, "acme", "cli", "purge.user", "x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    write(ledger, 1)

    assert (verdict(ledger).lines, verdict(ledger).broken) == (3, None)
