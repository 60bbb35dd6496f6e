from dataclasses import replace
from pathlib import Path

import pytest

from memory.errors import SetupError
from memory.intent.tagger import IntentTag
from memory.risk import RiskFlag, RiskReport
from memory.routing import load_routing, route

TAG = IntentTag(
    label="coding",
    group="productivity",
    confidence=0.9,
    alternatives=(),
    abstained=False,
    groups={"productivity": 0.95, "affective": 0.03, "other": 0.02},
    segments=(),
    model="m",
)
CALM = RiskReport((), "none", "m")
WORRIED = RiskReport((RiskFlag("self_harm", 0.9, "high", "t", escalate=True),), "high", "m")

GOOD = """
version = 1
fallback = "general"
[targets.general]
[targets.code]
fallback = "general"
[[rules]]
intents = ["coding"]
min_confidence = 0.5
target = "code"
"""


def test_a_sure_session_goes_where_its_rule_says() -> None:
    """The first rule that fits names target, fallback and reason."""
    found = route(TAG, CALM, load_routing())

    assert (found.target, found.fallback) == ("code", "general")
    assert "coding" in found.reason


def test_risk_goes_before_intent() -> None:
    """A session at risk goes to care, whatever it is about."""
    found = route(TAG, WORRIED, load_routing())

    assert found.target == "care"
    assert "self_harm" in found.reason


@pytest.mark.parametrize("tag", [replace(TAG, confidence=0.3), replace(TAG, abstained=True)])
def test_unsure_sessions_fall_back(tag: IntentTag) -> None:
    """Low confidence or abstention goes to the fallback, and says so."""
    found = route(tag, CALM, load_routing())

    assert found.target == "general"
    assert "unsure" in found.reason


def test_an_untagged_session_falls_back() -> None:
    """Before anything was said there is only the fallback."""
    assert route(None, None, load_routing()).target == "general"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('fallback = "general"\n[targets.general]', 'fallback = "no"\n[targets.general]', "is no target"),
        ('target = "code"', 'target = "cod"', "is no target"),
        ('["coding"]', '["codign"]', "unknown intent"),
        ("[targets.general]", '[targets.general]\nfallback = "code"', "circle"),
        ("[targets.general]", "[targets.general]\n[targets.lost]", "no rule leads"),
        ("min_confidence = 0.5", "min_confidence = 50", "between 0 and 1"),
        ('intents = ["coding"]\n', "", "catch everything"),
        ('intents = ["coding"]', 'intents = ["coding"]\nweight = 3', "unknown key"),
        ('intents = ["coding"]', 'group = "work"', "unknown group"),
        ('intents = ["coding"]', 'risk = ["huge"]', "unknown level"),
        ("version = 1", "version = 2", "version"),
        ("[[rules]]", "[[rules", "can't be read"),
    ],
)
def test_faults_stop_the_start(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """Each fault in a policy file is refused with words that name it."""
    (tmp_path / "p.toml").write_text(GOOD.replace(old, new))

    with pytest.raises(SetupError, match=fault):
        load_routing(tmp_path / "p.toml")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """An operator's file replaces the shipped one."""
    (tmp_path / "p.toml").write_text(GOOD)

    assert set(load_routing(tmp_path / "p.toml").targets) == {"general", "code"}
