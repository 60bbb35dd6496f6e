"""Reviewing: people look at flagged sessions, and what they decide is kept."""

import sqlalchemy as sa

from memory.errors import InvalidInputError
from memory.insight import session_subject
from memory.intent.masking import mask
from memory.ledger import Ledger, audit, reviews
from memory.ledger.reviews import Decision, Review, Status
from memory.risk import POLICIES, Policy


class Reviewing:
    """The use cases behind reviews. Lists show no text; a look shows one turn, masked, and is audited."""

    def __init__(self, ledger: Ledger, policies: dict[str, Policy]) -> None:
        self._ledger = ledger
        self._policies = policies

    def page(self, tenant: str, status: Status, before: int | None, limit: int) -> list[Review]:
        """Return the tenant's reviews, newest first, below number `before`."""
        with self._ledger.reading(tenant) as tx:
            return reviews.page(tx, tenant, status, before, limit)

    def look(self, tenant: str, number: int, actor: str) -> tuple[Review, str, Policy | None]:
        """Return a review, the masked turn at which it rose, and its policy's advice."""
        with self._ledger.writing(tenant) as tx:
            review = reviews.find(tx, tenant, number)
            text = mask(reviews.flagged_text(tx, number)).text
            self._audit(tx, tenant, review, actor, "review.look")
        return review, text, self._policies.get(review.policy)

    def decide(
        self, tenant: str, number: int, *, decision: Decision, label: str | None, actor: str
    ) -> Review:
        """Keep a decision. label: the policy that fits better, or `none`; with `relabel` only."""
        if (decision == "relabel") != (label is not None):
            raise InvalidInputError("send a label with the decision 'relabel', and only then")
        if label is not None and label not in (*POLICIES, "none"):
            raise InvalidInputError(f"label must be none or one of {', '.join(POLICIES)}, not {label!r}")
        with self._ledger.writing(tenant) as tx:
            review = reviews.decide(tx, tenant, number, decision=decision, label=label, actor=actor)
            self._audit(tx, tenant, review, actor, "review.decide")
        return review

    def _audit(self, tx: sa.Connection, tenant: str, review: Review, actor: str, action: str) -> None:
        subject = session_subject(tenant, review.session)
        detail = {"review": review.id, "policy": review.policy, "decision": review.decision}
        audit.record(tx, tenant, actor, action, subject, **detail)
