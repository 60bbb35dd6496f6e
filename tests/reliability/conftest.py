"""Figures that the reliability tests reach, kept when asked for: the table in the docs is made of them."""

import re
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eval.run.environment import environment
from tests.reliability.results import Result, write

Reached = Callable[[str], None]

_passed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let `reached` know, when a test is torn down, whether it passed."""
    report = yield
    if call.when == "call":
        item.stash[_passed] = report.passed
    return report


@pytest.fixture(scope="session")
def made_with() -> dict[str, Any]:
    """Commit and machine, looked at once: the first result that is written makes the tree differ."""
    return environment()


@pytest.fixture
def reached(request: pytest.FixtureRequest, made_with: dict[str, Any]) -> Iterator[Reached]:
    """Note the figure that a test reached, one file a test: `reached("0 of 1,000 turns lost")`.

    A test that fails after it noted its figure is kept as failed.
    """
    folder: Path | None = request.config.getoption("--reached", default=None)
    number = re.search(r"test_r(\d\d)_", request.node.path.name)
    assert number, "the tests of R7 live in a file called test_r07_…"
    figures: list[str] = []
    yield figures.append
    if folder is None or not figures:
        return
    long = request.node.get_closest_marker("drill") is not None
    result = Result(
        requirement=f"R{int(number[1])}",
        test=f"{request.node.path.name}::{request.node.name}",
        figure="; ".join(figures),
        passed=request.node.stash.get(_passed, False),
        long=long,
        date=datetime.now(UTC).date().isoformat(),
        commit=str(made_with["commit"])[:10] + ("+" if made_with["dirty"] else ""),
        machine=f"{made_with['machine']['cores']} cores, {made_with['machine']['cpu']}",
    )
    write(folder, result)
