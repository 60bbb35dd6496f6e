"""Every error of ours is drawn, and has a status."""

import inspect

import pytest

from api.cli.shared import EXIT_CODES
from api.http.problems import STATUS
from memory import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not errors.SatchelError]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_drawn_and_mapped(kind: type[errors.SatchelError]) -> None:
    """The tree in the module's head names it; HTTP and the command line know what to do."""
    assert kind.__name__ in (errors.__doc__ or "")
    assert issubclass(kind, errors.SatchelError)
    assert any(issubclass(kind, one) for one, _ in STATUS)
    assert any(issubclass(kind, one) for one, _ in EXIT_CODES)
