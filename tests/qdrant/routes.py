"""What each request does, and the body of its answer."""

import re
from collections.abc import Callable

import qdrant_edge as edge

from tests.qdrant.engine import Collection, Engine
from tests.qdrant.translate import Body, filtered, offset_of, plain, point, query

Answer = Callable[[Engine, str, Body], object]


def _updated(collection: Collection, operation: edge.UpdateOperation) -> object:
    collection.apply(operation)
    return {"operation_id": 0, "status": "completed"}


def _upsert(engine: Engine, name: str, body: Body) -> object:
    points = [point(each) for each in body["points"]]
    return _updated(engine[name], edge.UpdateOperation.upsert_points(points))


def _delete(engine: Engine, name: str, body: Body) -> object:
    if "points" in body:
        return _updated(engine[name], edge.UpdateOperation.delete_points(body["points"]))
    where = filtered(body["filter"])
    assert where
    return _updated(engine[name], edge.UpdateOperation.delete_points_by_filter(where))


def _set_payload(engine: Engine, name: str, body: Body) -> object:
    where = filtered(body["filter"])
    assert where
    return _updated(engine[name], edge.UpdateOperation.set_payload_by_filter(where, body["payload"]))


def _scroll(engine: Engine, name: str, body: Body) -> object:
    found, offset = engine[name].shard.scroll(
        edge.ScrollRequest(
            offset=body.get("offset"),
            limit=body.get("limit", 10),
            filter=filtered(body.get("filter")),
            with_payload=body.get("with_payload", True),
            with_vector=body.get("with_vector", False),
        )
    )
    return {"points": [plain(each) for each in found], "next_page_offset": offset_of(offset)}


def _query(engine: Engine, name: str, body: Body) -> object:
    asked = edge.QueryBatchRequest([query(each) for each in body["searches"]])
    return [{"points": [plain(each) for each in found]} for found in engine[name].shard.query_batch(asked)]


def _count(engine: Engine, name: str, body: Body) -> object:
    asked = edge.CountRequest(exact=body.get("exact", True), filter=filtered(body.get("filter")))
    return {"count": engine[name].shard.count(asked)}


def _create(engine: Engine, name: str, body: Body) -> object:
    engine.create(name, body)
    return True


def _drop(engine: Engine, name: str, _: Body) -> object:
    engine.delete(name)
    return True


def _change(engine: Engine, name: str, body: Body) -> object:
    engine[name].update(body)
    return True


def _index(engine: Engine, name: str, body: Body) -> object:
    engine[name].index(body["field_name"], body["field_schema"])
    return {"operation_id": 0, "status": "completed"}


def _rename(engine: Engine, _: str, body: Body) -> object:
    engine.rename(body["actions"])
    return True


def _describe(engine: Engine, name: str, _: Body) -> object:
    collection = engine[name]
    info = collection.shard.info()
    params = {
        key: value
        for key, value in collection.made_by.items()
        if key not in ("hnsw_config", "optimizers_config", "wal_config", "metadata")
    }
    hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
    return {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": info.segments_count,
        "points_count": info.points_count,
        "indexed_vectors_count": info.indexed_vectors_count,
        "config": {
            "params": params,
            "hnsw_config": hnsw | (collection.made_by.get("hnsw_config") or {}),
            "optimizer_config": {"default_segment_number": 0, "flush_interval_sec": 5}
            | (collection.made_by.get("optimizers_config") or {}),
            "metadata": collection.made_by.get("metadata"),
        },
        "payload_schema": {},
    }


def _aliases(engine: Engine, _: str, __: Body) -> object:
    return {"aliases": [{"alias_name": alias, "collection_name": of} for alias, of in engine.aliases.items()]}


# Method and path, with what answers it.
ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", "/aliases", _aliases),
    ("POST", "/collections/aliases", _rename),
    ("GET", "/collections", lambda e, _, __: {"collections": [{"name": name} for name in e.names()]}),
    ("GET", "/collections/NAME", _describe),
    ("GET", "/collections/NAME/exists", lambda e, name, _: {"exists": name in e}),
    ("PUT", "/collections/NAME", _create),
    ("PATCH", "/collections/NAME", _change),
    ("DELETE", "/collections/NAME", _drop),
    ("PUT", "/collections/NAME/index", _index),
    ("PUT", "/collections/NAME/points", _upsert),
    ("POST", "/collections/NAME/points/delete", _delete),
    ("POST", "/collections/NAME/points/payload", _set_payload),
    ("POST", "/collections/NAME/points/count", _count),
    ("POST", "/collections/NAME/points/scroll", _scroll),
    ("POST", "/collections/NAME/points/query/batch", _query),
]


def route(method: str, path: str) -> tuple[Answer, str] | None:
    """Return what answers, and the collection's name."""
    for allowed, pattern, answer in ROUTES:
        found = re.fullmatch(pattern.replace("NAME", "([^/]+)"), path)
        if method == allowed and found:
            return answer, (*found.groups(), "")[0]
    return None
