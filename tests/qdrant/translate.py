"""REST bodies as the engine's types. What isn't known here fails: nothing that is asked for is left out."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as edge

Body = Mapping[str, Any]


class BadRequestError(Exception):
    """A body that the engine, or this interface to it, has no sense for."""


def config(body: Body) -> edge.EdgeConfig:
    """Return what a collection is laid out as."""
    return edge.EdgeConfig(
        vectors={name: _vector_params(params) for name, params in body["vectors"].items()},
        hnsw_config=_hnsw(body.get("hnsw_config") or {}),
        on_disk_payload=body.get("on_disk_payload"),
        optimizers=optimizers(body.get("optimizers_config") or {}),
    )


def optimizers(body: Body) -> edge.EdgeOptimizersConfig:
    """Return when segments are indexed, merged and rewritten."""
    return edge.EdgeOptimizersConfig(**body)


def index_params(schema: Body) -> Any:
    """Return how a field of the payload is indexed."""
    kinds = {"keyword": edge.KeywordIndexParams, "integer": edge.IntegerIndexParams}
    more = {name: value for name, value in schema.items() if name != "type"}
    return kinds[schema["type"]](**more)


def point(body: Body) -> edge.Point:
    """Return a point."""
    return edge.Point(body["id"], body["vector"], body.get("payload") or {})


def filtered(body: Body | None) -> edge.Filter | None:
    """Return a filter; none where nothing is demanded."""
    if body is None:
        return None
    (must,) = _only(body, "must")
    return edge.Filter(must=[_condition(each) for each in must])


def query(body: Body) -> edge.QueryRequest:
    """Return a query, with what is fetched before it."""
    vector, using, where, params, limit, payload, prefetch, _ = _only(
        body, "query", "using", "filter", "params", "limit", "with_payload", "prefetch", "shard_key"
    )
    return edge.QueryRequest(
        limit=limit or 10,
        query=_nearest(vector, using),
        prefetches=[_prefetch(each) for each in prefetch or []],
        filter=filtered(where),
        params=_search_params(params),
        with_payload=payload or False,
    )


def plain(found: edge.ScoredPoint | edge.Record) -> dict[str, Any]:
    """Return an answer's point as JSON values."""
    known: dict[str, Any] = {"id": str(found.id), "payload": found.payload, "vector": found.vector}
    if isinstance(found, edge.ScoredPoint):
        known |= {"score": found.score, "version": found.version}
    return {name: value for name, value in known.items() if value is not None}


def offset_of(found: int | str | UUID | None) -> str | int | None:
    """Return where a scroll goes on."""
    return str(found) if isinstance(found, UUID) else found


def _only(body: Body, *names: str) -> list[Any]:
    """Return the values under these names, and fail where there are others."""
    if unknown := body.keys() - set(names):
        raise BadRequestError(f"not served here: {', '.join(sorted(unknown))}")
    return [body.get(name) for name in names]


def _nearest(body: Any, using: str | None) -> edge.Query | None:
    vector = body["nearest"] if isinstance(body, Mapping) else body
    return None if vector is None else edge.Query.Nearest(vector, using)


def _prefetch(body: Body) -> edge.Prefetch:
    vector, using, where, params, limit, prefetch = _only(
        body, "query", "using", "filter", "params", "limit", "prefetch"
    )
    return edge.Prefetch(
        limit=limit or 10,
        query=_nearest(vector, using),
        prefetches=[_prefetch(each) for each in prefetch or []],
        filter=filtered(where),
        params=_search_params(params),
    )


def _search_params(body: Body | None) -> edge.SearchParams | None:
    if body is None:
        return None
    ef, exact, quantization = _only(body, "hnsw_ef", "exact", "quantization")
    kept = edge.QuantizationSearchParams(**quantization) if quantization else None
    return edge.SearchParams(hnsw_ef=ef, exact=bool(exact), quantization=kept)


def _condition(body: Body) -> edge.FieldCondition | edge.HasIdCondition:
    ids, key, match, bounds = _only(body, "has_id", "key", "match", "range")
    if ids is not None:
        return edge.HasIdCondition(set(ids))
    return edge.FieldCondition(
        key,
        match=None if match is None else _match(match),
        range=None if bounds is None else edge.RangeFloat(**bounds),
    )


def _match(body: Body) -> edge.MatchValue | edge.MatchAny:
    ((how, wanted),) = body.items()
    ways: dict[str, Callable[[Any], edge.MatchValue | edge.MatchAny]] = {
        "value": edge.MatchValue,
        "any": edge.MatchAny,
    }
    return ways[how](wanted)


def _vector_params(body: Body) -> edge.EdgeVectorParams:
    size, distance, on_disk, datatype, multivector, quantization, hnsw = _only(
        body,
        "size",
        "distance",
        "on_disk",
        "datatype",
        "multivector_config",
        "quantization_config",
        "hnsw_config",
    )
    return edge.EdgeVectorParams(
        size,
        getattr(edge.Distance, distance),
        on_disk=on_disk,
        datatype=getattr(edge.VectorStorageDatatype, datatype.capitalize()) if datatype else None,
        multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim) if multivector else None,
        quantization_config=_quantization(quantization["scalar"]) if quantization else None,
        hnsw_config=_hnsw(hnsw) if hnsw else None,
    )


def _quantization(body: Body) -> edge.ScalarQuantizationConfig:
    kind, quantile, always_ram = _only(body, "type", "quantile", "always_ram")
    if kind != "int8":
        raise BadRequestError(f"not served here: quantisation to {kind}")
    return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile, always_ram)


def _hnsw(body: Body) -> edge.HnswIndexConfig:
    """Return how graphs are built; what isn't said is as on a server."""
    return edge.HnswIndexConfig(
        **{"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, "max_indexing_threads": 1}
        | dict(body)
    )
