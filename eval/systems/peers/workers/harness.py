"""The worker's side of the pipe. Runs in a peer's environment: the standard library and the peer alone.

Lines of JSON. The parent sends `{"call", ...}` and gets `{"result"}` or `{"error"}`; while a call runs the
worker may ask for vectors with `{"encode": [texts]}` and gets `{"vectors": base64 of float32}`.
"""

import base64
import json
import os
import queue
import shutil
import socket
import sys
import tempfile
import threading
import traceback
from array import array
from pathlib import Path
from typing import Any, Protocol

Turn = dict[str, Any]
# Ids of turns that are given whole, or by id the pieces of those that a peer cuts or alters.
Given = list[str] | dict[str, list[str]]

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - only compared with

# What the peers read to send telemetry, load models or call home.
_QUIET = {
    "MEM0_TELEMETRY": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "POSTHOG_DISABLED": "1",
    "DO_NOT_TRACK": "1",
    "OTEL_SDK_DISABLED": "true",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "NO_PROXY": "127.0.0.1,localhost",
}


class Peer(Protocol):
    """What a worker wraps. Every turn: id, session, ts (ISO or null), role, speaker, text."""

    def start(self, folder: Path) -> None:
        """Begin a conversation with nothing remembered; keep all files in `folder`."""

    def remember(self, turns: list[Turn]) -> None:
        """Take the next turns, one record each."""

    def search(self, query: str, k: int) -> list[str]:
        """Return ids of the best turns, best first."""

    def own(self, query: str) -> tuple[str, Given]:
        """Return the text that the peer gives by its own defaults, and the turns in it."""

    def forget(self) -> None:
        """Delete everything of the user by the peer's own means."""


class Pipe:
    """Lines in and out; vectors may be asked for from any thread, one at a time."""

    def __init__(self) -> None:
        """Keep the real standard output to ourselves: peers print."""
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._calls: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._vectors: queue.Queue[dict[str, Any]] = queue.Queue()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def next_call(self) -> dict[str, Any] | None:
        """Wait for a call; None when the parent is gone."""
        return self._calls.get()

    def send(self, message: dict[str, Any]) -> None:
        """Write one line."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def encode(self, texts: list[str]) -> list[list[float]]:
        """Return the shared encoder's vector of each text."""
        if not texts:
            return []
        with self._lock:
            self.send({"encode": texts})
            answer = self._vectors.get()
        numbers = array("f", base64.b64decode(answer["vectors"]))
        dim = len(numbers) // len(texts)
        return [list(numbers[start : start + dim]) for start in range(0, len(numbers), dim)]

    def _read(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            (self._vectors if "vectors" in message else self._calls).put(message)
        self._calls.put(None)


PIPE = Pipe()
DIM = int(os.environ.get("SATCHEL_DIM", "384"))


_warm: dict[str, list[float]] = {}


def warm(texts: list[str]) -> None:
    """Encode what a peer is about to ask for one by one."""
    _warm.clear()
    _warm.update(zip(texts, PIPE.encode(texts), strict=True))


def encode(texts: list[str]) -> list[list[float]]:
    """Return the shared encoder's vector of each text."""
    wanted = [str(text) for text in texts]
    if all(text in _warm for text in wanted):
        return [_warm[text] for text in wanted]
    return PIPE.encode(wanted)


def said(turn: Turn) -> str:
    """Return a turn's words, after the speaker's name if known: the same text for every system."""
    return f"{turn['speaker']}: {turn['text']}" if turn["speaker"] else str(turn["text"])


def quiet() -> Path:
    """Turn telemetry off, put the home folder elsewhere, and refuse connections off this machine."""
    home = Path(tempfile.mkdtemp(prefix="satchel-peer-"))
    os.environ.update(_QUIET, HOME=str(home), XDG_CACHE_HOME=str(home), MEM0_DIR=str(home / "mem0"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and not str(host).startswith(_LOOPBACK):
            sys.stderr.write(f"refused a connection to {host}\n")
            raise OSError(f"no connections off this machine: {host}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[assignment, method-assign]
    return home


def serve(peer: Peer, home: Path) -> None:
    """Answer calls until the parent is gone; then remove every file."""
    folder = home / "data"
    number = 0
    while (call := PIPE.next_call()) is not None:
        try:
            if call["call"] == "start":
                number += 1
                folder = home / f"data{number}"
                folder.mkdir()
            PIPE.send({"result": _answer(peer, call, folder, home)})
        except Exception:  # noqa: BLE001 - whatever a peer raises is told, with where it came from
            PIPE.send({"error": traceback.format_exc(limit=-4)})
    shutil.rmtree(home, ignore_errors=True)
    # Peers leave threads and pools behind that would keep the process.
    os._exit(0)


def _answer(peer: Peer, call: dict[str, Any], folder: Path, home: Path) -> Any:
    kind = call["call"]
    if kind == "start":
        return peer.start(folder)
    if kind == "remember":
        return peer.remember(call["turns"])
    if kind == "search":
        return peer.search(call["query"], call["k"])
    if kind == "own":
        text, given = peer.own(call["query"])
        pieces = given if isinstance(given, dict) else {}
        return {"text": text, "ids": list(given), "pieces": pieces}
    if kind == "forget":
        return peer.forget()
    if kind == "folder":
        return str(home)
    raise ValueError(f"unknown call {kind!r}")
