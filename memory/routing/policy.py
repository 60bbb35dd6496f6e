"""The routing policy: read from a file, and checked whole before anything is routed by it."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from memory.errors import SetupError
from memory.intent.taxonomy import Group, taxonomy
from memory.risk.flags import Level

_RULE_KEYS = {"intents", "group", "risk", "min_confidence", "target"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold for a session to go to `target`: all that is named. min_confidence: 0 to 1."""

    target: str
    intents: frozenset[str] = field(default=frozenset())
    group: Group | None = None
    risk: frozenset[Level] = field(default=frozenset())
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """Rules in order, each target's own fallback, and where everything else goes."""

    rules: tuple[Rule, ...]
    targets: dict[str, str | None]
    fallback: str


def load_routing(path: Path | None = None) -> RoutingPolicy:
    """Return the policy of a file, or the shipped one; raise `SetupError` naming every fault in it."""
    try:
        source = path if path is not None else files("memory.routing") / "policy.toml"
        raw = tomllib.loads(source.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"the routing policy can't be read: {error}") from error
    faults = [*_shape_faults(raw)]
    if not faults:
        faults = [
            *_target_faults(raw),
            *(fault for rule in raw["rules"] for fault in _rule_faults(rule, raw)),
        ]
    if faults:
        raise SetupError("the routing policy is faulty: " + "; ".join(faults))
    return RoutingPolicy(
        rules=tuple(_rule(rule) for rule in raw["rules"]),
        targets={name: item.get("fallback") for name, item in raw["targets"].items()},
        fallback=raw["fallback"],
    )


def _rule(raw: dict[str, Any]) -> Rule:
    return Rule(
        target=raw["target"],
        intents=frozenset(raw.get("intents", ())),
        group=raw.get("group"),
        risk=frozenset(raw.get("risk", ())),
        min_confidence=float(raw.get("min_confidence", 0.0)),
    )


def _shape_faults(raw: dict[str, Any]) -> list[str]:
    kinds = {"rules": list, "targets": dict, "fallback": str}
    faults = [
        f"{key!r} must be a {kind.__name__}"
        for key, kind in kinds.items()
        if not isinstance(raw.get(key), kind)
    ]
    return faults + ([] if raw.get("version") == 1 else ["'version' must be 1"])


def _target_faults(raw: dict[str, Any]) -> list[str]:
    targets = raw["targets"]
    faults = [] if raw["fallback"] in targets else [f"the fallback {raw['fallback']!r} is no target"]
    for name in targets:
        seen = [name]
        while (after := targets[seen[-1]].get("fallback")) is not None:
            if after not in targets:
                faults.append(f"{seen[-1]!r} falls back to {after!r}, which is no target")
                break
            if after in seen:
                faults.append(f"the fallbacks run in a circle: {' → '.join([*seen, after])}")
                break
            seen.append(after)
    used = {rule.get("target") for rule in raw["rules"]} | {raw["fallback"]}
    used |= {item.get("fallback") for item in targets.values()}
    return faults + [f"no rule leads to the target {name!r}" for name in sorted(set(targets) - used)]


def _rule_faults(rule: dict[str, Any], raw: dict[str, Any]) -> list[str]:
    place = f"rule {raw['rules'].index(rule) + 1}"
    faults = [f"{place}: unknown key {key!r}" for key in sorted(rule.keys() - _RULE_KEYS)]
    if rule.get("target") not in raw["targets"]:
        faults.append(f"{place}: {rule.get('target')!r} is no target")
    unknown = sorted(set(rule.get("intents", ())) - set(taxonomy().names))
    faults += [f"{place}: unknown intent {name!r}" for name in unknown]
    if rule.get("group") not in (None, *get_args(Group)):
        faults.append(f"{place}: unknown group {rule['group']!r}")
    faults += [
        f"{place}: unknown level {name!r}" for name in rule.get("risk", ()) if name not in get_args(Level)
    ]
    confidence = rule.get("min_confidence", 0.0)
    if not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        faults.append(f"{place}: min_confidence must lie between 0 and 1")
    if not rule.keys() & {"intents", "group", "risk"}:
        faults.append(f"{place}: it names no intents, group or risk and would catch everything")
    return faults
