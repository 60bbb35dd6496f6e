"""The stand-in for a Qdrant server in a process of its own, to be stopped and killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving import ROOT


@contextmanager
def qdrant_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start one that keeps its files in the folder; yield the process and its port."""
    command = [sys.executable, "-m", "tests.qdrant", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()
