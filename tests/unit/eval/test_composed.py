"""Composed texts have the vectors of their sentences, at the places where these stand."""

import numpy as np
import pytest

from eval.latency.composed import ComposedEncoder, drawn
from memory.encoders import OnnxEncoder

SENTENCES = ["The launch moved to May.", "Ines is allergic to peanuts."]


def test_tokens_stand_where_their_words_are(encoder: OnnxEncoder) -> None:
    text = next(drawn(SENTENCES, 3))
    composed = ComposedEncoder(encoder, SENTENCES).encode([text])[0]
    alone = [one for part in text.split(" \u2016 ") for one in encoder.encode([part])]

    words = "".join(text[start:end] for start, end in composed.spans)
    assert words == text.replace(" ", "").replace("\u2016", "")
    assert np.allclose(composed.tokens, np.concatenate([one.tokens for one in alone]), atol=1e-5)
    assert np.linalg.norm(composed.pooled) == pytest.approx(1, abs=1e-5)


def test_other_texts_are_encoded_for_real(encoder: OnnxEncoder) -> None:
    text = "When is the launch?"
    composed = ComposedEncoder(encoder, SENTENCES).encode([text])[0]
    assert np.allclose(composed.pooled, encoder.encode([text])[0].pooled, atol=1e-5)
