"""Context comes out."""

import time
from dataclasses import asdict

from fastapi import APIRouter

from api.http import models
from api.http.auth import Opened, Reader
from api.http.insight import intent_out, risk_out, route_out
from api.http.models import ContextIn, ContextOut, SearchIn, SearchOut
from memory.ledger.contexts import Report
from memory.times import now, to_datetime, to_micros
from memory.trust import Tier
from retrieval.finder import Wanted
from retrieval.recall import Context, Item
from retrieval.search import Hit

router = APIRouter(tags=["recall"])

_TRUST: dict[Tier, models.Trust] = {Tier.LOW: "low", Tier.MIDDLE: "middle", Tier.HIGH: "high"}


@router.post("/v1/context")
def post_context(body: ContextIn, opened: Opened, caller: Reader) -> ContextOut:
    """Return the prior turns that the new turn needs, never more than `max_tokens` in all."""
    scope = caller.scope(body.user_id, body.session_id)
    wanted = _wanted(body)
    context = opened.recall(
        scope,
        wanted,
        body.max_tokens,
        recent=body.recent,
        min_relevance=body.min_relevance,
        explain=body.explain,
    )
    begun = time.perf_counter()
    tag, report, route = opened.insight.judge(scope, wanted.text, context.pooled)
    judging = round(1000 * (time.perf_counter() - begun), 3)
    out = _context_out(context, body, opened.counter.encoding)
    out.timings_ms |= {"insight": judging, "total": round(judging + context.timings["total"], 3)}
    out.intent, out.risk, out.route = intent_out(tag), risk_out(report), route_out(route)
    label = tag.label if tag and not tag.abstained else "abstained"
    opened.recalls.add(_report(caller.tenant, body.session_id, label, out))
    return out


@router.post("/v1/search")
def post_search(body: SearchIn, opened: Opened, caller: Reader) -> SearchOut:
    """Return the turns that the query most likely needs, best first."""
    session = body.filters.session_id
    wanted = Wanted(body.query, within_session=session is not None)
    hits = opened.search(caller.scope(body.user_id, session), wanted, body.top_k)
    return SearchOut(
        results=[_result(hit, explain=body.explain) for hit in hits.hits],
        degraded=hits.degraded,
        timings_ms=hits.timings,
    )


def _report(tenant: str, session: str | None, label: str, out: ContextOut) -> Report:
    return Report(
        tenant=tenant,
        session=session,
        at=now(),
        label=label,
        abstained=out.quality.abstained,
        degraded=out.quality.degraded,
        expected_recall=out.quality.expected_recall,
        sufficient=out.quality.sufficient,
        budget=out.tokens.budget,
        used=out.tokens.used,
        saved=out.tokens.saved,
    )


def _wanted(body: ContextIn) -> Wanted:
    said = [message.content for message in body.messages or []]
    return Wanted(
        text=body.query if body.query is not None else said[-1],
        said=tuple(said[:-1]),
        exclude=frozenset(body.exclude_turn_ids),
        last=body.recent,
        at=to_micros(body.at) if body.at else None,
        within_session=body.scope == "session",
    )


def _context_out(context: Context, body: ContextIn, encoding: str) -> ContextOut:
    quality = context.choice.quality
    return ContextOut(
        context=context.text,
        messages=[models.MessageOut(content=context.text)] if context.text else [],
        items=[_item(item) for item in context.items],
        tokens=models.Tokens(
            budget=body.max_tokens,
            used=context.used,
            available=context.available,
            saved=max(context.available - context.used, 0),
            encoding=encoding,
        ),
        quality=models.Quality(
            expected_recall=quality.expected_recall,
            expected_precision=quality.expected_precision,
            sufficient=quality.sufficient,
            abstained=quality.abstained,
            degraded=context.degraded,
            model=quality.model,
        ),
        note=context.note,
        timings_ms=context.timings,
        considered=[asdict(one) for one in context.choice.considered] if body.explain else None,
    )


def _item(item: Item) -> models.ItemOut:
    turn = item.record.turn
    return models.ItemOut(
        turn_id=turn.name,
        session_id=turn.session_name,
        role=turn.role,
        name=turn.speaker,
        created_at=to_datetime(turn.created_at),
        text=item.record.text,
        source=turn.source,
        trust=_TRUST[item.tier],
        tokens=item.tokens,
        relevance=item.pick.relevance,
        reason=item.pick.reason,
        excerpt=item.record.spans is not None,
    )


def _result(hit: Hit, *, explain: bool) -> models.Result:
    turn = hit.turn
    return models.Result(
        turn_id=turn.name,
        session_id=turn.session_name,
        role=turn.role,
        name=turn.speaker,
        created_at=to_datetime(turn.created_at),
        text=turn.content,
        source=turn.source,
        trust=_TRUST[hit.tier],
        score=hit.score,
        details=hit.details if explain else None,
    )
