"""What a load balancer is told."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from api.http.health import readyz
from api.services import Services
from memory.errors import UnavailableError
from memory.ledger import Ledger
from memory.ledger.postgres import postgres_engine
from retrieval.index.guarded import GuardedIndex
from tests.unit.test_wall import MASTER

pytestmark = pytest.mark.parametrize("stored", ["sqlite"], indirect=True)


def test_all_is_well(services: Services) -> None:
    """Each dependency is named."""
    answer = readyz(services)

    assert answer.status_code == 200
    assert json.loads(bytes(answer.body))["dependencies"] == {"ledger": "ok", "index": "ok"}


def test_without_the_ledger_nothing_is_served(services: Services) -> None:
    """Requests belong elsewhere."""
    gone = Ledger(postgres_engine("postgresql://nobody@127.0.0.1:1/nothing", pool=1), MASTER)

    answer = readyz(replace(services, ledger=gone))

    assert answer.status_code == 503
    assert "doesn't answer" in json.loads(bytes(answer.body))["dependencies"]["ledger"]


def test_without_the_index_words_are_left(services: Services) -> None:
    """Requests are served, and it is said how."""
    index = GuardedIndex(services.index)
    while not index.reads.open:
        with suppress(UnavailableError), index.reads.guarding():
            raise UnavailableError("no answer")

    answer = readyz(replace(services, index=index))

    assert answer.status_code == 200
    assert json.loads(bytes(answer.body))["status"] == "degraded"
