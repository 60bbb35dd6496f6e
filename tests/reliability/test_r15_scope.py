"""R15: what reads or writes memory names whose; left out, it fails before anything is reached."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory.errors import InvalidInputError
from memory.ledger import Ledger
from memory.scope import Scope
from retrieval.embedded import EmbeddedIndex
from retrieval.index.guarded import GuardedIndex
from retrieval.index.port import Index
from retrieval.qdrant.index import QdrantIndex
from tests.reliability.conftest import Reached

ROOT = Path(__file__).parents[2]

# The ways to a transaction, which is bound to the tenant it was begun for. `alone` holds a user's lock.
DOORS: list[Callable[..., Any]] = [Ledger.reading, Ledger.writing, Ledger.repeating, Ledger.alone]
# What an index does for no user in particular: it tells about itself, compacts, and is proved empty.
OF_ALL = {"settings", "close", "compact", "held"}
VERBS = [name for name in vars(Index) if not name.startswith("_") and name not in OF_ALL]
ADAPTERS = [Index, EmbeddedIndex, QdrantIndex, GuardedIndex]
# Requests are one tenant's each: no code that answers them may ask for everybody's rows.
ONE_TENANT = ("api/http", "retrieval/qdrant", "retrieval/embedded")
ONE_TENANT_FILES = ("remember.py", "recall.py", "search.py", "finder.py", "fallback.py", "review.py")


def first(function: Callable[..., Any]) -> inspect.Parameter:
    """Return the first parameter behind self."""
    return list(inspect.signature(function).parameters.values())[1]


@pytest.mark.parametrize("door", DOORS)
def test_a_transaction_is_somebodys(door: Callable[..., Any]) -> None:
    """Its tenant, or a scope, is asked for first and has no default."""
    assert first(door).name in {"tenant", "scope"}
    assert first(door).default is inspect.Parameter.empty


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_index_is_asked_for_somebody(adapter: type) -> None:
    """Every verb of every adapter asks for the scope first, and has no default for it."""
    for verb in VERBS:
        parameter = first(getattr(adapter, verb))
        assert (parameter.name, parameter.annotation) == ("scope", Scope), verb
        assert parameter.default is inspect.Parameter.empty, verb


def test_without_it_nothing_is_reached(ledger: Ledger, reached: Reached) -> None:
    """The call itself fails; so does an empty name."""
    for door in DOORS:
        with pytest.raises(TypeError, match=r"missing \d required"):
            getattr(ledger, door.__name__)()
    for empty in ("", " ", None):
        with pytest.raises(InvalidInputError):
            Scope("default", empty)  # type: ignore[arg-type]  # as untyped code could call it
        with pytest.raises(InvalidInputError):
            Scope(empty, "ada")  # type: ignore[arg-type]  # likewise

    reached(f"{len(DOORS)} of {len(DOORS)} ways to a transaction, {len(VERBS)} index verbs × {len(ADAPTERS)}")


def test_who_answers_requests_never_asks_for_everybody() -> None:
    """`EVERY_TENANT` is for workers and operators."""
    files = [path for folder in ONE_TENANT for path in (ROOT / folder).rglob("*.py")]
    files += [path for name in ONE_TENANT_FILES for path in ROOT.glob(f"[mr]e*/{name}")]
    assert len(files) > len(ONE_TENANT_FILES)

    assert [str(path.relative_to(ROOT)) for path in files if "EVERY_TENANT" in path.read_text()] == []
