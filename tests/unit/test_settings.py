"""Settings and their page."""

from pathlib import Path

import pytest

from api.cli.shared import settings_with
from api.settings import Settings
from api.settings_table import PAGE, page
from memory.errors import SetupError

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_code_says() -> None:
    """docs/settings.md is generated and up to date."""
    assert (ROOT / PAGE).read_text() == page()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable sets its field; what the command line gives goes before it."""
    monkeypatch.setenv("SATCHEL_PORT", "9000")

    assert Settings().port == 9000
    assert settings_with(port=9001, data=None).port == 9001


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which setting and what is wrong."""
    monkeypatch.setenv("SATCHEL_PORT", "eighty")

    with pytest.raises(SetupError, match="port"):
        settings_with()
