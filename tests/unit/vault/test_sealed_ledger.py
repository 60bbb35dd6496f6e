"""What the ledger holds encrypted, and what opens it."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.settings import Settings
from api.stores import open_ledger
from memory.errors import CorruptFileError, IdempotencyError, MasterKeyError, SetupError
from memory.ledger import EVERY_TENANT, Ledger, data_keys, erasing, idempotency, turns, users
from memory.ledger.erasing import Subject
from memory.ledger.idempotency import Once
from memory.ledger.schema import data_keys as key_table
from memory.ledger.schema import tables
from memory.ledger.schema import turns as turn_table
from memory.scope import Scope
from memory.turns import NewTurn, Turn
from memory.vault import KeyFile
from tests.helpers import ADA, said

BOB = Scope("default", "bob", "s2")
CANARIES = ("quondamberry", "Zephyrine", "tarnwhistle")


def remember(ledger: Ledger, scope: Scope, *new: NewTurn) -> list[Turn]:
    """Append turns."""
    with ledger.writing(EVERY_TENANT) as tx:
        return turns.append(tx, scope, new, [1] * len(new))


def read(ledger: Ledger, scope: Scope = ADA) -> list[Turn]:
    """Return all turns of a user."""
    with ledger.reading(EVERY_TENANT) as tx:
        return list(turns.stream(tx, scope))


def test_no_word_is_in_any_row_or_file(ledger: Ledger, stored: Settings) -> None:
    """Content, speaker, metadata, answers: none of it is in the database, and all of it comes back."""
    content, speaker, note = CANARIES
    turn = NewTurn("user", f"I like {content}.", speaker=speaker, metadata={"note": note})
    kept = remember(ledger, ADA, turn)
    with ledger.writing(EVERY_TENANT) as tx:
        idempotency.keep(tx, Once("default", "k", b"asked"), content.encode(), 1)

    assert read(ledger) == kept
    assert kept[0].metadata == {"note": note}
    with ledger.reading(EVERY_TENANT) as tx:
        held = {table.name: repr(tx.execute(sa.select(table)).all()) for table in tables.sorted_tables}
    held |= {path.name: repr(path.read_bytes()) for path in stored.data.glob("*")}
    assert "'ada'" in held["users"]
    for word in CANARIES:
        assert not [name for name, bytes_ in held.items() if word in bytes_]


@pytest.mark.parametrize("change", ["name", "seq", "role", "source", "user_id", "sealed"])
def test_a_sealed_turn_opens_in_its_own_row_only(ledger: Ledger, change: str) -> None:
    """Given to another user, or made another's words: an error, never a wrong answer."""
    remember(ledger, ADA, said("mine", name="a"))
    theirs = remember(ledger, BOB, said("theirs", name="b"))[0]
    foreign = sa.select(turn_table.c.sealed).where(turn_table.c.name == "a").scalar_subquery()
    values = {"name": "c", "seq": 9, "role": "system", "source": "import", "user_id": 1, "sealed": foreign}
    with ledger.writing(EVERY_TENANT) as tx:
        tx.execute(sa.update(turn_table).where(turn_table.c.id == theirs.id).values({change: values[change]}))

    with pytest.raises(CorruptFileError, match="altered, or belongs to another row"):
        read(ledger, ADA if change == "user_id" else BOB)


def test_another_master_key_is_named_at_once(stored: Settings, tmp_path: Path) -> None:
    """A lost or wrong key is an error at the start, with the remedy; nothing is made in its place."""
    file = tmp_path / "keys"
    stored = stored.model_copy(update={"master_key": None, "master_key_file": file})
    with open_ledger(stored) as ledger:
        remember(ledger, ADA, said("hello"))
    key = file.read_text()

    file.unlink()
    with pytest.raises(MasterKeyError, match="put the file back"):
        open_ledger(stored).__enter__()
    assert not file.exists()
    KeyFile(file).wrap(b"s" * 32, b"")
    with pytest.raises(MasterKeyError, match="put the right key back"):
        open_ledger(stored).__enter__()
    file.write_text(key)
    with open_ledger(stored) as ledger:
        assert [turn.content for turn in read(ledger)] == ["hello"]


def test_a_key_that_was_never_committed_seals_nothing(ledger: Ledger) -> None:
    """A user's number is given again after a rollback: the key made before must not come back with it."""

    def broken_off() -> None:
        with ledger.writing(EVERY_TENANT) as tx:
            turns.append(tx, ADA, [said("undone")], [1])
            data_keys.ensure(tx, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    remember(ledger, ADA, said("kept"))

    ledger.engine.get_execution_options()["vault"].forget()
    assert [turn.content for turn in read(ledger)] == ["kept"]


def test_without_its_key_nothing_of_a_user_is_read(ledger: Ledger) -> None:
    """A purge destroys it; what another copy holds can't be opened, by this process neither."""
    remember(ledger, ADA, said("mine"))
    remember(ledger, BOB, said("theirs"))
    with ledger.writing(EVERY_TENANT) as tx:
        data_keys.destroy(tx, 1)

    with pytest.raises(CorruptFileError, match="data key of user number 1 is gone"):
        read(ledger)
    assert [turn.content for turn in read(ledger, BOB)] == ["theirs"]
    with ledger.writing(EVERY_TENANT) as tx:
        user = users.find(tx, BOB)
        assert user
        reached = erasing.reach(tx, Subject("default", "user", BOB.user))
        assert reached
        erasing.erase(tx, reached)
        assert tx.scalar(sa.select(sa.func.count()).select_from(key_table)) == 0


def test_a_ledger_from_before_encryption_is_read(ledger: Ledger) -> None:
    """Its turns are plain, its answers too."""
    kept = remember(ledger, ADA, said("hello", name="a"))[0]
    once = Once("default", "k", b"asked")
    with ledger.writing(EVERY_TENANT) as tx:
        tx.execute(sa.update(turn_table).values(content="hello", sealed=None))
        idempotency.keep(tx, once, b"answer", 1)
        tx.execute(
            sa.text("UPDATE idempotency SET request = :asked, response = :answer"),
            {"asked": b"asked", "answer": b"{}"},
        )

    assert read(ledger) == [kept]
    with ledger.reading(EVERY_TENANT) as tx:
        assert idempotency.answer(tx, once) == b"{}"
        with pytest.raises(IdempotencyError):
            idempotency.answer(tx, Once("default", "k", b"another"))


def test_a_server_needs_a_key_that_outlives_it(tmp_path: Path) -> None:
    """With PostgreSQL no key is made on a disk that may vanish with its container."""
    settings = Settings(data=tmp_path / "data", database=SecretStr("postgresql://nowhere/none"))

    with pytest.raises(SetupError, match="satchel vault new-key"):
        open_ledger(settings).__enter__()
