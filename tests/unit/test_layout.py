"""The repository's own shape."""

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["memory", "retrieval", "api", "eval"])
def test_package_name_is_ours(name: str) -> None:
    """No other installed distribution ships a package of one of our names."""
    owners = set(packages_distributions().get(name, [])) - {"satchel"}

    assert not owners, f"{name!r} is also shipped by {owners}"
    assert Path(__import__(name).__file__ or "").is_relative_to(ROOT)


def test_no_file_is_a_hall() -> None:
    """No source file is longer than 400 lines."""
    halls = [
        str(path.relative_to(ROOT))
        for package in ("memory", "retrieval", "api", "eval", "tests")
        for path in (ROOT / package).rglob("*.py")
        if path.read_text().count("\n") > 400
    ]

    assert not halls
