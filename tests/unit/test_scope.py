"""Scopes fail closed."""

import pytest

from memory.errors import InvalidInputError
from memory.scope import Scope


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x00", "x" * 257, None, 7])
def test_a_name_that_means_nobody_is_refused(name: object) -> None:
    """There is no scope without a user, and none for everybody."""
    with pytest.raises(InvalidInputError):
        Scope("tenant", name)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        Scope(name, "user")  # type: ignore[arg-type]


def test_the_whole_user_has_no_session() -> None:
    """A session's scope widens to its user, never further."""
    assert Scope("t", "u", "s").whole_user() == Scope("t", "u")
