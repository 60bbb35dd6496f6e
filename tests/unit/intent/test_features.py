import numpy as np
import pytest

from memory.intent.features import SHAPES, ends, shape


def test_short_texts_have_no_tail() -> None:
    """Words are counted once: a short text is all head."""
    head, tail = ends("fix this query please")

    assert {"fix", "fix this", "^ fix"} <= head
    assert tail == set()


def test_the_request_behind_a_long_paste_is_seen() -> None:
    """What stands at the end of a long text is in its tail."""
    _, tail = ends("lorem ipsum " * 200 + "now summarize it")

    assert {"summarize it", "it $"} <= tail


@pytest.mark.parametrize("text", ["", "?", "a" * 100_000, "日本語" * 50, "\n" * 400])
def test_shapes_are_bounded(text: str) -> None:
    """Any text has a shape of known length between 0 and 1."""
    found = shape(text)

    assert found.shape == (SHAPES,)
    assert np.all((found >= 0) & (found <= 1))


def test_code_and_tables_look_different() -> None:
    """A pasted table and a pasted function differ in shape."""
    table = shape("a,b,c\n1,2,3\n4,5,6")
    code = shape("def f(x):\n    return x + 1\n")

    assert not np.allclose(table, code)
