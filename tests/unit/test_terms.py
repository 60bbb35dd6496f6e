"""Text to terms."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages.terms import _stemmers, counted, located, terms


def test_words_meet_their_inflections() -> None:
    """Stems are what is compared."""
    assert terms("running runs") == ["run", "run"]


def test_an_identifier_is_found_whole_and_by_its_parts() -> None:
    """An exact error code is a term of its own."""
    found = terms("Error NX-4471 in src/getUserName.py")

    assert {"nx-4471", "nx", "4471", "src/getusername.py", "user", "name"} <= set(found)


def test_unspaced_scripts_count_in_pairs() -> None:
    """Two characters of Japanese make a term."""
    assert terms("日本語") == ["日本", "本語"]


@given(st.text(max_size=300))
def test_any_text_has_terms_at_its_places(text: str) -> None:
    """Places lie in the text, in order; counts add up."""
    found = located(text)

    assert all(0 <= start < end <= len(text) for _, start, end in found)
    assert [start for _, start, _ in found] == sorted(start for _, start, _ in found)
    assert counted(text)[1].sum() == len(found)


def test_no_words_are_kept() -> None:
    """What was stemmed is in no cache: words of somebody who was erased would stay in it."""
    terms("Quondamberries were said.")
    assert _stemmers.english.maxCacheSize == 0
