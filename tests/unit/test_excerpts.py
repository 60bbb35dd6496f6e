"""Long turns in parts."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages.excerpts import WHOLE, excerpts


@given(st.text(max_size=5000) | st.text("ab. \n`|-", max_size=5000))
def test_spans_cover_the_text_in_order(text: str) -> None:
    """No character is lost or shown twice, and no span is longer than the encoder sees."""
    spans = excerpts(text)

    assert "".join(text[start:end] for start, end in spans) == text
    assert all(end - start <= WHOLE for start, end in spans)
    assert len(spans) == 1 or all(end > start for start, end in spans)


def test_a_short_turn_is_whole() -> None:
    """What fits the encoder's sight is not cut."""
    assert excerpts("One.\n\nTwo.") == [(0, 10)]


def test_a_code_block_is_not_cut() -> None:
    """A fenced block that fits a span stays together."""
    code = "```python\n" + "x = 1\n\n" * 30 + "```\n"
    text = "Some words. " * 60 + "\n\n" + code + "More words. " * 60

    assert any(code in text[start:end] for start, end in excerpts(text))
