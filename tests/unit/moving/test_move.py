"""A ledger moved to the other database and back: everything that can be in it, in every table."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.moving import moved_from, moved_to
from api.services import open_services
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import OnnxEncoder
from memory.errors import CorruptFileError, DataFolderInUseError, SetupError
from memory.ledger import EVERY_TENANT, Ledger, audit, numbers, turns
from memory.ledger.schema import tables
from memory.ledger.schema import turns as turn_table
from memory.moving import flow, move
from memory.moving.digest import digest
from memory.moving.rows import Row, put
from memory.scope import Scope
from memory.vault import LocalMaster
from tests.conftest import A_MASTER_KEY
from tests.helpers import said
from tests.postgres import OWNER, Databases

MASTER = SecretStr(A_MASTER_KEY)
ADA, BOB = Scope("default", "ada", "s1"), Scope("acme", "bob", "s2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a row in every table."""
    data = tmp_path / "data"
    with open_ledger(Settings(data=data, master_key=MASTER)) as ledger:
        with ledger.writing("default") as tx:
            turns.append(
                tx, ADA, [said("My sister is Ines.\nÄ 'quote'"), said("Noted.", "assistant")], [6, 2]
            )
            audit.record(tx, "default", "test", "memory.import", "", turns=2)
        with ledger.writing("acme") as tx:
            turns.append(tx, BOB, [said("The launch is on 14 May.")], [7])
        with ledger.writing(EVERY_TENANT) as tx:
            for table in tables.sorted_tables:
                if tx.execute(sa.select(table).limit(1)).first() is None:
                    tx.execute(sa.insert(table).values(_row(tx, table)))
    return data


def _row(tx: sa.Connection, table: sa.Table) -> dict[str, Any]:
    """Return a row of any table, with what its foreign keys ask for and nothing where nothing may be."""
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            values[column.name] = tx.scalar(sa.select(next(iter(column.foreign_keys)).column).limit(1))
        elif column is not table.autoincrement_column and not column.nullable:
            values[column.name] = _value(column.type)
    return values


def _value(kind: sa.types.TypeEngine[Any]) -> object:
    if isinstance(kind, sa.JSON):
        return {"ids": [1, 2.5], "text": "ä", "none": None}
    by_type = {str: "text", bytes: b"\0\xff", int: 7, float: 0.1, bool: True}
    return by_type[kind.python_type]


@pytest.fixture
def owner(databases: Databases, postgres: str) -> str:
    """The URL of the new database for the role that owns its tables."""
    return databases.url(sa.make_url(postgres).database or "", OWNER)


@contextmanager
def on_postgres(data: Path, url: str) -> Iterator[Ledger]:
    with open_ledger(Settings(data=data, database=SecretStr(url), master_key=MASTER)) as ledger:
        yield ledger


def _moved(settings: Settings, to: str, owner: str | None = None) -> dict[str, int]:
    with moved_from(settings) as source, moved_to(to, owner, source.master) as target:
        return move(source, target).rows


def test_everything_goes_there_and_comes_back(
    folder: Path, tmp_path: Path, postgres: str, owner: str
) -> None:
    """Rows of every table are the same in PostgreSQL, and in a folder again; turns open, chains hold."""
    here = Settings(data=folder, master_key=MASTER)
    there = here.model_copy(update={"database": SecretStr(postgres)})
    with open_ledger(here) as ledger, ledger.reading(EVERY_TENANT) as tx:
        before, counters = digest(tx), numbers.given(tx)

    rows = _moved(here, postgres, owner)
    _moved(there, str(tmp_path / "back"))

    assert rows.keys() == {table.name for table in tables.sorted_tables}, "a table was forgotten"
    back = here.model_copy(update={"data": tmp_path / "back"})
    for settings in (there, back):
        with open_ledger(settings) as ledger:
            with ledger.reading(EVERY_TENANT) as tx:
                assert not before.differences(digest(tx))
                assert numbers.given(tx) == counters
                assert audit.verify(tx, "default").broken is None
            with ledger.reading("acme") as tx:
                assert [turn.content for turn in turns.stream(tx, BOB)] == ["The launch is on 14 May."]
            with ledger.writing("acme") as tx:
                audit.record(tx, "acme", "test", "memory.import", "")
                (new,) = turns.append(tx, BOB, [said("Later.")], [2])
            assert new.id == counters["turns"] + 1


def test_a_number_that_was_given_is_not_given_again(folder: Path, postgres: str, owner: str) -> None:
    """Also where the turn that had it is gone."""
    here = Settings(data=folder, master_key=MASTER)
    with open_ledger(here) as ledger, ledger.writing(EVERY_TENANT) as tx:
        last = tx.scalar(sa.select(sa.func.max(turn_table.c.id))) or 0
        tx.execute(sa.delete(turn_table).where(turn_table.c.id == last))

    _moved(here, postgres, owner)

    with on_postgres(folder, postgres) as ledger, ledger.writing("acme") as tx:
        (new,) = turns.append(tx, BOB, [said("Later.")], [2])
    assert new.id == last + 1


def test_no_value_and_a_json_null_stay_two_things(folder: Path) -> None:
    """Both read as None; a condition tells them apart, and so does the digest."""
    here = Settings(data=folder, master_key=MASTER)
    with open_ledger(here) as ledger, ledger.writing(EVERY_TENANT) as tx:
        before = digest(tx)
        tx.execute(sa.update(tables.tables["keys"]).values(limits=sa.JSON.NULL))
        after = digest(tx)

    assert any("keys" in line for line in before.differences(after))


def test_what_is_not_empty_is_left_alone(folder: Path, postgres: str) -> None:
    """A database that a service was started on, a folder with a ledger: refused, nothing written."""
    with on_postgres(folder, postgres):
        pass
    with pytest.raises(SetupError, match="isn't empty"):
        _moved(Settings(data=folder, master_key=MASTER), postgres)
    with pytest.raises(SetupError, match="holds a ledger already"), moved_to(str(folder), None, _master()):
        pass
    with on_postgres(folder, postgres) as ledger, ledger.reading(EVERY_TENANT) as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(turn_table)) == 0


def test_a_folder_in_use_is_not_moved(folder: Path, encoder: OnnxEncoder, postgres: str) -> None:
    """The service writes to it: the error names the process."""
    settings = Settings(data=folder, master_key=MASTER)
    with open_services(settings, encoder=encoder), pytest.raises(DataFolderInUseError, match="process"):
        _moved(settings, postgres)


def test_what_was_not_written_as_it_was_is_noticed(
    folder: Path, postgres: str, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One value changes on the way: an error that names table and user, and the target stays empty."""

    def put_late(tx: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
        put(tx, table, [dict(row) | {"created_at": 1} for row in rows] if table.name == "events" else rows)

    monkeypatch.setattr(flow, "put", put_late)

    with pytest.raises(CorruptFileError, match=r"table events: 1 rows.*user \d+: "):
        _moved(Settings(data=folder, master_key=MASTER), postgres, owner)
    with on_postgres(folder, postgres) as ledger, ledger.reading(EVERY_TENANT) as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(turn_table)) == 0


def test_a_move_that_was_cut_off_is_begun_again(folder: Path, tmp_path: Path) -> None:
    """What a killed one left in the folder is no ledger, and in nobody's way."""
    stage = tmp_path / "new" / ".moving"
    stage.mkdir(parents=True)
    (stage / "ledger.sqlite3").write_bytes(b"half of it")

    rows = _moved(Settings(data=folder, master_key=MASTER), str(tmp_path / "new"))

    assert rows["turns"] == 3
    assert not stage.exists()


def _master() -> LocalMaster:
    return LocalMaster.from_text(A_MASTER_KEY, "test")
