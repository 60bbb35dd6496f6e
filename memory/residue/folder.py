"""Every file of a folder, searched for what was erased."""

import json
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from memory.errors import SetupError
from memory.residue.fingerprints import Fingerprints
from memory.residue.matcher import OVERLAP, Matcher

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hit:
    """A piece that is still there. sought: place of its set. strong: its hash. file: below the folder."""

    sought: int
    strong: int
    file: str
    times: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan looked at, and what it found."""

    files: int
    bytes: int
    seconds: float
    hits: tuple[Hit, ...]


def scan(folder: Path, sought: Sequence[Fingerprints], *, leave_out: Collection[Path] = ()) -> Scan:
    """Search every file below `folder`, except those in `leave_out`, in a process of its own.

    A process may not open and close a database file that it has open through SQLite: closing any
    descriptor of a file drops all POSIX locks that the process holds on it. Raises `SetupError` where the
    other process fails.
    """
    command = [sys.executable, "-m", "memory.residue", str(folder), *map(str, leave_out)]
    given = b"".join(len(data).to_bytes(8, "little") + data for data in (one.to_bytes() for one in sought))
    done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 - ourselves
    if done.returncode:
        raise SetupError(f"the scan of {folder} failed: {done.stderr.decode(errors='replace')[-500:]}")
    told = json.loads(done.stdout)
    return Scan(told["files"], told["bytes"], told["seconds"], tuple(Hit(*hit) for hit in told["hits"]))


def search(folder: Path, sought: Sequence[Fingerprints], leave_out: Collection[Path] = ()) -> Scan:
    """Search as `scan` does, in this process."""
    begun = time.monotonic()
    matcher = Matcher(sought)
    files = size = 0
    hits: list[Hit] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(path.is_relative_to(one) for one in leave_out):
            continue
        name = str(path.relative_to(folder))
        try:
            with path.open("rb") as file:
                found, length = _in_file(file, matcher)
        except FileNotFoundError:  # another process removed it meanwhile
            continue
        files, size = files + 1, size + length
        hits += [Hit(number, strong, name, times) for (number, strong), times in found.items()]
    return Scan(files, size, round(time.monotonic() - begun, 3), tuple(hits))


def read_sets(file: BinaryIO) -> Iterator[Fingerprints]:
    """Yield the sets that `scan` hands over."""
    while head := file.read(8):
        yield Fingerprints.from_bytes(file.read(int.from_bytes(head, "little")))


def _in_file(file: BinaryIO, matcher: Matcher) -> tuple[dict[tuple[int, int], int], int]:
    found: dict[tuple[int, int], int] = {}
    size, tail = 0, b""
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        data = tail + chunk
        # Freed pages are zeros: nothing is in them, and they are many after a large erasure.
        if data.count(0) < len(data):
            for key, times in matcher.find(data).items():
                found[key] = found.get(key, 0) + times
        tail = data[-OVERLAP:]
    return found, size
