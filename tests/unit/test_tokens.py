"""Token counts."""

import pytest

from memory.errors import SetupError
from memory.tokens import TokenCounter


def test_counts_are_those_of_the_published_encoding(counter: TokenCounter) -> None:
    """Known texts have the counts that cl100k_base gives them."""
    assert counter.count("") == 0
    assert counter.count("hello world") == 2
    assert counter.count("tiktoken is great!") == 6
    assert counter.count("お誕生日おめでとう") == 9


def test_special_tokens_are_text(counter: TokenCounter) -> None:
    """Text that looks like a special token counts as the text it is."""
    assert counter.count("<|endoftext|>") > 1


def test_an_unknown_encoding_is_an_error_that_names_the_known() -> None:
    """A typo in the setting says what could have been meant."""
    with pytest.raises(SetupError, match="cl100k_base"):
        TokenCounter("cl100k_bass")
