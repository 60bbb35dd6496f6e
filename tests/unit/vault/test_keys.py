"""Data keys and master keys: what opens what."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import CorruptFileError, MasterKeyError
from memory.ledger import sealing
from memory.vault import DataKey, KeyFile, LocalMaster
from memory.vault.master import key_id, new_key, replace

KEY = DataKey(b"k" * 32)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(TEXT, st.none() | TEXT, st.dictionaries(TEXT, JSON, max_size=4))
def test_words_come_back_as_they_were(content: str, speaker: str | None, metadata: dict[str, object]) -> None:
    """Any content, speaker and metadata."""
    said = sealing.Said(content, speaker, metadata)

    assert sealing.opened(KEY, sealing.sealed(KEY, said, b"row"), b"row") == said


@given(st.binary(max_size=64), st.data())
def test_no_bit_can_be_changed(plain: bytes, data: st.DataObject) -> None:
    """Whichever bit of what is sealed flips, it is not opened."""
    sealed = bytearray(KEY.seal(plain, b"row"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(CorruptFileError):
        KEY.open(bytes(sealed), b"row")


def test_another_key_or_row_opens_nothing() -> None:
    """What is sealed is bound to its key and its row, and no two sealings are alike."""
    sealed = KEY.seal(b"secret", b"row")

    assert b"secret" not in sealed
    assert sealed != KEY.seal(b"secret", b"row")
    for key, row in ((DataKey(b"x" * 32), b"row"), (KEY, b"other row")):
        with pytest.raises(CorruptFileError, match="altered"):
            key.open(sealed, row)


def test_what_was_wrapped_opens_in_its_context_only() -> None:
    """A wrapped key can't be given to another user."""
    master = LocalMaster([new_key()], "test")
    name, wrapped = master.wrap(b"s" * 32, b"ada")

    assert master.unwrap(name, wrapped, b"ada") == b"s" * 32
    with pytest.raises(MasterKeyError, match="another user"):
        master.unwrap(name, wrapped, b"bob")


def test_replaced_keys_go_on_to_open() -> None:
    """The first key wraps; those behind it unwrap; one that is not there is named."""
    old, new = new_key(), new_key()
    name, wrapped = LocalMaster([old], "test").wrap(b"s" * 32, b"")
    text = ",".join(base64.urlsafe_b64encode(key).decode() for key in (new, old))
    both = LocalMaster.from_text(text, "test")

    assert both.current == key_id(new)
    assert both.unwrap(name, wrapped, b"") == b"s" * 32
    with pytest.raises(MasterKeyError, match=f"{key_id(old)}, but test holds {key_id(new)}"):
        LocalMaster([new], "test").unwrap(name, wrapped, b"")


@pytest.mark.parametrize("text", ["", "# only a remark", "not base64!", "c2hvcnQ="])
def test_what_is_no_key_is_refused(text: str) -> None:
    """Empty, no base64, too short: an error that says what is wanted."""
    with pytest.raises(MasterKeyError, match="base64"):
        LocalMaster.from_text(text, "test")


def test_a_key_file_is_for_its_owner_and_read_again_when_it_changes(tmp_path: Path) -> None:
    """Made when first needed, mode 0600; a rotation beside the process is seen at once."""
    file = KeyFile(tmp_path / "master.key")
    name, wrapped = file.wrap(b"s" * 32, b"")

    assert file.path.stat().st_mode & 0o777 == 0o600
    replace(file.path, [new_key(), *file.keys()])
    assert file.current != name
    assert file.unwrap(name, wrapped, b"") == b"s" * 32


def test_a_missing_key_file_is_never_made_anew_for_reading(tmp_path: Path) -> None:
    """It says where the key is looked for, and what to do."""
    with pytest.raises(MasterKeyError, match="SATCHEL_MASTER_KEY_FILE"):
        KeyFile(tmp_path / "master.key").unwrap("0" * 16, b"", b"")
    assert not (tmp_path / "master.key").exists()
