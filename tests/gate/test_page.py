"""The benchmarks page is what the committed results say."""

from pathlib import Path

import pytest

from eval.publish.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """Otherwise: `satchel eval publish`."""
    results = ROOT / "benchmarks" / "results"
    if not results.is_dir():
        pytest.skip("no results are committed")

    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page(results)
