"""The data folder, held by one process at a time."""

import fcntl
import os
from pathlib import Path

from memory.errors import DataFolderInUseError, SetupError


class DataFolder:
    """A folder under an exclusive lock, which the system lets go when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Make the folder where missing and lock it; raise `DataFolderInUseError` if another has it."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SetupError(f"can't use the data folder {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 20, 0).decode() or "?"
            os.close(self._lock)
            raise DataFolderInUseError(
                f"the data folder {path} is in use by process {holder}; stop it or choose another folder"
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._lock)
