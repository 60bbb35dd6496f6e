"""Figures that the reliability tests reach, kept when asked for: the table in the docs is made of them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

Reached = Callable[[str], None]


@pytest.fixture
def reached(request: pytest.FixtureRequest) -> Reached:
    """Note the figure that a test reached, one file a test: `reached("0 of 1,000 turns lost")`."""
    folder: Path | None = request.config.getoption("--reached", default=None)
    number = re.search(r"test_(r\d\d)_", request.node.path.name)
    assert number, "the tests of R7 live in a file called test_r07_…"

    def note(figure: str) -> None:
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        row = {
            "test": number[1].upper(),
            "figure": figure,
            "long": request.node.get_closest_marker("drill") is not None,
            "command": f"pytest {'-m drill ' if request.node.get_closest_marker('drill') else ''}"
            f"tests/reliability/{request.node.path.name}::{request.node.name}",
            "date": datetime.now(UTC).date().isoformat(),
        }
        (folder / f"{number[1]}-{re.sub('[^a-z0-9]+', '-', request.node.name.lower())}.json").write_text(
            json.dumps(row, indent=1) + "\n"
        )

    return note
