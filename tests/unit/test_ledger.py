"""The ledger: durable settings, one schema, whole transactions."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.settings import Settings
from api.stores import open_ledger
from memory.errors import ConflictError, CorruptFileError, IdempotencyError, InvalidInputError
from memory.ledger import EVERY_TENANT, Ledger, erasing, idempotency, outbox, sessions, turns, users
from memory.ledger.erasing import Subject
from memory.ledger.idempotency import Once
from memory.ledger.outbox import Claim
from memory.ledger.schema import tables
from memory.scope import Scope
from memory.times import now
from tests.helpers import ADA, said


def remember(ledger: Ledger, *texts: str, scope: Scope = ADA) -> list[int]:
    """Append turns and return their numbers."""
    with ledger.writing("default") as tx:
        return [turn.id for turn in turns.append(tx, scope, [said(t) for t in texts], [1] * len(texts))]


def test_commits_are_durable(ledger: Ledger) -> None:
    """A commit is on disk when it returns, on every connection; SQLite also overwrites what it deletes."""
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    show = "PRAGMA"
    if ledger.engine.dialect.name == "postgresql":
        wanted, show = {"synchronous_commit": "on"}, "SHOW"

    with ledger.reading("default") as tx:
        found = {name: tx.exec_driver_sql(f"{show} {name}").scalar() for name in wanted}

    assert found == wanted


def test_migrations_lead_to_the_schema(ledger: Ledger) -> None:
    """What the migrations make is what the code expects."""
    with ledger.reading("default") as tx:
        difference = compare_metadata(MigrationContext.configure(tx), tables)

    assert difference == []


def test_opening_again_changes_nothing(ledger: Ledger, stored: Settings) -> None:
    """Migrating twice is migrating once."""
    remember(ledger, "hello")

    with open_ledger(stored) as again, again.reading("default") as tx:
        assert users.find(tx, ADA) == users.User(1, 1, 1, 1)


def test_a_failing_transaction_leaves_nothing(ledger: Ledger) -> None:
    """Turn, session, user, outbox: all or none."""

    def broken_off() -> None:
        with ledger.writing("default") as tx:
            turns.append(tx, ADA, [said("hello")], [1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()

    with ledger.reading("default") as tx:
        assert users.find(tx, ADA) is None
        assert outbox.depth(tx) == 0


def test_turns_are_numbered_in_order_by_any_number_of_writers(ledger: Ledger) -> None:
    """Eight threads append to one session; places are without gap or repeat."""
    threads = [threading.Thread(target=remember, args=(ledger, *[f"{i}"] * 10)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with ledger.reading("default") as tx:
        session = sessions.find(tx, "default", "s1")
        assert session is not None
        kept = turns.of_session(tx, session.id, limit=1000)
        assert [turn.seq for turn in kept] == list(range(80))
        assert users.find(tx, ADA) == users.User(1, 80, 80, 8)
        assert outbox.depth(tx) == 80


def test_a_turn_of_a_name_is_remembered_once(ledger: Ledger) -> None:
    """The same words again are no change; other words are a conflict; twice in a request is an error."""
    with ledger.writing("default") as tx:
        first = turns.append(tx, ADA, [said("hello", name="t1")], [1])
    with ledger.writing("default") as tx:
        assert turns.append(tx, ADA, [said("hello", name="t1"), said("more")], [1, 1])[0] == first[0]
    with pytest.raises(ConflictError), ledger.writing("default") as tx:
        turns.append(tx, ADA, [said("bye", name="t1")], [1])
    with pytest.raises(InvalidInputError), ledger.writing("default") as tx:
        turns.append(tx, ADA, [said("x", name="t2"), said("x", name="t2")], [1, 1])


def test_a_session_has_one_user(ledger: Ledger) -> None:
    """Another user's turn in it is a conflict."""
    remember(ledger, "hello")

    with pytest.raises(ConflictError):
        remember(ledger, "hello", scope=Scope("default", "bob", "s1"))


def test_an_answer_is_given_again(ledger: Ledger) -> None:
    """By its key in its tenant, for the same request only, for a day."""
    once = Once("default", "k", b"request")
    remember(ledger, "hello")
    with ledger.writing("default") as tx:
        assert idempotency.answer(tx, once) is None
        idempotency.keep(tx, once, b"answer", 1)
    with ledger.writing("default") as tx:
        assert idempotency.answer(tx, once) == b"answer"
        assert idempotency.answer(tx, Once("other", "k", b"request")) is None
        with pytest.raises(IdempotencyError):
            idempotency.answer(tx, Once("default", "k", b"another"))
        assert idempotency.sweep(tx) == 0


def test_failed_turns_are_put_off_longer_each_time(ledger: Ledger) -> None:
    """They come back when due, and are never given up."""
    (turn,) = remember(ledger, "hello")
    at = now()
    waits = []
    for _ in range(30):
        with ledger.writing("default") as tx:
            outbox.failed(tx, [turn], at, "boom")
            due = tx.scalar(sa.text("select due_at from outbox"))
            waits.append(due - at)

    assert waits[:3] == [200_000, 400_000, 800_000]
    assert waits[-1] == 60_000_000
    with ledger.writing(EVERY_TENANT) as tx:
        assert outbox.claim(tx, "w", at, 10) == []
        assert outbox.claim(tx, "w", at + 60_000_000, 10) == [Claim("w", 1, ADA.whole_user(), ((turn, 1),))]


def test_a_users_turns_are_in_one_workers_hands(ledger: Ledger) -> None:
    """Until they are let go or the claim lapses; a claim that lapsed and was taken can't be renewed."""
    mine = remember(ledger, "a", "b")
    at = now()

    def taken(worker: str, at: int) -> list[int]:
        with ledger.writing(EVERY_TENANT) as tx:
            return [turn for claim in outbox.claim(tx, worker, at, 10) for turn, _ in claim.turns]

    assert taken("one", at) == mine
    assert taken("two", at) == []
    theirs = remember(ledger, "c", scope=Scope("default", "bob", "s2"))
    assert taken("two", at + 1_000_000) == theirs
    assert taken("three", at + outbox.LEASE) == mine
    with ledger.writing(EVERY_TENANT) as tx:
        assert not outbox.renew(tx, Claim("one", 1, ADA, ()), at)
        outbox.release(tx, [Claim("one", 1, ADA, ())])
    assert taken("one", at + outbox.LEASE) == []
    with ledger.writing(EVERY_TENANT) as tx:
        outbox.release(tx, [Claim("three", 1, ADA, ())])
    assert taken("one", at + outbox.LEASE) == mine


def test_a_claim_is_held_for_as_long_as_it_is_renewed(ledger: Ledger) -> None:
    """However long its worker takes; one that another has meanwhile stays the other's."""
    mine = remember(ledger, "a")
    at = now()
    with ledger.writing(EVERY_TENANT) as tx:
        (held,) = outbox.claim(tx, "one", at, 10)
        outbox.hold(tx, [held], at + outbox.LEASE - 1)
        assert outbox.claim(tx, "two", at + outbox.LEASE, 10) == []
        assert len(outbox.claim(tx, "two", at + 2 * outbox.LEASE, 10)) == len(mine)
        outbox.hold(tx, [held], at + 2 * outbox.LEASE)
        assert outbox.claim(tx, "one", at + 2 * outbox.LEASE, 10) == []


def test_everybody_is_come_round_to(ledger: Ledger) -> None:
    """A user with a long queue takes one claim, and then it is the next one's turn."""
    ids = {
        name: remember(
            ledger, *(f"{name} {number}" for number in range(5)), scope=Scope("default", name, name)
        )
        for name in ("ada", "bob", "cy")
    }
    at, last, seen = now(), 0, []
    with ledger.writing(EVERY_TENANT) as tx:
        for _ in range(4):
            claims = outbox.claim(tx, "one", at, 3, after=last)
            last = claims[-1].user
            seen += [turn for claim in claims for turn, _ in claim.turns]

    assert seen == [*ids["ada"][:3], *ids["bob"][:3], *ids["cy"][:3], *ids["ada"][:3]]


def test_erasing_takes_what_is_named_and_no_more(ledger: Ledger) -> None:
    """A user's turns, session, queue and answers go; a neighbour's stay, and numbers are not used again."""
    mine = remember(ledger, "a", "b")
    theirs = remember(ledger, "c", scope=Scope("default", "bob", "s2"))
    with ledger.writing("default") as tx:
        idempotency.keep(tx, Once("default", "k", b"r"), b"a", 1)
        reached = erasing.reach(tx, Subject("default", "user", "ada"))
        assert reached is not None
        assert reached.ids() == mine
        assert erasing.erase(tx, reached).rows["turns"] == len(mine)

    with ledger.reading("default") as tx:
        assert users.find(tx, ADA) is None
        assert idempotency.answer(tx, Once("default", "k", b"r")) is None
        assert outbox.pending(tx, 2) == theirs
    assert remember(ledger, "d")[0] > max(mine + theirs)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Not an SQLite file: an operator's matter, said so."""
    (tmp_path / "ledger.sqlite3").write_bytes(b"garbage" * 1000)

    with pytest.raises(CorruptFileError, match="damaged"):
        Ledger.in_folder(tmp_path)


def test_a_file_follows_what_is_live(tmp_path: Path) -> None:
    """Pages that erased turns leave behind are given back when the files are compacted."""
    ledger = Ledger.in_folder(tmp_path)
    remember(ledger, *("x" * 4000 for _ in range(1000)))
    ledger.compact()
    full = (tmp_path / "ledger.sqlite3").stat().st_size
    with ledger.writing("default") as tx:
        tx.execute(sa.text("DELETE FROM turns"))
    ledger.compact()

    assert (tmp_path / "ledger.sqlite3").stat().st_size < full / 3
    ledger.close()


def test_all_of_a_user_is_queued_again(ledger: Ledger) -> None:
    """What is queued already is not queued twice, and it is said how many came to it."""
    first, *_ = remember(ledger, "one", "two", "three")
    remember(ledger, "of another", scope=Scope("default", "bob", "b1"))
    with ledger.writing(EVERY_TENANT) as tx:
        outbox.done(tx, [first])

        assert outbox.requeue(tx, now(), ADA) == 1
        assert outbox.depth(tx) == 4
