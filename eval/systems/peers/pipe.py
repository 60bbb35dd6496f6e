"""The parent's side of the pipe to a worker."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from eval.systems.port import SystemFailedError
from memory.encoders.port import Encoder


class Pipe:
    """A worker process: one call at a time, vectors on demand."""

    def __init__(self, python: Path, script: Path, encoder: Encoder) -> None:
        """Start the worker with nothing of our environment but the search path."""
        self._encoder = encoder
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        environment = {"PATH": os.environ.get("PATH", ""), "SATCHEL_DIM": str(encoder.dim), "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(  # noqa: S603 - a script of ours in an environment made for it
            [str(python), "-u", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
            encoding="utf-8",
        )

    def call(self, kind: str, **arguments: Any) -> Any:
        """Return the worker's answer; raise `SystemFailedError` with what it said."""
        self._send({"call": kind, **arguments})
        while True:
            message = self._receive(kind)
            if "encode" in message:
                self._send({"vectors": self._vectors(message["encode"])})
            elif "error" in message:
                raise SystemFailedError(f"{kind}: {message['error'].strip()[-1500:]}")
            else:
                return message["result"]

    def close(self) -> None:
        """End the worker."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def _vectors(self, texts: list[str]) -> str:
        pooled = [encoding.pooled for encoding in self._encoder.encode(texts)]
        return base64.b64encode(np.asarray(pooled, np.float32).tobytes()).decode("ascii")

    def _send(self, message: dict[str, Any]) -> None:
        stream = self._process.stdin
        if stream is None or stream.closed:
            raise SystemFailedError("the worker is closed")
        try:
            stream.write(json.dumps(message) + "\n")
            stream.flush()
        except (BrokenPipeError, OSError) as error:
            raise SystemFailedError(f"the worker ended: {self._last_words()}") from error

    def _receive(self, kind: str) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise SystemFailedError(f"{kind}: the worker ended: {self._last_words()}")
        message: dict[str, Any] = json.loads(line)
        return message

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace").strip()[-1500:]
