"""The purge benchmark."""

from collections.abc import Sequence

import pytest

from eval import residue
from eval.datasets.model import Query, Unit
from eval.residue import CANARY, measure
from eval.systems import Means, make
from eval.systems.port import SystemFailedError
from memory.tokens import TokenCounter
from tests.unit.eval.fakes import HashEncoder


class Sloppy:
    """Says that it forgot, and keeps a copy."""

    def __init__(self, *, keeps: bool) -> None:
        """`keeps` a copy after forgetting."""
        self._keeps = keeps
        self._files = {"data.db": "", "history.db": ""}

    def start(self, conversation: str) -> None:
        """Begin."""

    def remember(self, units: Sequence[Unit]) -> None:
        """Write everything twice."""
        text = " ".join(unit.text for unit in units)
        self._files = {"data.db": text, "history.db": text}

    def ranking(self, query: Query, k: int) -> list[str]:
        """Find it while it is in the main file."""
        del query, k
        if not self._files["data.db"]:
            raise SystemFailedError("no such user")
        return ["canary"]

    def forget(self) -> None:
        """Empty the main file."""
        self._files = {"data.db": "", "history.db": self._files["history.db"] if self._keeps else ""}

    def residue(self, canary: str) -> dict[str, int]:
        """Count."""
        return {name: text.count(canary) for name, text in self._files.items() if canary in text}

    def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize(("keeps", "copies"), [(True, 1), (False, 0)])
def test_residue_is_counted(monkeypatch: pytest.MonkeyPatch, keeps: bool, copies: int) -> None:  # noqa: FBT001
    """Copies before and after, where they are, and whether the text still comes back."""
    monkeypatch.setattr(residue, "make", lambda *_: Sloppy(keeps=keeps))
    found = measure("sloppy", Means(HashEncoder(), TokenCounter()))

    assert (found.found, found.copies_before, found.copies, found.recalled) == (True, 2, copies, False)
    assert found.files == ("history.db",) * copies
    assert found.as_json()["residue_bytes"] == copies * len(CANARY)


def test_a_system_without_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has nothing to leave behind, and that is said."""
    monkeypatch.setattr(residue, "make", make)

    assert measure("bm25", Means(HashEncoder(), TokenCounter())).error == "keeps nothing on disk"
