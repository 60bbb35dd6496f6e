"""What reviewers decided, as examples to learn from."""

import sqlalchemy as sa

from eval.intents.risk_examples import RiskTurn
from memory.intent.masking import mask
from memory.ledger import turns
from memory.ledger.schema import reviews
from memory.risk.policies import POLICIES


def decided(tx: sa.Connection, tenant: str) -> list[RiskTurn]:
    """Return each reviewed turn, masked, with what is known of its risks since."""
    query = (
        sa.select(reviews.c.turn_id, reviews.c.policy, reviews.c.decision, reviews.c.relabelled)
        .where(reviews.c.tenant == tenant, reviews.c.decision.is_not(None))
        .order_by(reviews.c.id)
    )
    rows = tx.execute(query).all()
    said = {turn.id: mask(turn.content).text for turn in turns.numbered(tx, [row.turn_id for row in rows])}
    return [
        RiskTurn(said[row.turn_id], risks(row.policy, row.decision, row.relabelled), "reviews")
        for row in rows
        if row.turn_id in said
    ]


def risks(policy: str, decision: str, relabelled: str | None) -> dict[str, bool | None]:
    """Return what a decision says about each policy; None where it says nothing."""
    known: dict[str, bool | None] = dict.fromkeys(POLICIES)
    known[policy] = decision == "agree"
    if decision == "relabel" and relabelled in POLICIES:
        known[relabelled] = True
    if decision == "relabel" and relabelled == "none":
        known = dict.fromkeys(POLICIES, False)
    return known
