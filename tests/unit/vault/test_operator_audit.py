"""What an operator does to everybody's memory is in the audit, in a chain of its own."""

from pathlib import Path

import pytest

from api.settings import Settings
from api.stores import master_key, open_ledger
from memory.backup.create import create
from memory.backup.keyring import Keyring
from memory.backup.restore import finish, restore
from memory.ledger import EVERY_TENANT, Ledger, audit, turns
from memory.rotation import rotate
from memory.scope import Scope
from tests.helpers import said
from tests.serving import run


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a turn in it."""
    found = Settings(data=tmp_path / "data")
    with open_ledger(found) as ledger, ledger.writing("default") as tx:
        turns.append(tx, Scope("default", "ada", "s"), [said("I like pears.")], [1])
    return found


def actions(ledger: Ledger) -> list[str]:
    """Return what was done, in order; the chain must be whole."""
    with ledger.reading(EVERY_TENANT) as tx:
        assert audit.verify(tx, audit.OPERATOR).broken is None
        return [line.action for line in audit.lines(tx, audit.OPERATOR)]


def test_backups_and_what_is_made_of_them(settings: Settings, tmp_path: Path) -> None:
    """Made, expired and restored; what came back says so itself."""
    with open_ledger(settings) as ledger:
        old = create(ledger, tmp_path / "backups", 0)
        new = create(ledger, tmp_path / "backups", 30)
        assert actions(ledger) == ["backup.create", "backup.expire", "backup.create"]
    restore(tmp_path / "backups" / new.name, settings.data, master_key(settings), replace=True)

    with open_ledger(settings) as ledger:
        assert actions(ledger)[-1] == "backup.restore"
        with ledger.reading(EVERY_TENANT) as tx:
            last = audit.lines(tx, audit.OPERATOR)[-1]
    assert (last.subject, last.detail) == (new.name, {"purged": 0, "shredded": 0})
    assert old.name != new.name


def test_a_restore_by_other_means(settings: Settings) -> None:
    """`finish` is the moment from which it counts."""
    with open_ledger(settings) as ledger:
        with ledger.reading(EVERY_TENANT) as tx:
            ring = Keyring.of_ledger(tx)
        finish(ledger, ring)
        assert actions(ledger) == ["backup.finish"]


def test_a_new_master_key(settings: Settings) -> None:
    """The line names the key by its hash, as `vault rotate` prints it."""
    with open_ledger(settings) as ledger:
        rotate(ledger)
        assert actions(ledger) == ["master.rotate"]
        with ledger.reading(EVERY_TENANT) as tx:
            (line,) = audit.lines(tx, audit.OPERATOR)
        assert line.subject == ledger.master.current


def test_the_command_shows_and_checks_the_chain(settings: Settings, tmp_path: Path) -> None:
    """`audit list --operator`; backups that are forgotten are in it too, by the command."""
    with open_ledger(settings) as ledger:
        create(ledger, tmp_path / "backups", 30)
    data = settings.data

    gone = run("backup", "forget", str(tmp_path / "backups"), data=data)
    shown = run("audit", "list", "--operator", "--json", data=data)
    checked = run("audit", "verify", data=data)

    assert gone.returncode == 0, gone.stderr
    assert [name in shown.stdout for name in ("backup.create", "backup.forget")] == [True, True]
    assert "(operator): 2 lines" in checked.stdout
