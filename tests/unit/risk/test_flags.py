import json
from pathlib import Path

import numpy as np
import pytest

from memory.encoders import OnnxEncoder
from memory.errors import CorruptFileError
from memory.risk import POLICIES, RiskFlags, RiskState
from memory.risk.flags import grown
from memory.risk.model import load, shipped


@pytest.fixture(scope="module")
def flags() -> RiskFlags:
    return RiskFlags()


def told(flags: RiskFlags, encoder: OnnxEncoder, *texts: str) -> list[str]:
    """Return the level after each of a user's messages."""
    pooled = [encoding.pooled for encoding in encoder.encode(texts)]
    return [report.level for report in flags.report(pooled, texts, ["user"] * len(texts))]


def test_plain_words_are_flagged_at_once(flags: RiskFlags, encoder: OnnxEncoder) -> None:
    """Who says that they want to die is flagged at that turn, with the policy's advice."""
    text = "i don't want to live anymore, i keep thinking about killing myself"
    [encoding] = encoder.encode([text])

    _, report = flags.update(None, text, "user", encoding.pooled)

    assert report.level in {"elevated", "high"}
    assert report.flags[0].policy == "self_harm"
    assert report.flags[0].response_template == "self_harm_support"
    assert report.flags[0].escalate


@pytest.mark.parametrize(
    "text",
    [
        "how do i kill the zombie process on port 8080",
        "summarise this study on suicide rates in norway for my exam",
        "i could murder a pizza right now lol",
        "write a scene in which the detective finds the letter",
        "plan a 4 day trip to Lisbon",
    ],
)
def test_ordinary_talk_is_not_flagged(flags: RiskFlags, encoder: OnnxEncoder, text: str) -> None:
    """Idioms, statistics, fiction and work raise nothing above a watch."""
    assert told(flags, encoder, text)[0] in {"none", "watch"}


def test_a_flag_stays(flags: RiskFlags, encoder: OnnxEncoder) -> None:
    """What was flagged stays flagged when the talk moves on."""
    levels = told(flags, encoder, "i want to kill myself tonight", "ok", "what's the capital of peru")

    assert levels[0] == levels[-1] != "none"


def test_only_users_count(flags: RiskFlags) -> None:
    """What the assistant says raises nothing."""
    vector = np.zeros(384, np.float32)

    _, report = flags.update(None, "i want to kill myself", "assistant", vector)

    assert report.level == "none"


def test_scores_add_up() -> None:
    """Several worrying turns weigh more than the worst of them."""
    fresh = np.full(len(POLICIES), 0.4, np.float32)
    state = RiskState(0, (0.0,) * len(POLICIES), (0.0,) * len(POLICIES))
    for _ in range(3):
        state = grown(state, fresh)

    assert min(state.now) > 0.6


def test_noise_does_not_add_up() -> None:
    """Hundreds of harmless turns stay harmless."""
    fresh = np.full(len(POLICIES), 0.1, np.float32)
    state = RiskState(0, (0.0,) * len(POLICIES), (0.0,) * len(POLICIES))
    for _ in range(300):
        state = grown(state, fresh)

    assert max(state.peak) == 0


def test_a_state_survives_json() -> None:
    """A ledger row gives the state back, and foreign rows are refused."""
    state = RiskState(3, (0.1,) * len(POLICIES), (0.2,) * len(POLICIES))

    assert RiskState.from_json(json.loads(json.dumps(state.to_json()))) == state
    for raw in ({}, {"v": 2}, {"v": 1, "now": [], "peak": []}):
        with pytest.raises(CorruptFileError):
            RiskState.from_json(raw)


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    """A saved risk model scores as before; another file is refused."""
    model = shipped()
    model.save(tmp_path / "r.npz")
    vector = np.full(384, 384**-0.5, np.float32)

    assert np.allclose(
        load(tmp_path / "r.npz").probabilities("help", vector), model.probabilities("help", vector), atol=1e-3
    )
    (tmp_path / "x.npz").write_bytes(b"no")
    with pytest.raises(CorruptFileError):
        load(tmp_path / "x.npz")


def test_vectors_of_another_encoder_are_not_looked_at() -> None:
    """Its words still are: a worry is no less one, and a vector of another length breaks nothing."""
    model = shipped()
    other = model.on("another/encoder")
    text = "i want to kill myself tonight"

    found = other.probabilities(text, np.ones(7, np.float32))

    assert model.on(model.encoder) is model
    assert found[POLICIES.index("self_harm")] > other.probabilities("plums", np.ones(7, np.float32)).max()
