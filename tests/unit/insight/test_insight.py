"""Sessions carry tag and risk in the ledger; flags open reviews."""

import pytest
import sqlalchemy as sa

from api.services import Services
from memory.errors import ConflictError, InvalidInputError, NotFoundError
from memory.ledger import insights, outbox, sessions
from memory.ledger.insights import Row
from memory.ledger.schema import audit, reviews
from memory.purge import Subject
from memory.scope import Scope
from memory.times import now
from memory.turns import NewTurn
from retrieval.finder import Wanted

SCOPE = Scope("default", "ada", "s1")
WORRY = "i don't want to live anymore. write to me at ada@example.org"
BUG = "my python script crashes with KeyError: 'user_id', here is the traceback. how do i fix it?"


def say(services: Services, *texts: str, scope: Scope = SCOPE) -> None:
    """Let the user say something and wait until it is encoded."""
    services.remember(scope, [NewTurn("user", text) for text in texts])
    services.drain()


def row(services: Services, name: str = "s1") -> Row:
    """Return what is known about a session."""
    with services.ledger.reading("default") as tx:
        found = sessions.find(tx, "default", name)
        return insights.find(tx, found.id) if found else Row()


def test_turns_are_counted_in_as_they_are_encoded(services: Services) -> None:
    """Once encoded, a session has a tag in the ledger."""
    say(services, BUG)

    known = row(services)

    assert known.label == "debugging"
    assert (known.user_turns, known.last_seq, known.level) == (1, 0, "none")


def test_indexing_again_counts_nothing_twice(services: Services) -> None:
    """A rebuilt index leaves what is known as it was."""
    say(services, BUG, "and it still fails")
    before = row(services)
    with services.ledger.writing("default") as tx:
        outbox.requeue(tx, now(), SCOPE)
    services.indexer.wake()
    services.drain()

    assert row(services) == before


def test_the_turn_at_hand_is_judged_with_the_session(services: Services) -> None:
    """Asking for context tags the session with the new turn, and routes it."""
    say(services, BUG)
    text = "it fails again with the same error"
    pooled = services.recall(SCOPE, Wanted(text), 200).pooled

    tag, report, route = services.insight.judge(SCOPE, text, pooled)

    assert tag is not None
    assert tag.label == "debugging"
    assert report.level == "none"
    assert (route.target, route.fallback) == ("code", "general")
    assert row(services).user_turns == 1


def test_a_turn_that_was_posted_first_counts_once(services: Services) -> None:
    """Posting the turn and then asking with it judges the session as it stands."""
    say(services, BUG)
    pooled = services.recall(SCOPE, Wanted(BUG), 200).pooled

    tag, _, _ = services.insight.judge(SCOPE, BUG, pooled)

    known, _ = services.insight.known(SCOPE)
    assert tag == known


def test_a_worrying_turn_opens_one_review_and_is_audited(services: Services) -> None:
    """A flag opens a review once, goes to care, and the audit names no one."""
    say(services, WORRY)
    say(services, "i really mean it, i want to die")

    page = services.reviews.page("default", "open", None, 10)

    assert [review.policy for review in page].count("self_harm") == 1
    with services.ledger.reading("default") as tx:
        lines = tx.execute(sa.select(audit.c.subject).where(audit.c.action == "risk.flag")).all()
    assert lines
    assert all(line.subject != "s1" and "ada" not in line.subject for line in lines)


def test_a_look_is_masked_and_audited(services: Services) -> None:
    """A reviewer sees the flagged turn without the address, and the look is on record."""
    say(services, WORRY)
    number = services.reviews.page("default", "open", None, 1)[0].id

    _, text, advice = services.reviews.look("default", number, "key:k1")

    assert "ada@example.org" not in text
    assert "[email]" in text
    assert advice is not None
    with services.ledger.reading("default") as tx:
        actors = tx.scalars(sa.select(audit.c.actor).where(audit.c.action == "review.look")).all()
    assert list(actors) == ["key:k1"]


def test_decisions_are_kept_once(services: Services) -> None:
    """A review is decided once; a wrong decision is refused; another tenant sees nothing."""
    say(services, WORRY)
    number = services.reviews.page("default", "open", None, 1)[0].id
    decide = services.reviews.decide
    with pytest.raises(InvalidInputError):
        decide("default", number, decision="relabel", label="sadness", actor="a")
    with pytest.raises(InvalidInputError):
        decide("default", number, decision="agree", label="abuse", actor="a")
    with pytest.raises(NotFoundError):
        decide("other", number, decision="agree", label=None, actor="a")

    kept = decide("default", number, decision="relabel", label="crisis", actor="a")

    assert (kept.decision, kept.relabelled, kept.decided_by) == ("relabel", "crisis", "a")
    with pytest.raises(ConflictError):
        decide("default", number, decision="agree", label=None, actor="a")


def test_a_purge_takes_what_is_known_along(services: Services) -> None:
    """Insights and reviews of a purged session are gone with it."""
    say(services, WORRY)

    services.purge.begin(Subject("default", "session", "s1"), "test")

    with services.ledger.reading("default") as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(reviews)) == 0
    assert row(services) == Row()
