"""Risk policies: what is watched for, and what is advised when it is seen."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from memory.errors import SetupError

# The policies that the shipped model scores, in its order.
POLICIES = ("self_harm", "abuse", "eating_disorder", "delusion", "crisis")
_NUMBERS = ("prevalence", "watch", "flag", "high")


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy and its advice.

    watch, flag, high: session scores, 0 to 1, from which a level is reached; 0 stands for the
    model's own limit. escalate: a person should look at once.
    """

    name: str
    means: str
    prevalence: float
    watch: float
    flag: float
    high: float
    response_template: str
    escalate: bool


def load_policies(path: Path | None = None) -> dict[str, Policy]:
    """Return the policies of a file, or the shipped ones; raise `SetupError` on a fault in it."""
    try:
        source = path if path is not None else files("memory.risk") / "policies.toml"
        raw = tomllib.loads(source.read_text("utf-8"))["policies"]
        found = {name: _policy(name, item) for name, item in raw.items()}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SetupError(f"the risk policies can't be read: {error}") from error
    unknown = sorted(found.keys() - set(POLICIES))
    if unknown:
        raise SetupError(f"unknown risk policies: {', '.join(unknown)}; known: {', '.join(POLICIES)}")
    return found


def _policy(name: str, item: dict[str, object]) -> Policy:
    numbers = {key: float(str(item[key])) for key in _NUMBERS}
    for key, value in numbers.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name}.{key} must lie between 0 and 1, not be {value}")
    if numbers["watch"] and numbers["flag"] and numbers["watch"] > numbers["flag"]:
        raise ValueError(f"{name}.watch must not exceed {name}.flag")
    if not isinstance(item["escalate"], bool):
        raise TypeError(f"{name}.escalate must be true or false")
    return Policy(
        name=name,
        means=str(item["means"]),
        response_template=str(item["response_template"]),
        escalate=item["escalate"],
        **numbers,
    )
