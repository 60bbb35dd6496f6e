"""R12: every verb of every port is tested on every adapter, and no test leaves one out."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.reliability.conftest import Reached
from tests.reliability.results import ROOT

# The service; evaluation has ports of its own, that nobody's memory goes through.
PACKAGES = ("memory", "retrieval", "api")
# Indexes in form that stand for another one that they were given.
WRAPPERS = {"GuardedIndex", "LateIndex"}


@dataclass(frozen=True)
class Contract:
    """A port and the suite that holds all its adapters to it.

    fixtures: what gives a test each adapter in turn. listed: the file that names the adapters.
    """

    port: str
    suite: str
    fixtures: frozenset[str]
    listed: str


CONTRACTS = [
    Contract("Index", "tests/contract/test_index.py", frozenset({"index", "adapter"}), "tests/adapters.py"),
    Contract(
        "Encoder",
        "tests/contract/test_encoders.py",
        frozenset({"any_encoder"}),
        "tests/contract/test_encoders.py",
    ),
]
# Protocols without a suite of their own, and why.
OTHERS = {
    "Derived": "what a purge needs of an index; R16 purges with each",
    "File": "one adapter, the embedded index; R5 damages it",
    "Master": "one adapter, tested by tests/unit/vault",
    "Rebuildable": "an index that can also be walked; R24 rebuilds each",
    "VectorSource": "inside one search; the contract of Index runs over all of its sources",
}


def classes() -> Iterator[ast.ClassDef]:
    """Yield every class of the sources."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from (node for node in tree.body if isinstance(node, ast.ClassDef))


def is_port(node: ast.ClassDef) -> bool:
    """Tell whether a class says what others must do, and does nothing."""
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def verbs(node: ast.ClassDef) -> set[str]:
    """Return what a class's users may call or read."""
    methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    assigned = {
        name.id
        for one in node.body
        if isinstance(one, ast.Assign)
        for name in ast.walk(one)
        if isinstance(name, ast.Name)
    }
    stored = {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)
    }
    return {name for name in methods | assigned | stored if not name.startswith("_")}


def functions(contract: Contract, *, tests: bool) -> list[ast.FunctionDef]:
    """Return the suite's tests that run once for each adapter, or the functions that help them."""
    tree = ast.parse((ROOT / contract.suite).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not tests:
        return [node for node in found if not node.name.startswith("test_")]
    return [
        node
        for node in found
        if node.name.startswith("test_") and contract.fixtures & {one.arg for one in node.args.args}
    ]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.port)
def test_every_verb_is_tested_on_every_adapter(contract: Contract, reached: Reached) -> None:
    """The suite uses each verb, in tests that take every adapter; none of these is left out."""
    port = next(node for node in classes() if node.name == contract.port)
    tests = functions(contract, tests=True)
    bodies = [node for one in [*tests, *functions(contract, tests=False)] for node in ast.walk(one)]
    used = {node.attr for node in bodies if isinstance(node, ast.Attribute)}
    adapters = {
        node.name for node in classes() if not is_port(node) and verbs(port) <= verbs(node)
    } - WRAPPERS
    listed = (ROOT / contract.listed).read_text(encoding="utf-8")

    assert verbs(port) <= used
    assert len(adapters) > 1
    assert all(name in listed for name in adapters), adapters
    reached(
        f"{contract.port}: {len(verbs(port))} verbs, {len(tests)} tests, each on all of "
        f"{', '.join(sorted(adapters))}"
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.port)
def test_no_test_of_a_contract_leaves_early(contract: Contract) -> None:
    """No skip, no expected failure, no return before the end."""
    text = (ROOT / contract.suite).read_text(encoding="utf-8")

    assert not [word for word in ("skip", "xfail") if word in text]
    for test in functions(contract, tests=True):
        assert not [node for node in ast.walk(test) if isinstance(node, ast.Return)], test.name


def test_every_port_is_held_to_a_contract() -> None:
    """A new protocol gets a suite, or a reason why not."""
    ports = {node.name for node in classes() if is_port(node)}

    assert {contract.port for contract in CONTRACTS} | OTHERS.keys() == ports
