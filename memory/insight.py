"""Insight: what a session is about and whether someone should look, kept up with every turn."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import sqlalchemy as sa
import structlog

from memory.encoders.port import Floats
from memory.errors import CorruptFileError
from memory.intent import IntentTag, IntentTagger, SessionState
from memory.intent.mood import mood
from memory.ledger import Ledger, audit, insights, reviews
from memory.ledger.insights import Row
from memory.risk import RiskFlags, RiskReport, RiskState
from memory.routing import Route, RoutingPolicy, route
from memory.scope import Scope
from memory.turns import Turn

log = structlog.get_logger()

# Levels from which a person is asked to look.
_REVIEWED = {"elevated", "high"}
# How slowly the last mood follows the turns.
_MOOD_STEP = 0.5
# A session's newest turns, among which the turn at hand may already be.
_NEWEST = 4

Seen = tuple[Turn, Floats]


class Insight:
    """Keeps tags and flags in the ledger, opens reviews, and judges the turn at hand."""

    def __init__(
        self, ledger: Ledger, tagger: IntentTagger, flags: RiskFlags, routing: RoutingPolicy
    ) -> None:
        self._ledger = ledger
        self._tagger = tagger
        self._flags = flags
        self._routing = routing

    def observe(self, tx: sa.Connection, scope: Scope, seen: Iterable[Seen]) -> None:
        """Count turns in, each with its unit vector; turns that are counted in already are passed over.

        Called in the transaction that takes them off the queue, so that each is counted once.
        """
        ordered = sorted(seen, key=lambda item: (item[0].session, item[0].seq))
        for session, part in groupby(ordered, key=lambda item: item[0].session):
            self._observe_session(tx, scope, session, list(part))

    def judge(self, scope: Scope, text: str, pooled: Floats) -> tuple[IntentTag | None, RiskReport, Route]:
        """Return tag, risk and route of the scope's session with the new user turn `text`; keeps nothing."""
        row, counted = Row(), False
        if scope.session is not None:
            with self._ledger.reading(scope.tenant) as tx:
                number, row = insights.by_name(tx, scope.tenant, scope.session)
                if number is not None and row.last_seq >= 0:
                    counted = insights.lately_said(tx, number, text, row.last_seq, _NEWEST)
        intent, risk = _states(row)
        if counted:
            tag = self._tagger.judge(intent) if intent else None
            report = self._flags.judge(risk) if risk else self.nothing()
        else:
            _, tag = self._tagger.update(intent, text, "user", pooled)
            _, report = self._flags.update(risk, text, "user", pooled)
        return tag, report, route(tag, report, self._routing)

    def known(self, scope: Scope) -> tuple[IntentTag | None, RiskReport]:
        """Return tag and risk of the scope's session up to the last turn that was encoded."""
        row = Row()
        if scope.session is not None:
            with self._ledger.reading(scope.tenant) as tx:
                _, row = insights.by_name(tx, scope.tenant, scope.session)
        return self.session(row)

    def session(self, row: Row) -> tuple[IntentTag | None, RiskReport]:
        """Return tag and risk of a session as its row has them."""
        intent, risk = _states(row)
        return (
            self._tagger.judge(intent) if intent else None,
            self._flags.judge(risk) if risk else self.nothing(),
        )

    def nothing(self) -> RiskReport:
        """Return the report of a session in which nothing was said."""
        return RiskReport((), "none", self._flags.model.name)

    def _observe_session(self, tx: sa.Connection, scope: Scope, session: int, seen: Sequence[Seen]) -> None:
        row = insights.find(tx, session)
        fresh = [(turn, pooled) for turn, pooled in seen if turn.seq > row.last_seq]
        if not fresh:
            return
        for turn, pooled in fresh:
            row = self._grown(tx, scope, row, turn, pooled)
        insights.save(tx, scope.tenant, session, row)

    def _grown(self, tx: sa.Connection, scope: Scope, row: Row, turn: Turn, pooled: Floats) -> Row:
        intent, risk = _states(row)
        intent, tag = self._tagger.update(intent, turn.content, turn.role, pooled, turn.seq)
        risk, report = self._flags.update(risk, turn.content, turn.role, pooled)
        if turn.role != "user":
            return replace(row, last_seq=turn.seq)
        self._raise(tx, scope, turn, report)
        felt = mood(turn.content)
        before = row.mood_last if row.mood_last is not None else felt
        return Row(
            last_seq=turn.seq,
            intent_state=intent.to_json() if intent else None,
            risk_state=risk.to_json(),
            label=tag.label if tag else None,
            intent_group=tag.group if tag else None,
            confidence=tag.confidence if tag else 0.0,
            abstained=tag.abstained if tag else True,
            level=report.level,
            mood_first=felt if row.mood_first is None else row.mood_first,
            mood_last=before + _MOOD_STEP * (felt - before),
            user_turns=row.user_turns + 1,
        )

    def _raise(self, tx: sa.Connection, scope: Scope, turn: Turn, report: RiskReport) -> None:
        """Open a review for each flag that is new or higher, and write it to the audit log."""
        for flag in report.flags:
            if flag.level not in _REVIEWED:
                continue
            about: dict[str, Any] = {
                "policy": flag.policy,
                "level": flag.level,
                "score": round(flag.score, 4),
            }
            if reviews.open_one(tx, scope.tenant, turn.session, turn.id, **about):
                subject = session_subject(scope.tenant, turn.session_name)
                audit.record(tx, scope.tenant, "satchel", "risk.flag", subject, **about)


def session_subject(tenant: str, session: str) -> str:
    """Return the hash by which the audit log names a session, so that a purge leaves no name behind."""
    return hashlib.sha256(f"{tenant}\0session\0{session}".encode()).hexdigest()


def _states(row: Row) -> tuple[SessionState | None, RiskState | None]:
    """Return what the row remembers; what another version wrote is begun anew."""
    try:
        return (
            SessionState.from_json(row.intent_state) if row.intent_state else None,
            RiskState.from_json(row.risk_state) if row.risk_state else None,
        )
    except CorruptFileError as error:
        log.warning("insight.begun_anew", error=str(error))
        return None, None
