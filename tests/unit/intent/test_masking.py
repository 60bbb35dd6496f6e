import pytest

from eval.intents.masking import marked, measure, parse
from memory.intent.masking import mask


@pytest.mark.parametrize("kind", ["email", "phone", "card", "key"])
def test_recall_holds_its_promise(kind: str) -> None:
    """On the marked texts, at least 95% of each promised kind is masked."""
    result = next(item for item in measure(marked()) if item.kind == kind)

    assert result.recall >= 0.95
    assert result.precision >= 0.9


@pytest.mark.parametrize("item", [item for item in marked() if not item.wanted], ids=lambda item: item.text)
def test_ordinary_texts_stay_as_they_are(item: object) -> None:
    """Dates, prices, versions and code are not masked."""
    text = getattr(item, "text", "")

    assert mask(text).text == text


def test_finds_do_not_overlap() -> None:
    """A value that two rules see is masked once, and the rest of the text stays."""
    masked = mask("password: lena@example.org and more")

    assert masked.text in {"password: [email] and more", "password: [key] and more"}
    assert sum(masked.counts.values()) == 1


def test_masking_is_stable() -> None:
    """Masking a masked text changes nothing."""
    once = mask("call +49 30 901820 or write to a@b.example").text

    assert mask(once).text == once


def test_marks_are_parsed() -> None:
    """The test set's marks become text and expectation."""
    item = parse("to {{email:a@b.example}}\\nnow")

    assert item.text == "to a@b.example\nnow"
    assert item.wanted == (("email", "a@b.example"),)


def test_long_texts_are_quick() -> None:
    """No rule goes wild on a long text."""
    assert mask("a1 b2@ " * 20_000).text
