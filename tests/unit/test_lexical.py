"""BM25, against hand-computed figures and an independent implementation."""

import math

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages.terms import counted, term_hash
from retrieval.scoring.lexical import K1, Asked, B, Lexical

WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12)


def asked_for(lexical: Lexical, *terms: str) -> Asked:
    """Return the terms looked up."""
    return lexical.asked(np.array([term_hash(term) for term in terms], np.uint64))


def test_a_score_computed_by_hand() -> None:
    """Two passages, one term in one of them."""
    lexical = Lexical()
    lexical.add([counted("apple pear"), counted("plum plum plum plum")])

    found = lexical.score(asked_for(lexical, "appl"), np.arange(2))

    weight = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert found.idf[0] == pytest.approx(weight)
    assert found.bm25[0] == pytest.approx(weight * (K1 + 1) / (1 + K1 * (1 - B + B * 2 / 3)), rel=1e-5)
    assert found.bm25[1] == 0
    assert list(found.coverage) == [1, 0]


@given(st.lists(WORDS, min_size=2, max_size=12), WORDS)
def test_scores_equal_an_independent_implementation(corpus: list[list[str]], query: list[str]) -> None:
    """bm25s, with Lucene's formula and our constants, agrees on every passage."""
    asked = sorted(set(query))
    lexical = Lexical()
    for passage in corpus:  # one at a time: the sorted part and the tail must agree as well
        lexical.add([counted(" ".join(passage))])
    mine = lexical.bm25(asked_for(lexical, *asked))
    reference = bm25s.BM25(k1=K1, b=B, method="lucene")
    reference.index(corpus, show_progress=False)
    known = [term for term in asked if any(term in passage for passage in corpus)]
    theirs = reference.get_scores(known) if known else np.zeros(len(corpus))

    # Lucene's BM25 leaves out the constant factor k1 + 1, which changes no order.
    assert np.allclose(mine, theirs * (K1 + 1), rtol=1e-4, atol=1e-5)


def test_merging_the_tail_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same passages score the same from the sorted part as from the tail."""
    texts = [f"word{i % 7} word{i % 3} common" for i in range(50)]
    tail = Lexical()
    tail.add([counted(text) for text in texts])
    monkeypatch.setattr("retrieval.scoring.postings._MAX_TAIL", 1)
    merged = Lexical()
    for text in texts:
        merged.add([counted(text)])

    one, other = (lexical.bm25(asked_for(lexical, "word3", "common")) for lexical in (tail, merged))
    assert np.array_equal(one, other)


@given(st.lists(WORDS, min_size=1, max_size=40), WORDS, st.data())
def test_some_rows_score_as_they_do_among_all(
    corpus: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    """Whoever looks at a few rows sees what whoever looks at all sees."""
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(corpus) - 1)))), np.int64)
    lexical = Lexical()
    lexical.add([counted(" ".join(passage)) for passage in corpus])

    asked = asked_for(lexical, *sorted(set(query)))

    whole, some = lexical.score(asked, np.arange(len(corpus))), lexical.score(asked, rows)

    assert np.array_equal(lexical.bm25(asked), whole.bm25)
    assert np.array_equal(lexical.bm25(asked, rows), some.bm25)
    assert np.array_equal(some.bm25, whole.bm25[rows])
    assert np.array_equal(some.coverage, whole.coverage[rows])
    assert np.array_equal(some.rarest, whole.rarest[rows])
    assert np.array_equal(some.matched, whole.matched[rows])
    assert np.array_equal(some.idf, whole.idf)


def test_the_best_rows_are_those_with_the_rarest_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops before the common term, and the rows that matter are found."""
    lexical = Lexical()
    lexical.add([counted(f"common word{i % 50}") for i in range(1000)])
    monkeypatch.setattr("retrieval.scoring.lexical._READ", 100)

    best = lexical.best(asked_for(lexical, "common", "word7", "word9"), 30)

    assert len(best) == 30
    assert {int(row) % 50 for row in best} == {7, 9}
    assert lexical.best(asked_for(lexical, "absent"), 30).size == 0
