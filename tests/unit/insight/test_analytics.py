"""Analytics from the ledger, with small counts withheld."""

from typing import Any

from api.services import Services
from memory import analytics
from memory.ledger import contexts, events, sessions
from memory.ledger.contexts import Report
from memory.scope import Scope
from memory.times import DAY, HOUR, now
from memory.turns import NewTurn


def sessions_about(services: Services, text: str, count: int, name: str) -> None:
    """Make sessions of one message each."""
    for number in range(count):
        scope = Scope("default", f"u{number}", f"{name}{number}")
        services.remember(scope, [NewTurn("user", text)])
    services.drain()


def test_shares_have_intervals_and_small_rows_are_withheld(services: Services) -> None:
    """Rows under the minimum are not shown, nor can they be worked out from the total."""
    sessions_about(services, "fix this error: KeyError 'user_id' in my python code, traceback below", 6, "d")
    sessions_about(services, "plan a 4 day trip to Lisbon for my family", 2, "p")
    with services.ledger.writing("default") as tx:
        for number in range(5):
            events.add(tx, "default", f"d{number}", "retry", None)
        events.add(tx, "default", "d5", "abandon", None)

    with services.ledger.reading("default") as tx:
        found = analytics.intents(tx, "default", days=28, least=5)

    (shown,) = found["intents"]
    assert (shown["intent"], shown["sessions"]) == ("debugging", 6)
    assert shown["failed"]["low"] < shown["failed"]["value"] == 1
    assert round(shown["outcomes"]["retry"]["value"], 3) == round(5 / 6, 3)
    assert shown["outcomes"]["abandon"] is None  # one session: who knows it would know that it is meant
    assert (found["withheld"], found["sessions"]) == (None, 6)
    assert shown["share"]["value"] == 1.0  # a share of all eight would give the other two away
    assert set(found["groups"]) == {"productivity"}
    assert found["groups"]["productivity"]["value"] == 1.0


def test_a_small_group_is_not_what_others_leave_over(services: Services) -> None:
    """Enough sessions are withheld to name their number, but two affective ones among them stay unnamed."""
    sessions_about(services, "fix this error: KeyError 'user_id' in my python code, traceback below", 6, "d")
    sessions_about(services, "plan a 4 day trip to Lisbon for my family", 4, "p")
    sessions_about(services, "i feel so sad and alone since the funeral, i just need to be heard", 2, "a")

    with services.ledger.reading("default") as tx:
        found = analytics.intents(tx, "default", days=28, least=5)

    assert (found["withheld"], found["sessions"]) == (6, 12)
    assert found["groups"] == {}


def a_report(session: str | None = None, *, sufficient: float = 0.5, at: int | None = None) -> Report:
    """Return the report of a context of 100 tokens, in the intent `coding`."""
    return Report(
        tenant="default",
        session=session,
        at=now() if at is None else at,
        label="coding",
        abstained=False,
        degraded=False,
        expected_recall=0.6,
        sufficient=sufficient,
        budget=400,
        used=100,
        saved=900,
    )


def quality_of(services: Services, least: int = 1) -> dict[str, Any]:
    """Return what analytics says of the last four weeks."""
    services.recalls.flush()
    with services.ledger.reading("default") as tx:
        return analytics.quality(tx, "default", days=28, least=least)


def note(services: Services, session: str, kind: str) -> None:
    """Note an outcome, as the route does."""
    services.recalls.flush()
    with services.ledger.writing("default") as tx:
        events.add(tx, "default", session, kind, None)


def test_quality_is_summed_by_day_and_intent(services: Services) -> None:
    """What is added is there after a flush, as means."""
    for _ in range(2):
        services.recalls.add(a_report())
        services.recalls.flush()

    (shown,) = quality_of(services)["intents"]
    assert (shown["contexts"], shown["tokens_saved"], shown["budget_used"]) == (2, 900, 0.25)
    assert round(shown["expected_recall"], 6) == 0.6


def test_a_retry_counts_where_its_context_was(services: Services) -> None:
    """Once a context, and only soon after it."""
    sessions_about(services, "plan a 4 day trip to Lisbon", 3, "s")
    services.recalls.add(a_report("s0", sufficient=0.05))
    services.recalls.add(a_report("s1", sufficient=0.95))
    services.recalls.add(a_report("s2", sufficient=0.95, at=now() - 2 * HOUR))
    for session in ("s0", "s0", "s2"):
        note(services, session, "retry")

    found = quality_of(services)
    assert [(row["from"], row["contexts"]) for row in found["sufficient"]] == [(0.0, 1), (0.9, 2)]
    assert [row["failed"]["value"] for row in found["sufficient"]] == [1, 0]
    assert found["retries"]["insufficient"]["failed"]["value"] == 1
    assert found["retries"]["sufficient"]["failed"]["value"] == 0
    assert found["calibration"] is None


def test_drift_is_seen_when_thumbs_turn(services: Services) -> None:
    """Estimates that held two weeks ago and no longer hold."""
    sessions_about(services, "plan a 4 day trip to Lisbon", 4, "s")
    with services.ledger.writing("default") as tx:
        for number in range(4):
            session = sessions.find(tx, "default", f"s{number}")
            assert session is not None
            at = now() if number < 2 else now() - 14 * DAY
            contexts.keep(tx, [a_report(f"s{number}", sufficient=0.8, at=at)])
            contexts.judge(tx, session.id, failed=number < 2, liked=number >= 2, at=at)

    found = quality_of(services)["calibration"]
    assert (found["judged"], found["liked"]["value"]) == (4, 0.5)
    assert round(found["before"]["gap"], 6) == -0.2
    assert round(found["drift"], 6) == 1.0
    assert quality_of(services, least=5)["calibration"] is None


def test_intervals_hold_at_the_ends() -> None:
    """Shares of none and of all have honest intervals."""
    low, high = analytics.wilson(0, 10)
    assert (low, round(high, 3)) == (0.0, 0.278)
    assert analytics.wilson(0, 0) == (0.0, 1.0)
    assert round(analytics.wilson(10, 10)[1], 9) == 1.0
