"""From a session's tag and risk to a target."""

from dataclasses import asdict, dataclass
from typing import Any

from memory.intent.tagger import IntentTag
from memory.risk.flags import RiskReport
from memory.routing.policy import RoutingPolicy, Rule


@dataclass(frozen=True, slots=True)
class Route:
    """Where a session should go, where it goes if that can't answer, and why."""

    target: str
    fallback: str | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the route as the API shows it."""
        return asdict(self)


def route(tag: IntentTag | None, risk: RiskReport | None, policy: RoutingPolicy) -> Route:
    """Return the target of the first rule that fits, else the policy's fallback."""
    unsure: str | None = None
    for rule in policy.rules:
        reason = _fits(rule, tag, risk)
        if reason is None:
            continue
        confidence = _confidence(rule, tag)
        needs_tag = bool(rule.intents or rule.group)
        if needs_tag and (confidence < rule.min_confidence or (tag is not None and tag.abstained)):
            unsure = unsure or f"{reason} is too unsure ({confidence:.2f})"
            continue
        return Route(rule.target, policy.targets[rule.target], reason)
    if tag is None:
        unsure = "nothing was said yet"
    reason = unsure or f"no rule for intent {tag.label if tag else ''}"
    return Route(policy.fallback, policy.targets[policy.fallback], reason)


def _fits(rule: Rule, tag: IntentTag | None, risk: RiskReport | None) -> str | None:
    """Return why the rule fits, or None."""
    reasons = []
    if rule.risk:
        if risk is None or risk.level not in rule.risk:
            return None
        reasons.append(f"risk {risk.level}: {risk.flags[0].policy}" if risk.flags else f"risk {risk.level}")
    if rule.intents:
        if tag is None or tag.label not in rule.intents:
            return None
        reasons.append(f"intent {tag.label}")
    if rule.group:
        if tag is None or tag.group != rule.group:
            return None
        reasons.append(f"group {tag.group}")
    return ", ".join(reasons)


def _confidence(rule: Rule, tag: IntentTag | None) -> float:
    if tag is None:
        return 0.0
    return tag.confidence if rule.intents else tag.groups[tag.group]
