"""A new master key, and old plain rows, beside a ledger in use."""

import base64
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.settings import Settings
from api.stores import open_ledger
from memory import rotation
from memory.ledger import EVERY_TENANT, Ledger, turns
from memory.ledger.schema import data_keys as key_table
from memory.ledger.schema import turns as turn_table
from memory.rotation import rotate
from memory.scope import Scope
from memory.seal import seal_all
from memory.vault import KeyFile
from tests.helpers import said


@pytest.fixture
def keyed(stored: Settings, tmp_path: Path) -> Settings:
    """Settings whose master key is in a file."""
    return stored.model_copy(update={"master_key": None, "master_key_file": tmp_path / "keys"})


def remember(ledger: Ledger, count: int) -> None:
    """Let that many users say something."""
    for number in range(count):
        scope = Scope("default", f"u{number}", f"s{number}")
        with ledger.writing(EVERY_TENANT) as tx:
            turns.append(tx, scope, [said(f"I am {number}.")], [1])


def said_by(ledger: Ledger, number: int) -> list[str]:
    """Return what a user said."""
    with ledger.reading(EVERY_TENANT) as tx:
        return [turn.content for turn in turns.stream(tx, Scope("default", f"u{number}"))]


def masters(ledger: Ledger) -> set[str]:
    """Return the master keys that anything is under."""
    with ledger.reading(EVERY_TENANT) as tx:
        return set(tx.scalars(sa.select(key_table.c.master)))


def test_a_rotation_that_was_cut_off_goes_on(keyed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midway both keys are good, for another process too; at the end the old one is gone."""
    monkeypatch.setattr(rotation, "_BATCH", 2)
    with open_ledger(keyed) as ledger, open_ledger(keyed) as running:
        remember(ledger, 5)
        file = ledger.master
        assert isinstance(file, KeyFile)
        old = file.current
        rotation.begin(ledger)
        rotation.step(ledger)
        assert masters(running) == {old, file.current}
        assert [said_by(running, number) for number in range(5)] == [[f"I am {n}."] for n in range(5)]
        new = file.current

        assert rotate(ledger) == 4  # three users, and the pepper
        assert masters(ledger) == {new}
        assert len(file.keys()) == 1
        remember(running, 6)
        assert masters(ledger) == {new}
        assert said_by(running, 5) == ["I am 5."]
        assert said_by(running, 3) == ["I am 3."] * 2
    with open_ledger(keyed) as again:
        assert said_by(again, 3) == ["I am 3."] * 2


def test_a_key_from_the_environment_is_rotated_by_hand(keyed: Settings) -> None:
    """The new key before the old one; after the command the old one may go."""
    with open_ledger(keyed) as ledger:
        remember(ledger, 2)
        old = (keyed.master_key_file or Path()).read_text().splitlines()[1]
    new = base64.b64encode(b"n" * 32).decode()
    both = keyed.model_copy(update={"master_key": SecretStr(f"{new},{old}")})
    with open_ledger(both) as ledger:
        assert rotate(ledger) == 3
    with open_ledger(keyed.model_copy(update={"master_key": SecretStr(new)})) as ledger:
        assert said_by(ledger, 1) == ["I am 1."]


def test_plain_turns_are_sealed_in_place(ledger: Ledger) -> None:
    """Turns from before there was encryption: the same words come back, and none stands in a row."""
    remember(ledger, 3)
    with ledger.writing(EVERY_TENANT) as tx:
        tx.execute(sa.delete(key_table))
        tx.execute(sa.update(turn_table).values(content="an old word", speaker="Old", sealed=None))

    assert seal_all(ledger) == 3
    assert said_by(ledger, 2) == ["an old word"]
    with ledger.reading(EVERY_TENANT) as tx:
        assert set(tx.execute(sa.select(turn_table.c.content, turn_table.c.speaker))) == {("", None)}
    assert seal_all(ledger) == 0
