"""What a power cut leaves of SQLite's files: every write is recorded, and those not synced may be lost.

`recording` puts itself between the SQLite library that Python uses and the files: writes, truncations, syncs
and deletions go on to the disk and into a list, of everything that this process opens meanwhile. `left_by`
makes the files as a disk may hold them after a cut: all that was synced, and of what came later any part, in
sectors, as a seed decides.
"""

import _sqlite3
import ctypes as c
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

SECTOR = 512
# Flags of xOpen: a database, its journal, its write-ahead log.
_KEPT = 0x100 | 0x800 | 0x80000
# Function pointers of `sqlite3_io_methods` and of `sqlite3_vfs`, by their place.
_CLOSE, _WRITE, _TRUNCATE, _SYNC, _METHODS = 0, 2, 3, 4, 18
_OPEN, _DELETE, _CALLS = 0, 1, 18

_Close = c.CFUNCTYPE(c.c_int, c.c_void_p)
_Write = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_int, c.c_int64)
_Truncate = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64)
_Sync = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int)
# The name as an address: SQLite's own, which the file goes on to use.
_Open = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_void_p, c.c_int, c.c_void_p)
_Delete = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_char_p, c.c_int)


class _IoMethods(c.Structure):
    _fields_ = [("version", c.c_int), ("calls", c.c_void_p * _METHODS)]


class _Vfs(c.Structure):
    _fields_ = [
        ("version", c.c_int),
        ("file_size", c.c_int),
        ("longest", c.c_int),
        ("next", c.c_void_p),
        ("name", c.c_char_p),
        ("data", c.c_void_p),
        ("calls", c.c_void_p * _CALLS),
    ]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a file, or that somebody was told. what: `write`, `truncate`, `sync`,
    `delete` or a word of the test's own; place: the offset, or the new length.
    """

    what: str
    file: str
    place: int = 0
    data: bytes = b""


class Recorder:
    """An SQLite VFS that passes everything on and notes it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._library = c.CDLL(_sqlite3.__file__)  # itself, or what it is linked with
        self._library.sqlite3_vfs_find.restype = c.c_void_p
        self._usual: int = self._library.sqlite3_vfs_find(None)
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._replaced: dict[int, _IoMethods] = {}
        found = _Vfs.from_address(self._usual)
        size = c.sizeof(_Vfs) - c.sizeof(c.c_void_p) * (_CALLS - _calls_of(found))
        self._vfs = _Vfs.from_buffer_copy(c.string_at(self._usual, size).ljust(c.sizeof(_Vfs), b"\0"))
        self._vfs.name = b"recorder"
        self._open, self._delete = _Open(found.calls[_OPEN]), _Delete(found.calls[_DELETE])
        # What SQLite calls must live as long as it may be called.
        self._callbacks = [_Open(self._opened), _Delete(self._deleted)]
        for place, callback in zip((_OPEN, _DELETE), self._callbacks, strict=True):
            self._vfs.calls[place] = c.cast(callback, c.c_void_p).value

    def note(self, what: str, about: str) -> None:
        """Record that somebody was told something."""
        with self._lock:
            self.events.append(Event(what, about))

    def start(self) -> None:
        """Be what opens files."""
        self._library.sqlite3_vfs_register(c.byref(self._vfs), 1)

    def stop(self) -> None:
        """Leave it to the usual one; what is open stays recorded."""
        self._library.sqlite3_vfs_register(c.c_void_p(self._usual), 1)

    def _opened(self, _: int, name: int | None, file: int, flags: int, out: int) -> int:
        result = self._open(self._usual, name, file, flags, out)
        if result == sqlite3.SQLITE_OK and name and flags & _KEPT:
            self._names[file] = Path(c.string_at(name).decode()).name
            methods = c.c_void_p.from_address(file)
            methods.value = c.addressof(self._methods(methods.value or 0))
        return int(result)

    def _deleted(self, _: int, name: bytes, sync: int) -> int:
        result = self._delete(self._usual, name, sync)
        if result == sqlite3.SQLITE_OK:
            self._add(Event("delete", Path(name.decode()).name))
        return int(result)

    def _methods(self, usual: int) -> _IoMethods:
        if usual not in self._replaced:
            old = _IoMethods.from_address(usual)
            new = _IoMethods.from_buffer_copy(c.string_at(usual, c.sizeof(_IoMethods)))
            close, write = _Close(old.calls[_CLOSE]), _Write(old.calls[_WRITE])
            truncate, sync = _Truncate(old.calls[_TRUNCATE]), _Sync(old.calls[_SYNC])

            def closed(file: int) -> int:
                self._names.pop(file)
                return int(close(file))

            def written(file: int, data: int, size: int, place: int) -> int:
                self._add(Event("write", self._names[file], place, c.string_at(data, size)))
                return int(write(file, data, size, place))

            def truncated(file: int, size: int) -> int:
                self._add(Event("truncate", self._names[file], size))
                return int(truncate(file, size))

            def synced(file: int, flags: int) -> int:
                result = int(sync(file, flags))
                self._add(Event("sync", self._names[file]))
                return result

            callbacks = [_Close(closed), _Write(written), _Truncate(truncated), _Sync(synced)]
            for place, callback in zip((_CLOSE, _WRITE, _TRUNCATE, _SYNC), callbacks, strict=True):
                new.calls[place] = c.cast(callback, c.c_void_p).value
            self._callbacks += callbacks
            self._replaced[usual] = new
        return self._replaced[usual]

    def _add(self, event: Event) -> None:
        with self._lock:
            self.events.append(event)


def _calls_of(vfs: _Vfs) -> int:
    """Return how many function pointers a VFS of this version has."""
    return {1: 12, 2: 13}.get(vfs.version, 16)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record what happens to the SQLite files that are opened meanwhile; all must be closed at the end."""
    recorder = _recorder()
    recorder.events = []
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()


_made: list[Recorder] = []


def _recorder() -> Recorder:
    """Return the process's one recorder: SQLite may hold on to what it was given."""
    if not _made:
        _made.append(Recorder())
    return _made[0]


def left_by(events: Sequence[Event], cut: int, before: Path, into: Path, random: Random) -> None:
    """Make in `into` the files of `before` as a disk may hold them when power is cut before event `cut`."""
    shutil.copytree(before, into)
    happened = events[:cut]
    for name in {event.file for event in happened if event.what in {"write", "truncate", "delete"}}:
        mine = [event for event in happened if event.file == name]
        synced = max((place for place, event in enumerate(mine) if event.what == "sync"), default=-1)
        path = into / name
        held = bytearray(path.read_bytes()) if path.exists() else None
        for place, event in enumerate(mine):
            held = _applied(held, event, random if place > synced else None)
        if held is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(bytes(held))


def _applied(held: bytearray | None, event: Event, random: Random | None) -> bytearray | None:
    """Return what is held after an event: all of it where it was synced, else any part."""
    if event.what == "write":
        return _written(held or bytearray(), event, random)
    if random is not None and random.random() < 0.5:
        return held
    if event.what == "delete":
        return None
    if event.what == "truncate":
        held = held or bytearray()
        return held[: event.place].ljust(event.place, b"\0")
    return held


def _written(held: bytearray, event: Event, random: Random | None) -> bytearray:
    whole = random.choice((0.0, 0.5, 1.0)) if random else 1.0
    for start in range(0, len(event.data), SECTOR):
        if random is not None and random.random() >= whole:
            continue
        part = event.data[start : start + SECTOR]
        place = event.place + start
        if len(held) < place:
            held.extend(bytes(place - len(held)))
        held[place : place + len(part)] = part
    return held
