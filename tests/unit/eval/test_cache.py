"""Encodings on disk."""

from pathlib import Path

import numpy as np
import pytest

from eval.cache import CachedEncoder
from memory.errors import SetupError
from tests.unit.eval.fakes import HashEncoder


def test_a_text_is_encoded_once(tmp_path: Path) -> None:
    """The second process finds what the first one encoded."""
    first, second = HashEncoder(), HashEncoder()
    fresh = CachedEncoder(first, tmp_path).encode(["a b", "c", "a b"])
    kept = CachedEncoder(second, tmp_path).encode(["c", "a b"])

    assert first.texts_seen == ["a b", "c"]
    assert second.texts_seen == []
    np.testing.assert_array_equal(fresh[0].tokens, kept[1].tokens)
    np.testing.assert_array_equal(fresh[0].spans, kept[1].spans)
    np.testing.assert_array_equal(fresh[1].pooled, kept[0].pooled)


def test_what_is_kept_is_what_was_encoded(tmp_path: Path) -> None:
    """Pooled vectors and spans are exact, token vectors within half precision."""
    texts = ["one two three", ""]
    exact = HashEncoder().encode(texts)
    kept = CachedEncoder(HashEncoder(), tmp_path).encode(texts)

    for a, b in zip(exact, kept, strict=True):
        np.testing.assert_array_equal(a.pooled, b.pooled)
        np.testing.assert_array_equal(a.spans, b.spans)
        np.testing.assert_allclose(a.tokens, b.tokens, atol=1e-3)


def test_live_encodes_for_real_but_once(tmp_path: Path) -> None:
    """Within `live` the encoder works even if the text is kept, once a text."""
    inner = HashEncoder()
    cached = CachedEncoder(inner, tmp_path)
    cached.encode(["a"])
    with cached.live():
        cached.encode(["a"])
        cached.encode(["a"])
        took = cached.live_ms

    assert inner.texts_seen == ["a", "a"]
    assert took > 0


def test_a_folder_that_cannot_be_made_names_the_remedy(tmp_path: Path) -> None:
    """The error says which variable to set."""
    (tmp_path / "file").write_text("")

    with pytest.raises(SetupError, match="SATCHEL_EVAL_CACHE"):
        CachedEncoder(HashEncoder(), tmp_path / "file" / "below")
