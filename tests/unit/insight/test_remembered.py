"""What the training and discovery commands read out of a ledger."""

import pytest

from api.services import Services
from eval.intents.decisions import decided
from eval.intents.remembered import before_outcome, remembered
from memory.errors import InvalidInputError
from memory.ledger import events
from memory.scope import Scope
from memory.turns import NewTurn

SCOPE = Scope("default", "ada", "s1")
WORRY = "i don't want to live anymore. write to me at ada@example.org"


def test_a_decision_brings_the_words_it_was_about(services: Services) -> None:
    """What is sealed in the ledger is opened, masked, and labelled by the reviewer."""
    services.remember(SCOPE, [NewTurn("user", WORRY)])
    services.drain()
    for review in services.reviews.page("default", "open", None, 10):
        services.reviews.decide("default", review.id, decision="agree", label=None, actor="a")

    with services.ledger.reading("default") as tx:
        learned = decided(tx, "default")

    assert {turn.text for turn in learned} == {"i don't want to live anymore. write to me at [email]"}
    assert any(turn.risks["self_harm"] for turn in learned)


def test_sessions_are_read_as_their_user_turns(services: Services) -> None:
    """Every session of every user of the tenant, and no one else's."""
    services.remember(SCOPE, [NewTurn("user", "hello"), NewTurn("assistant", "hi"), NewTurn("user", "bye")])
    services.remember(Scope("default", "bob", "s2"), [NewTurn("user", "plan a trip")])
    services.remember(Scope("other", "eve", "s3"), [NewTurn("user", "secret")])

    found = {session.name: session.turns for session in remembered(services.ledger, "default")}

    assert found == {"s1": ("hello", "bye"), "s2": ("plan a trip",)}


def test_an_outcome_points_at_the_message_before_it(services: Services) -> None:
    """The turn that the event names or the newest; two events on one message are one."""
    said = [NewTurn("user", "first"), NewTurn("assistant", "answer", name="a1"), NewTurn("user", "second")]
    services.remember(SCOPE, said)
    with services.ledger.writing("default") as tx:
        events.add(tx, "default", "s1", "retry", "a1")
        events.add(tx, "default", "s1", "retry", None)
        events.add(tx, "default", "s1", "retry", None)
        events.add(tx, "default", "s1", "thumbs_up", None)

    found = before_outcome(services.ledger, "default", "retry")

    assert [session.turns for session in found] == [("first",), ("second",)]
    assert before_outcome(services.ledger, "default", "abandon") == []
    with pytest.raises(InvalidInputError, match="thumbs_up"):
        before_outcome(services.ledger, "default", "thumbs_up")
