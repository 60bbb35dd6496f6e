"""Encodings on disk, by content and encoder: a text is encoded once, whoever asks."""

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from memory.encoders.over import EncoderOver
from memory.encoders.port import Encoder, Encoding
from memory.errors import SetupError

FOLDER_VARIABLE = "SATCHEL_EVAL_CACHE"

# Texts encoded between two commits: what an interruption can cost.
_SLICE = 256
# SQLite's default limit of variables in one statement is far above this.
_LOOKUP = 500
_HEAD = 4


def default_folder() -> Path:
    """Return where encodings are kept: `$SATCHEL_EVAL_CACHE`, else the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "satchel" / "encodings"


class CachedEncoder(EncoderOver):
    """An `Encoder` that remembers on disk. Thread-safe; processes may share a folder.

    Token vectors are kept, and therefore also returned the first time, with the precision of float16:
    a warm run gives exactly what a cold one gave.
    """

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        """Keep encodings under `folder`, one file an encoder id."""
        super().__init__(encoder)
        self._folder = folder or default_folder()
        self._lock = threading.RLock()
        self._file = self._open()
        self._live: dict[str, Encoding] | None = None
        self._live_ms = 0.0

    @property
    def live_ms(self) -> float:
        """Milliseconds that the encoder itself took since `live` was entered."""
        return self._live_ms

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        with self._lock:
            if self._live is not None:
                return self._encode_live(texts, self._live)
            return self._encode_cached(texts)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Encode for real within this block, so that latency can be measured.

        A text asked for twice in the block is encoded once: one query at several budgets pays once.
        """
        with self._lock:
            self._live, self._live_ms = {}, 0.0
        try:
            yield
        finally:
            with self._lock:
                self._live = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _open(self) -> sqlite3.Connection:
        name = "".join(letter if letter.isalnum() else "-" for letter in self._encoder.id)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(self._folder / f"{name}.sqlite3", timeout=120, check_same_thread=False)
            file.execute("PRAGMA journal_mode=WAL")
            # Derived data: a power cut may cost the newest rows, never their integrity.
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute("CREATE TABLE IF NOT EXISTS encodings (key BLOB PRIMARY KEY, value BLOB NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise SetupError(
                f"can't keep encodings in {self._folder} ({error}); set {FOLDER_VARIABLE}"
            ) from error
        return file

    def _encode_live(self, texts: Sequence[str], seen: dict[str, Encoding]) -> list[Encoding]:
        missing = [text for text in dict.fromkeys(texts) if text not in seen]
        if missing:
            started = time.perf_counter()
            fresh = self._encoder.encode(missing)
            self._live_ms += (time.perf_counter() - started) * 1000
            seen.update({t: _unpacked(_packed(e), self.dim) for t, e in zip(missing, fresh, strict=True)})
        return [seen[text] for text in texts]

    def _encode_cached(self, texts: Sequence[str]) -> list[Encoding]:
        keys = [_key(text) for text in texts]
        found = self._read(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        todo = list(missing.items())
        for start in range(0, len(todo), _SLICE):
            part = todo[start : start + _SLICE]
            fresh = self._encoder.encode([text for _, text in part])
            rows = [(key, _packed(encoding)) for (key, _), encoding in zip(part, fresh, strict=True)]
            with self._file:
                self._file.executemany("INSERT OR IGNORE INTO encodings VALUES (?, ?)", rows)
            found.update(rows)
        return [_unpacked(found[key], self.dim) for key in keys]

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, bytes] = {}
        for start in range(0, len(wanted), _LOOKUP):
            part = wanted[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            # Only question marks are put into the statement.
            query = f"SELECT key, value FROM encodings WHERE key IN ({marks})"  # noqa: S608
            found.update(self._file.execute(query, part).fetchall())
        return found


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _packed(encoding: Encoding) -> bytes:
    """Return count (int32), pooled (float32), spans (int32), tokens (float16), one behind the other."""
    count = np.int32(len(encoding.tokens)).tobytes()
    spans = np.ascontiguousarray(encoding.spans, np.int32).tobytes()
    tokens = np.ascontiguousarray(encoding.tokens, np.float16).tobytes()
    return count + np.ascontiguousarray(encoding.pooled, np.float32).tobytes() + spans + tokens


def _unpacked(value: bytes, dim: int) -> Encoding:
    count = int(np.frombuffer(value, np.int32, 1)[0])
    spans_at = _HEAD + dim * 4
    tokens_at = spans_at + count * 8
    return Encoding(
        pooled=np.frombuffer(value, np.float32, dim, _HEAD),
        tokens=np.frombuffer(value, np.float16, count * dim, tokens_at)
        .reshape(count, dim)
        .astype(np.float32),
        spans=np.frombuffer(value, np.int32, count * 2, spans_at).reshape(count, 2),
    )
