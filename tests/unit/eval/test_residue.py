"""The purge benchmark."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval import residue
from eval.datasets.model import Query, Unit
from eval.residue import measure
from eval.systems import Means, make
from eval.systems.port import SystemFailedError
from memory.tokens import TokenCounter
from tests.unit.eval.fakes import HashEncoder


class Sloppy:
    """Says that it forgot, and keeps a copy."""

    def __init__(self, folder: Path, *, keeps: bool) -> None:
        """`keeps` a copy after forgetting."""
        self._keeps = keeps
        self._folder = folder
        self._forgotten = False

    def start(self, conversation: str) -> None:
        """Begin."""

    def remember(self, units: Sequence[Unit]) -> None:
        """Write everything twice, and the last one's vector."""
        text = " ".join(unit.text for unit in units)
        (self._folder / "data.db").write_text(text)
        (self._folder / "history.db").write_text(text)
        (vector,) = HashEncoder().encode([units[-1].text])
        (self._folder / "vectors").write_bytes(vector.pooled.astype("<f4").tobytes())

    def ranking(self, query: Query, k: int) -> list[str]:
        """Find it until it is to be forgotten."""
        del query, k
        if self._forgotten:
            raise SystemFailedError("no such user")
        return ["canary"]

    def forget(self) -> None:
        """Empty the main file and the vectors."""
        self._forgotten = True
        for name in ("data.db", "vectors") if self._keeps else ("data.db", "vectors", "history.db"):
            (self._folder / name).write_bytes(b"")

    def folder(self) -> Path:
        """Return where it writes."""
        return self._folder

    def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize("keeps", [True, False])
def test_residue_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keeps: bool) -> None:  # noqa: FBT001
    """Bytes before and after by form, where they are, and whether the text still comes back."""
    monkeypatch.setattr(residue, "make", lambda *_: Sloppy(tmp_path, keeps=keeps))
    found = measure("sloppy", Means(HashEncoder(), TokenCounter()))

    assert found.found
    assert not found.recalled
    assert {"utf-8", "float32 le"} <= found.before.keys()
    assert found.after.keys() == ({"utf-8"} if keeps else set())
    assert found.files == ("history.db",) * keeps
    assert (found.as_json()["residue_bytes"] > 0) == keeps


def test_a_system_without_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has nothing to leave behind, and that is said."""
    monkeypatch.setattr(residue, "make", make)

    assert measure("bm25", Means(HashEncoder(), TokenCounter())).error == "keeps nothing on disk"
