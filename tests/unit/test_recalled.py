"""A context that is stored again is known as one."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages.making import spans_of
from retrieval.rendering.recalled import own
from retrieval.rendering.render import Record, new_nonce, render
from tests.helpers import a_turn

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def context(*texts: str) -> str:
    """Return a context of these texts, in two sessions."""
    records = [Record(a_turn(text, turn=n, session=n % 2, seq=n), None) for n, text in enumerate(texts)]
    return render(records, new_nonce())


def left(text: str) -> list[str]:
    """Return what is taken for the text's own."""
    kept = own(text)
    return [text] if kept is None else [text[slice(*span)].strip() for span in kept]


SAID = context("The code is 4471.", "Ines is allergic to peanuts.", "line\nbreak")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SAID, []),
        (f"Before.\n{SAID}\nAfter.", ["Before.", "After."]),
        (f"{SAID}\nThe code is 4471, as you said.", ["The code is 4471, as you said."]),
        (f"{SAID}\nA.\n{context('more')}\nB.", ["A.", "B."]),
        (json.dumps({"role": "user", "content": SAID}), ['{"role": "user", "content": "', '"}']),
        ("\n".join(f"> {line}" for line in SAID.split("\n")), [">"]),
        ("\n".join(SAID.split("\n")[1:-1]) + "\nSo it is.", ["So it is."]),
        ("\n".join(SAID.split("\n")[:4]), []),
        ("A.\n" + "\n".join(f"  {line}" for line in SAID.split("\n")[1:3]), ["A."]),
    ],
)
def test_copies_are_left_out(text: str, expected: list[str]) -> None:
    """Whole, quoted, in JSON, cut off at either end, without the fence."""
    assert left(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        'name: "value"\nother: "value"',
        "s1 2026-01-01",
        's1 2026-01-01\n\nThe meeting moved.\nuser: "x"',
        '<memory 1>\nuser: "x"\n</memory 1>',
        "<memory>The sea.</memory>",
    ],
)
def test_what_is_no_copy_is_kept(text: str) -> None:
    """Configuration files, dates and other people's tags are the turn's own."""
    assert own(text) is None


@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS, TEXTS)
def test_any_context_is_known(texts: list[str], before: str, after: str) -> None:
    """Whatever it holds, what stands around it is kept."""
    assert left(f"{before}\n{context(*texts)}\n{after}") == [
        part.strip() for part in (before, after) if part.strip()
    ]


def test_what_is_searched_holds_no_copy() -> None:
    """The spans of the index are the turn's own, and there is always one."""
    text = f"Before.\n{SAID}\nAfter."
    assert [text[slice(*span)].strip() for span in spans_of(a_turn(text))] == ["Before.", "After."]
    assert spans_of(a_turn(SAID)) == [(0, 0)]


def test_a_megabyte_of_openings_takes_no_time() -> None:
    """The work grows with the text, not with its square."""
    fences = "".join(f"<memory {n:039d}>" for n in range(20_000))
    begun = time.process_time()
    own(fences)
    small = time.process_time() - begun
    begun = time.process_time()
    own(fences * 8)
    assert time.process_time() - begun < 40 * max(small, 0.005)
