"""Files that are whole or not there."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import SetupError

_BLOCK = 1024 * 1024


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def told(what: str, path: Path) -> Iterator[None]:
    """Raise `SetupError` where the system refuses: no space, no right, no such folder."""
    try:
        yield
    except OSError as error:
        raise SetupError(f"can't {what} {path}: {error.strerror}") from error
