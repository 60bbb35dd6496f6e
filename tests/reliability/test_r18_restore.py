"""R18: a backup from before a purge brings nothing back that was purged."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from api.stores import master_key, open_ledger
from memory.backup.create import create
from memory.backup.keyring import Keyring
from memory.backup.keys import after_purge
from memory.backup.manifest import LEDGER, Manifest
from memory.backup.restore import finish, restore, verify
from memory.errors import CorruptFileError, DataFolderInUseError, MasterKeyError, SetupError
from memory.folder import DataFolder
from memory.ledger import EVERY_TENANT, Ledger, erasing, turns, users
from memory.ledger.erasing import Kind, Subject
from memory.scope import Scope
from tests.helpers import said
from tests.reliability.conftest import Reached

WORD = "quondamberry"


def remember(ledger: Ledger, user: str, count: int = 3) -> list[str]:
    """Let a user say something in a session of their own; return the turns' names."""
    new = [said(f"{user} likes {WORD} {number}.") for number in range(count)]
    with ledger.writing(EVERY_TENANT) as tx:
        return [
            turn.name for turn in turns.append(tx, Scope("default", user, f"of {user}"), new, [1] * count)
        ]


def kept(ledger: Ledger, user: str) -> list[str]:
    """Return the names of a user's turns, each of which is opened."""
    with ledger.reading(EVERY_TENANT) as tx:
        return [turn.name for turn in turns.stream(tx, Scope("default", user))]


def purge(ledger: Ledger, kind: Kind, name: str) -> None:
    """Erase as the first and the last step of a purge do."""
    with ledger.writing(EVERY_TENANT) as tx:
        found = erasing.reach(tx, Subject("default", kind, name))
        assert found
        erasing.erase(tx, found, keep_empty=kind == "turn")
    after_purge(ledger)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder, its master key elsewhere."""
    return Settings(data=tmp_path / "data", master_key_file=tmp_path / "keys")


def made(settings: Settings, folder: Path) -> Path:
    """Make a backup and return its folder."""
    with open_ledger(settings) as ledger:
        return folder / create(ledger, folder, 30).name


@pytest.mark.parametrize("lost", ["nothing", "ledger", "folder"])
def test_what_was_purged_does_not_come_back(
    settings: Settings, tmp_path: Path, lost: str, reached: Reached
) -> None:
    """Users, sessions, turns; also where the ledger that knew of the purges is damaged or gone."""
    with open_ledger(settings) as ledger:
        names = {user: remember(ledger, user) for user in ("ada", "bob", "cy", "eve")}
    backup = made(settings, tmp_path / "backups")
    with open_ledger(settings) as ledger:
        purge(ledger, "user", "eve")
        purge(ledger, "session", "of cy")
        purge(ledger, "turn", names["bob"][1])
        remember(ledger, "new")
    if lost == "folder":
        shutil.rmtree(settings.data)
    elif lost == "ledger":
        (settings.data / "ledger.sqlite3").write_bytes(b"garbage" * 1000)

    done = restore(backup, settings.data, master_key(settings), replace=True)

    with open_ledger(settings) as ledger:
        assert kept(ledger, "ada") == names["ada"]
        assert kept(ledger, "bob") == [names["bob"][0], names["bob"][2]]
        assert kept(ledger, "cy") == kept(ledger, "eve") == kept(ledger, "new") == []
        with ledger.reading(EVERY_TENANT) as tx:
            found = users.find(tx, Scope("default", "bob"))
            assert found
            assert (found.turns, found.tokens) == (2, 2)
        # A user of the same name who comes after is somebody else, also to the next restore.
        back = remember(ledger, "eve")
        again = tmp_path / "backups" / create(ledger, tmp_path / "backups", 30).name
    restore(again, settings.data, master_key(settings), replace=True)
    with open_ledger(settings) as ledger:
        assert kept(ledger, "eve") == back
    assert done.turns == 5
    reached(f"0 of {sum(map(len, names.values())) - 5} purged turns came back")


def test_what_a_backup_holds_of_a_purged_user_cannot_be_opened(
    settings: Settings, tmp_path: Path, reached: Reached
) -> None:
    """Neither words nor keys are in a backup; with keyring and master key only those who are left open."""
    with open_ledger(settings) as ledger:
        remember(ledger, "ada")
        remember(ledger, "eve")
        with ledger.reading(EVERY_TENANT) as tx:
            wrapped = list(tx.exec_driver_sql("SELECT wrapped FROM data_keys").scalars())
    backup = made(settings, tmp_path / "backups")
    with open_ledger(settings) as ledger:
        purge(ledger, "user", "eve")
    copy, keyring = ((tmp_path / "backups").rglob("ledger.sqlite3"), tmp_path / "backups/keyring.sqlite3")
    held = next(copy).read_bytes()

    assert WORD.encode() not in held
    assert not [key for key in wrapped if key in held]
    assert [key in keyring.read_bytes() for key in wrapped] == [True, False]
    with closing(sqlite3.connect(backup / LEDGER)) as file:
        assert file.execute("SELECT count(*) FROM turns").fetchone() == (6,)
    shutil.rmtree(settings.data)
    assert restore(backup, settings.data, master_key(settings)).turns == 3
    reached("0 of 3 sealed turns of a purged user could be opened")


def test_a_backup_is_made_while_others_write(settings: Settings, tmp_path: Path) -> None:
    """It holds whole requests, and can be restored."""
    with open_ledger(settings) as ledger:
        remember(ledger, "ada", 50)
        with ledger.reading(EVERY_TENANT):
            remember(ledger, "bob", 2)
            backup = made(settings, tmp_path / "backups")
            remember(ledger, "cy", 2)

    found = verify(backup, master_key(settings))
    assert (found.turns, found.manifest.users) == (52, 2)


def test_a_damaged_backup_is_found(settings: Settings, tmp_path: Path) -> None:
    """Any byte that is not what was written, and a keyring that is gone."""
    with open_ledger(settings) as ledger:
        remember(ledger, "ada")
    backup = made(settings, tmp_path / "backups")
    held = bytearray((backup / LEDGER).read_bytes())
    held[len(held) // 2] ^= 1
    whole = (backup / LEDGER).read_bytes()

    (backup / LEDGER).write_bytes(held)
    with pytest.raises(CorruptFileError, match="not what was written"):
        verify(backup, master_key(settings))
    (backup / LEDGER).write_bytes(whole)
    (tmp_path / "backups/keyring.sqlite3").unlink()
    with pytest.raises(SetupError, match="no keyring"):
        verify(backup, master_key(settings))
    with pytest.raises(SetupError, match="is no backup"):
        Manifest.read(tmp_path)


def test_an_old_keyring_erases_nobody(settings: Settings, tmp_path: Path) -> None:
    """Who came after it was written has no key in it, and must not be taken for one who was purged."""
    folder = tmp_path / "backups"
    with open_ledger(settings) as ledger:
        remember(ledger, "ada")
    made(settings, folder)
    old = (folder / "keyring.sqlite3").read_bytes()
    with open_ledger(settings) as ledger:
        remember(ledger, "bob")
    backup = made(settings, folder)
    (folder / "keyring.sqlite3").write_bytes(old)

    with pytest.raises(SetupError, match="older than the backup"):
        restore(backup, tmp_path / "other", master_key(settings))
    stale = Keyring.from_file(folder / "keyring.sqlite3")
    with open_ledger(settings) as ledger:
        with ledger.writing(EVERY_TENANT) as tx:
            tx.exec_driver_sql("DELETE FROM data_keys WHERE user_id = 2")
        with pytest.raises(SetupError, match="older than the backup"):
            finish(ledger, stale)


def test_a_folder_is_not_overwritten_by_accident(settings: Settings, tmp_path: Path) -> None:
    """Neither one in use, nor one that holds a ledger, nor with the wrong key; all stays as it was."""
    with open_ledger(settings) as ledger:
        names = remember(ledger, "ada")
    backup = made(settings, tmp_path / "backups")
    holder = DataFolder(settings.data)
    with pytest.raises(DataFolderInUseError):
        restore(backup, settings.data, master_key(settings), replace=True)
    holder.close()
    with pytest.raises(SetupError, match="--replace"):
        restore(backup, settings.data, master_key(settings))
    other = Settings(data=tmp_path / "other")
    with open_ledger(other), pytest.raises(MasterKeyError, match="put the right key back"):
        restore(backup, settings.data, master_key(other), replace=True)

    with open_ledger(settings) as ledger:
        assert kept(ledger, "ada") == names


def test_a_backup_is_not_served_as_it_is(settings: Settings, tmp_path: Path) -> None:
    """Copied into a data folder by hand, it is refused: nothing purged could come back that way."""
    with open_ledger(settings) as ledger:
        remember(ledger, "ada")
    backup = made(settings, tmp_path / "backups")
    by_hand = settings.model_copy(update={"data": tmp_path / "by hand"})
    by_hand.data.mkdir()
    shutil.copy(backup / LEDGER, by_hand.data / "ledger.sqlite3")

    with pytest.raises(MasterKeyError, match="satchel backup restore"):
        open_ledger(by_hand).__enter__()
