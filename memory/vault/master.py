"""Master keys: they wrap data keys and nothing else.

Another source, such as a key management service, is a class with the three members of `Master`; see
docs/encryption.md.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memory.errors import MasterKeyError
from memory.vault.keys import KEY_BYTES

_NONCE = 12


class Master(Protocol):
    """What wraps data keys. Keys that were replaced go on to unwrap until nothing is under them."""

    @property
    def current(self) -> str:
        """The id of the key that wraps."""

    def wrap(self, secret: bytes, context: bytes) -> tuple[str, bytes]:
        """Return the id of the key that was used, and the secret wrapped; it opens in this context only."""

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Return the secret; raise `MasterKeyError` where that key is not at hand or doesn't fit."""


class LocalMaster:
    """Master keys in memory: the first wraps, all unwrap."""

    def __init__(self, keys: Sequence[bytes], source: str) -> None:
        """`source` names the place of the keys in error messages."""
        self._boxes = {key_id(key): AESGCM(key) for key in keys}
        self._source = source

    @classmethod
    def from_text(cls, text: str, source: str) -> "LocalMaster":
        """Read keys in base64, the one in use first, commas or line ends between; `#` begins a remark."""
        return cls(parsed(text, source), source)

    @property
    def current(self) -> str:
        return next(iter(self._boxes))

    def wrap(self, secret: bytes, context: bytes) -> tuple[str, bytes]:
        nonce = os.urandom(_NONCE)
        return self.current, nonce + self._boxes[self.current].encrypt(nonce, secret, context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        if key_id not in self._boxes:
            raise MasterKeyError(
                f"memory is encrypted under the master key {key_id}, but {self._source} holds "
                f"{', '.join(self._boxes)}; put the right key back, or add it behind the new one"
            )
        try:
            return self._boxes[key_id].decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except InvalidTag as error:
            raise MasterKeyError("a wrapped data key was altered, or belongs to another user") from error


class KeyFile:
    """Master keys in a file, made with mode 0600 when first needed, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._master: LocalMaster | None = None

    @property
    def current(self) -> str:
        return self._loaded().current

    def wrap(self, secret: bytes, context: bytes) -> tuple[str, bytes]:
        """As in `Master`; makes the file where no key was ever read."""
        if self._master is None and not self.path.exists():
            replace(self.path, [new_key()])
        return self._loaded().wrap(secret, context)

    def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        return self._loaded().unwrap(key_id, wrapped, context)

    def keys(self) -> list[bytes]:
        """Return the keys, the one in use first."""
        return parsed(self._text(), str(self.path))

    def _loaded(self) -> LocalMaster:
        """Return the keys as the file has them now: a rotation beside this process is seen at once."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            if self._master is not None:  # what is running goes on; the next start says what is wrong
                return self._master
            raise self._missing() from None
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if self._master is None or seen != self._seen:
            self._master = LocalMaster.from_text(self._text(), str(self.path))
            self._seen = seen
        return self._master

    def _text(self) -> str:
        try:
            return self.path.read_text()
        except FileNotFoundError:
            raise self._missing() from None
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyError(f"can't read the master key in {self.path}: {error}") from error

    def _missing(self) -> MasterKeyError:
        return MasterKeyError(
            f"memory is encrypted, and its master key is not at {self.path}; put the file back, or name it "
            "by SATCHEL_MASTER_KEY_FILE or give it in SATCHEL_MASTER_KEY. Without it nothing can be read"
        )


def new_key() -> bytes:
    """Return a new master key."""
    return os.urandom(KEY_BYTES)


def key_id(key: bytes) -> str:
    """Return the name of a key, from which it can't be told."""
    return sha256(b"satchel master key\0" + key).hexdigest()[:16]


def parsed(text: str, source: str) -> list[bytes]:
    """Return the keys in `text`; raise `MasterKeyError` where there is none or one can't be read."""
    lines = (line.split("#")[0] for line in text.splitlines())
    words = [word for line in lines for word in line.replace(",", " ").split()]
    try:
        keys = [base64.b64decode(word, altchars=b"-_", validate=True) for word in words]
    except binascii.Error as error:
        raise MasterKeyError(f"{source} holds a master key that is not base64") from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise MasterKeyError(f"{source} must hold a master key of {KEY_BYTES} bytes in base64")
    return keys


def replace(path: Path, keys: Sequence[bytes]) -> None:
    """Write a key file, durably and at once."""
    text = "# Satchel's master key. Keep a copy apart from your backups: without it none can be read.\n"
    text += "".join(f"{base64.urlsafe_b64encode(key).decode()}\n" for key in keys)
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside.unlink(missing_ok=True)
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise MasterKeyError(f"can't write the master key to {path}: {error.strerror}") from error
