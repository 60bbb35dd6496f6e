"""What a backup says of itself."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from memory.backup.files import digest, sync
from memory.errors import CorruptFileError, SetupError

FILE = "manifest.json"
LEDGER = "ledger.sqlite3"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup. Times in microseconds. schema: the ledger's version. sha256, bytes: of its file."""

    name: str
    created_at: int
    expires_at: int
    schema: str
    users: int
    sessions: int
    turns: int
    bytes: int
    sha256: str

    def write(self, folder: Path) -> None:
        """Write it into the backup's folder, durably."""
        path = folder / FILE
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        sync(path)

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read a backup's manifest and hold its file against it.

        Raises `SetupError` where there is no backup, `CorruptFileError` where it isn't what it was.
        """
        try:
            manifest = cls(**json.loads((folder / FILE).read_text()))
            found = digest(folder / LEDGER)
        except FileNotFoundError as error:
            raise SetupError(f"{folder} is no backup: it has no {Path(error.filename).name}") from error
        except (OSError, ValueError, TypeError) as error:
            raise CorruptFileError(f"the backup {folder} is damaged: {error}") from error
        if found != manifest.sha256:
            raise CorruptFileError(f"the backup {folder} is damaged: {LEDGER} is not what was written")
        return manifest
