"""The reliability page is what the kept results say, no more."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reliability.results import KEPT, ROOT, Demand, Result, demands, results, write
from tests.reliability.table import PAGE, page, state

LONG = Result(
    requirement="R1",
    test="test_r01_x.py::test_x",
    figure="0 lost",
    passed=True,
    long=True,
    date="2026-11-01",
    commit="abc",
    machine="2 cores",
)
SHORT = replace(LONG, test="test_r01_x.py::test_y", long=False)


def test_the_page_is_up_to_date() -> None:
    """Otherwise: `python -m tests.reliability.table`."""
    assert PAGE.read_text(encoding="utf-8") == page(KEPT)


def test_all_demands_are_there_in_order() -> None:
    """None is dropped for being hard."""
    assert [demand.id for demand in demands()] == [f"R{number}" for number in range(1, 28)]


def test_a_kept_result_is_of_a_test_that_exists() -> None:
    """What measured a figure can be run again."""
    for result in results(KEPT):
        file, _, name = result.test.partition("::")
        tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert set(name.partition("[")[0].split("::")) <= names, result.test


@pytest.mark.parametrize("demand", demands(), ids=lambda demand: demand.id)
def test_what_is_broken_on_purpose_is_still_there(demand: Demand) -> None:
    """Each text to replace is in its file exactly once."""
    for one in demand.breaks:
        assert (ROOT / one.file).read_text(encoding="utf-8").count(one.old) == 1, one.when
        assert one.old != one.new


def test_only_the_full_size_counts_as_full() -> None:
    """A small variant, a failure and nothing at all are told apart."""
    drill, fast = demands()[0], replace(demands()[0], full="fast")

    assert state(drill, []) == "not measured"
    assert state(drill, [SHORT]) == "short"
    assert state(fast, [SHORT]) == "full"
    assert state(drill, [SHORT, LONG]) == "full"
    assert state(drill, [LONG, replace(SHORT, passed=False)]) == "failed"


def test_a_failure_is_printed_as_one(tmp_path: Path) -> None:
    """Beside the figure it had reached by then."""
    write(tmp_path, replace(LONG, figure="3 lost", passed=False))

    assert "**failed**: 3 lost" in page(tmp_path)
    assert "0 lost" not in page(tmp_path)
