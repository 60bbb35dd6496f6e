"""Analytics from the ledger, with small counts withheld."""

from api.services import Services
from memory import analytics
from memory.ledger import events
from memory.scope import Scope
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
        events.add(tx, "default", "d0", "retry", None)

    with services.ledger.reading("default") as tx:
        found = analytics.intents(tx, "default", days=28, least=5)

    (shown,) = found["intents"]
    assert (shown["intent"], shown["sessions"]) == ("debugging", 6)
    assert shown["share"]["low"] < shown["share"]["value"] < shown["share"]["high"]
    assert round(shown["failed"]["value"], 3) == round(1 / 6, 3)
    assert (found["withheld"], found["sessions"]) == (None, 6)


def test_quality_is_summed_by_day_and_intent(services: Services) -> None:
    """What is added is there after a flush, as means."""
    for expected in (0.4, 0.8):
        services.recalls.add(
            "default",
            "coding",
            abstained=False,
            degraded=False,
            recall=expected,
            sufficient=0.5,
            used=100,
            saved=900,
        )
        services.recalls.flush()

    with services.ledger.reading("default") as tx:
        found = analytics.quality(tx, "default", days=2, least=1)

    (shown,) = found["intents"]
    assert (shown["contexts"], round(shown["expected_recall"], 6), shown["tokens_saved"]) == (2, 0.6, 900)


def test_intervals_hold_at_the_ends() -> None:
    """Shares of none and of all have honest intervals."""
    low, high = analytics.wilson(0, 10)
    assert (low, round(high, 3)) == (0.0, 0.278)
    assert analytics.wilson(0, 0) == (0.0, 1.0)
    assert round(analytics.wilson(10, 10)[1], 9) == 1.0
