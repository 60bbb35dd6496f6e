"""Any supported file, by looking at it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from eval.datasets.evidence import read_evidence
from eval.datasets.locomo import is_locomo, read_locomo
from eval.datasets.longmemeval import is_longmemeval, read_longmemeval
from eval.datasets.model import Conversation
from memory.errors import InvalidInputError


def read(path: Path) -> list[Conversation]:
    """Return the conversations of an evidence file or an original LoCoMo or LongMemEval file."""
    if not path.is_file():
        raise InvalidInputError(f"there is no file {path}")
    conversations = list(_read_json(path) if path.suffix == ".json" else read_evidence(path))
    if not conversations:
        raise InvalidInputError(f"{path.name} holds no conversation")
    return conversations


def digest(path: Path) -> str:
    """Return the sha256 of a file: results name exactly what they were measured on."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> Iterator[Conversation]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInputError(f"{path.name} is not JSON: {error}") from error
    if is_locomo(data):
        return read_locomo(data)
    if is_longmemeval(data):
        return read_longmemeval(data)
    raise InvalidInputError(
        f"{path.name} is neither LoCoMo nor LongMemEval; the evidence format is JSON Lines (.jsonl)"
    )
