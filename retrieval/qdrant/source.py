"""Where a search finds the vectors of a replicated scope: on the server, those not yet there in memory."""

from collections.abc import Iterable, Sequence

import numpy as np
from qdrant_client import models as q

from memory.encoders.port import Floats
from retrieval.index.port import Ints, Limits, QueryView
from retrieval.passages.codec import TokenCodec
from retrieval.qdrant.collection import DENSE, TOKENS
from retrieval.qdrant.points import of_owner, of_session, point_id, vector_of
from retrieval.qdrant.replica import Replica
from retrieval.scoring.outline import PASSAGE, TURN
from retrieval.scoring.search import Cosines, Details
from retrieval.scoring.sessions import spread

# The nearest rows that every query asks for, few bytes each: what a session's best is, is known for
# scopes of up to as many passages, and nearly so for larger ones.
_NEAREST = 512

_EXACT = q.SearchParams(quantization=q.QuantizationSearchParams(rescore=True, oversampling=2.0))
_ROW = ("key", "place")


def nearest(
    owner: str, views: Sequence[QueryView], limits: Limits, session: int | None
) -> list[q.QueryRequest]:
    """Return the queries for each view's nearest rows, of the user and then of the session."""
    scopes = [of_owner(owner)]
    if session is not None:
        scopes.append(of_owner(owner, of_session(session)))
    return [
        q.QueryRequest(
            query=view.pooled.tolist(),
            using=DENSE,
            filter=where,
            params=_EXACT,
            limit=max(limits.dense, _NEAREST),
            with_payload=list(_ROW),
        )
        for where in scopes
        for view in views
    ]


class Source:
    """The vectors of a scope; `near`: the answers to `nearest`."""

    def __init__(self, replica: Replica, near: Sequence[Sequence[q.ScoredPoint]]) -> None:
        self._replica = replica
        self._near = near

    def nearest(self, views: Sequence[QueryView], limit: int) -> Ints:  # noqa: ARG002 - asked already
        """Return the rows that the server named, and those that it doesn't have yet."""
        named = [row for row, _ in self._rows(point for hits in self._near for point in hits)]
        return np.array([*named, *self._replica.places], np.int64)

    def cosines(self, views: Sequence[QueryView], rows: Ints | None) -> list[Cosines]:
        """Return how near these rows, or all, are to each view."""
        every = [
            self._cosines(view, [point for hits in self._near[place :: len(views)] for point in hits])
            for place, view in enumerate(views)
        ]
        return every if rows is None else [Cosines(one.values[rows], one.spread[rows]) for one in every]

    def details(self, rows: Ints, views: Sequence[QueryView], weights: Sequence[Floats]) -> Details:
        """Return the vectors of these rows, compared token by token with the views."""
        places = self._replica.places
        maxsim = np.zeros((len(rows), len(views)), np.float32)
        pooled = np.zeros((len(rows), self._replica.shape.dim), np.float32)
        here = np.array([row in places for row in rows], bool)
        if here.any():
            local = np.array([places[row] for row in rows[here]], np.int64)
            maxsim[here] = self._replica.local.maxsim(local, views, weights)
            pooled[here] = self._replica.local.pooled[local]
        if not here.all():
            maxsim[~here], pooled[~here] = self._fetched(rows[~here], views, weights)
        return Details(maxsim, pooled)

    def _cosines(self, view: QueryView, hits: Iterable[q.ScoredPoint]) -> Cosines:
        """Return known cosines; for the spread, rows further away count as their own mean."""
        count = len(self._replica.outline)
        values = np.full(count, -np.inf, np.float32)
        for row, place in self._replica.places.items():
            values[row] = self._replica.local.pooled[place] @ view.pooled
        for row, point in self._rows(hits):
            values[row] = point.score
        known = np.isfinite(values)
        if known.all():
            return Cosines(values, spread(values))
        total = self._replica.moments.total(view.pooled)
        rest = (total - float(values[known].sum())) / max(count - int(known.sum()), 1)
        deviation = max(self._replica.moments.deviation(view.pooled, count), 1e-6)
        units = (np.where(known, values, np.float32(rest)) - total / count) / deviation
        return Cosines(values, units.astype(np.float32))

    def _rows(self, hits: Iterable[q.ScoredPoint]) -> Iterable[tuple[int, q.ScoredPoint]]:
        """Yield points with their rows; what the outline doesn't have came after it was looked at."""
        outline = self._replica.outline
        for point in hits:
            payload = point.payload or {}
            if payload["key"] in outline.keys:
                row = outline.row_of(payload["key"]) + payload["place"]
                if row not in self._replica.places:
                    yield row, point

    def _fetched(
        self, rows: Ints, views: Sequence[QueryView], weights: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """Return what the server says of these rows, as in `Details`, in one round trip."""
        replica = self._replica
        keys = replica.outline.numbers[rows][:, [TURN, PASSAGE]].tolist()
        row_of = {point_id(replica.owner, *key): row for row, key in enumerate(keys)}
        where = of_owner(replica.owner, q.HasIdCondition(has_id=list(row_of)))
        late = [place for place, weight in enumerate(weights) if weight.any()]
        requests = [
            q.QueryRequest(
                query=_weighted(views[place], weights[place]), using=TOKENS, filter=where, limit=len(rows)
            )
            for place in late
        ]
        entries = q.QueryRequest(filter=where, limit=len(rows), with_payload=["key", "entry", "crc"])
        *scored, found = replica.remote.query(replica.owner, [*requests, entries])
        maxsim = np.zeros((len(rows), len(views)), np.float32)
        pooled = np.zeros((len(rows), replica.shape.dim), np.float32)
        for view, points in zip(late, scored, strict=True):
            for point in points:
                maxsim[row_of[str(point.id)], view] = point.score
        for point in found:
            pooled[row_of[str(point.id)]] = vector_of(replica.scope, point, replica.shape)
        return maxsim, pooled


def _weighted(view: QueryView, weights: Floats) -> list[list[float]]:
    """Return the query's tokens, each as long as it counts: a sum of their best dot products is weighted."""
    kept = weights > 0
    tokens: list[list[float]] = (TokenCodec.for_codes(view.tokens[kept]) * weights[kept, None]).tolist()
    return tokens
