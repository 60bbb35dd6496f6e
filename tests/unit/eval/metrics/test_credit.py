"""What a delivered excerpt earns."""

from eval.metrics.credit import earned, group_hits, merged, whole
from memory.tokens import TokenCounter

TEXT = "The launch is on 14 May. Bring the blue folder and the second key."
COUNTER = TokenCounter()


def test_spans_are_merged() -> None:
    """Overlaps and neighbours become one, empty spans vanish."""
    assert merged([(5, 9), (0, 5), (20, 20), (7, 12)]) == [(0, 12)]


def test_whole_leaves_out_white_space_only() -> None:
    """Two halves that miss the blank between them are the whole turn."""
    assert whole(TEXT, [(0, 24), (25, len(TEXT))])
    assert not whole(TEXT, [(0, 24)])
    assert not whole(TEXT, [])


def test_half_of_the_tokens_earns_credit() -> None:
    """Without labelled characters, half of the turn's tokens are needed."""
    assert earned(TEXT, [(0, 40)], [], COUNTER)
    assert not earned(TEXT, [(0, 10)], [], COUNTER)
    assert earned(TEXT, [(0, 24), (30, 50)], [], COUNTER)


def test_labelled_characters_must_be_covered() -> None:
    """A short excerpt with the label in it earns; a long one without it doesn't."""
    date = TEXT.index("14 May")
    label = [(date, date + 6)]

    assert earned(TEXT, [(date, date + 6)], label, COUNTER)
    assert not earned(TEXT, [(25, len(TEXT))], label, COUNTER)
    assert not earned(TEXT, [(date, date + 3)], label, COUNTER)


def test_any_unit_of_a_group_finds_it() -> None:
    """Groups are found one by one."""
    assert group_hits([["a", "b"], ["c"]], {"b": True, "c": False}) == [True, False]


def test_an_empty_turn_needs_an_item() -> None:
    """A blank turn is whole as soon as anything is left to cover: nothing."""
    assert whole("  ", [])
