"""Retention, holds and purges of many: what goes, what stays, and what is told of it."""

import pytest

from api.settings import Settings
from memory.errors import LegalHoldError, NotFoundError
from memory.ledger import EVERY_TENANT, idempotency, retention, turns
from memory.ledger.idempotency import Once
from memory.ledger.retention import DAY
from memory.purge import Subject
from memory.scope import Scope
from memory.times import now
from tests.helpers import said
from tests.reliability.faults import opened
from tests.reliability.unscanned import unscanned

ADA = Scope("default", "ada", "s1")
BOB = Scope("default", "bob", "s2")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at here is the ledger."""
    unscanned(monkeypatch)


def texts(services: object, scope: Scope) -> list[str]:
    """Return what is remembered."""
    with services.ledger.reading(scope.tenant) as tx:  # type: ignore[attr-defined]  # services, as opened
        return [turn.content for turn in turns.stream(tx, scope)]


def test_turns_past_their_days_are_purged(stored: Settings) -> None:
    """By the tenant's rule, by a source's own, which goes before it, and by a session's date."""
    with opened(stored) as services:
        old, young = now() - 40 * DAY, now() - 3 * DAY
        services.remember(
            ADA,
            [
                said("old", created_at=old),  # type: ignore[arg-type]  # microseconds
                said("young", created_at=young),  # type: ignore[arg-type]  # likewise
                said("page", created_at=young, source="tool:browser", role="tool"),  # type: ignore[arg-type]  # likewise
                said("record", created_at=old, source="import:crm"),  # type: ignore[arg-type]  # likewise
            ],
        )
        services.remember(BOB, [said("dated", created_at=young)])  # type: ignore[arg-type]  # likewise
        assert services.retention.sweep("default").turns == 0

        services.retention.set_rules("default", 30, {"tool": 1, "import:crm": 365}, "test")
        services.retention.expire_session("default", "s2", now() - 1, "test")
        swept = services.retention.sweep("default")

        assert texts(services, ADA) == ["young", "record"]
        assert texts(services, BOB) == []
        assert (swept.turns, swept.held, len(swept.receipts)) == (3, 0, 1)
        assert services.retention.last_sweep("default") == swept
        assert services.purge.receipt("default", swept.receipts[0]).kind == "expired"
        with pytest.raises(NotFoundError):
            services.retention.expire_session("default", "s9", now(), "test")


def test_a_sweep_takes_a_batch_at_a_time(stored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One receipt a batch, and only so many notes of sweeps are kept."""
    monkeypatch.setattr("memory.retention._BATCH", 4)
    monkeypatch.setattr("memory.ledger.retention._KEPT", 2)
    with opened(stored) as services:
        services.remember(ADA, [said(f"t{n}", created_at=now() - 9 * DAY) for n in range(10)])  # type: ignore[arg-type]  # microseconds
        services.retention.set_rules("default", 5, {}, "test")
        swept = services.retention.sweep("default")
        for _ in range(3):
            services.retention.sweep("default")

        assert (swept.turns, len(swept.receipts)) == (10, 3)
        with services.ledger.reading(EVERY_TENANT) as tx:
            assert len(list(tx.exec_driver_sql("SELECT id FROM sweeps"))) == 2
            assert retention.every_tenant(tx) == ["default"]


def test_a_hold_keeps_memory(stored: Settings) -> None:
    """Every purge is refused, a sweep passes it over and counts it; lifted, both go on."""
    with opened(stored) as services:
        (kept,) = services.remember(
            ADA,
            [said("evidence", created_at=now() - 9 * DAY, source="tool:browser")],  # type: ignore[arg-type]  # microseconds
        ).turns
        services.remember(BOB, [said("other", source="tool:browser")])
        services.holds.put(ADA.whole_user(), "case 7", "test")
        services.retention.set_rules("default", 5, {}, "test")

        names = {"user": "ada", "session": "s1", "turn": kept.name, "source": "tool"}
        for kind, name in names.items():
            subject = Subject("default", kind, name)  # type: ignore[arg-type]  # the keys are kinds
            assert services.purge.preview(subject).held
            with pytest.raises(LegalHoldError, match="case 7"):
                services.purge.begin(subject, "test")
        swept = services.retention.sweep("default")
        assert (swept.turns, swept.held) == (0, 1)
        assert texts(services, ADA) == ["evidence"]
        assert texts(services, BOB) == ["other"]

        services.holds.lift(ADA.whole_user(), "test")
        assert services.retention.sweep("default").turns == 1
        with pytest.raises(NotFoundError):
            services.holds.lift(ADA.whole_user(), "test")


def test_what_is_only_looked_at_stays(stored: Settings) -> None:
    """A preview counts as the purge will."""
    with opened(stored) as services:
        services.remember(ADA, [said("a", source="import:crm"), said("b")])
        services.remember(BOB, [said("c", source="import:crm")])

        found = services.purge.preview(Subject("default", "source", "import"))
        assert (found.turns, found.sessions, found.users, found.held) == (2, 2, 2, False)
        assert services.purge.begin(Subject("default", "source", "import"), "test").turns == 2
        assert texts(services, ADA) == ["b"]


def test_kept_answers_are_swept_too(stored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the service runs, not only when it starts."""
    once = Once("default", "key", b"asked")
    with opened(stored) as services:
        services.remember(ADA, [said("a")], once=once, answer=lambda _: b"answer")
        services.retention.sweep_all()
        with services.ledger.reading("default") as tx:
            assert idempotency.answer(tx, once) == b"answer"

        monkeypatch.setattr("memory.ledger.idempotency.KEPT", -1)
        services.retention.sweep_all()
        with services.ledger.reading("default") as tx:
            assert idempotency.answer(tx, once) is None
