"""Qdrant's REST interface over an in-process Qdrant: `python -m tests.qdrant_rest PORT`.

As much of it as the index uses, so that tests have a server to cut off, stop and slow down, and requests
go through the same serialisation as to a real one. It has no graphs, no shards and no quantisation. Each
owner's points are in a collection of their own, so a request that names no owner fails, but for a walk.
"""

import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from qdrant_client import QdrantClient
from qdrant_client import models as q

Body = dict[str, Any]

_POINTS: TypeAdapter[list[q.PointStruct]] = TypeAdapter(list[q.PointStruct])
_SELECTOR: TypeAdapter[q.PointsSelector] = TypeAdapter(q.PointsSelector)
_ALIASES: TypeAdapter[list[q.AliasOperations]] = TypeAdapter(list[q.AliasOperations])
# Fields of the payload that say whose a point is: a passage, or a stamp.
_OWNING = ("owner", "marks")


def _part(client: QdrantClient, name: str, owner: str) -> str:
    """Return the collection of an owner's points.

    A server finds them by its indexes. The in-process one has none and looks at every point: among 10,000
    it takes a second for one query.
    """
    part = f"{name}.{owner}"
    if not client.collection_exists(part):
        client.create_collection(part, vectors_config=client.get_collection(name).config.params.vectors)
    return part


def _asked_of(client: QdrantClient, name: str, where: q.Filter | None) -> str:
    """Return the collection of the owner that a filter demands."""
    owners = _owners(where)
    assert len(owners) == 1, f"a request must name one owner, not {owners}"
    return _part(client, name, owners[0])


def _owners(where: q.Filter | None) -> list[str]:
    conditions = where.must if where and isinstance(where.must, list) else []
    return [
        str(each.match.value)
        for each in conditions
        if isinstance(each, q.FieldCondition) and each.key in _OWNING and isinstance(each.match, q.MatchValue)
    ]


def _parts(client: QdrantClient, name: str) -> list[str]:
    """Return the collections of all owners."""
    return [each.name for each in client.get_collections().collections if each.name.startswith(f"{name}.")]


def _upsert(client: QdrantClient, name: str, body: Body) -> object:
    points = _POINTS.validate_python(body["points"])
    (owner,) = {(point.payload or {}).get("owner") or (point.payload or {})["marks"] for point in points}
    return _plain(client.upsert(_part(client, name, owner), points))


def _delete(client: QdrantClient, name: str, body: Body) -> object:
    asked = _SELECTOR.validate_python(body)
    if isinstance(asked, q.FilterSelector):
        return _plain(client.delete(_asked_of(client, name, asked.filter), asked))
    # By ids, which are unique among owners.
    return [_plain(client.delete(part, asked)) for part in _parts(client, name)][-1]


def _scroll(client: QdrantClient, name: str, body: Body) -> object:
    asked = q.ScrollRequest.model_validate(body)
    if not _owners(asked.filter):  # a walk over everybody, which is given in one page
        found = [
            point
            for part in _parts(client, name)
            for point in client.scroll(
                part, asked.filter, limit=10**6, with_payload=asked.with_payload or False
            )[0]
        ]
        return {"points": _plain(found), "next_page_offset": None}
    points, offset = client.scroll(
        _asked_of(client, name, asked.filter),
        asked.filter,
        limit=asked.limit or 10,
        offset=asked.offset,
        with_payload=asked.with_payload or False,
        with_vectors=asked.with_vector or False,
    )
    return {"points": _plain(points), "next_page_offset": offset}


class _ConflictError(Exception):
    """Something of that name is there."""


def _create(client: QdrantClient, name: str, body: Body) -> object:
    if client.collection_exists(name):
        raise _ConflictError
    asked = q.CreateCollection.model_validate(body)
    return client.create_collection(name, vectors_config=asked.vectors, metadata=asked.metadata)


def _query(client: QdrantClient, name: str, body: Body) -> object:
    asked = q.QueryRequestBatch.model_validate(body).searches
    (part,) = {_asked_of(client, name, each.filter) for each in asked}
    return _plain(client.query_batch_points(part, asked))


def _count(client: QdrantClient, name: str, body: Body) -> object:
    asked = q.CountRequest.model_validate(body)
    return _plain(client.count(_asked_of(client, name, asked.filter), asked.filter, exact=True))


# Method and path, with what answers it.
ROUTES: list[tuple[str, str, Callable[[QdrantClient, str, Body], object]]] = [
    ("GET", "/aliases", lambda c, _, __: _plain(c.get_aliases())),
    (
        "POST",
        "/collections/aliases",
        lambda c, _, body: c.update_collection_aliases(_ALIASES.validate_python(body["actions"])),
    ),
    ("GET", "/collections", lambda c, _, __: _plain(c.get_collections())),
    ("DELETE", "/collections/NAME", lambda c, name, _: c.delete_collection(name)),
    ("GET", "/collections/NAME/exists", lambda c, name, _: {"exists": c.collection_exists(name)}),
    ("GET", "/collections/NAME", lambda c, name, _: _plain(c.get_collection(name))),
    ("PUT", "/collections/NAME", _create),
    ("PUT", "/collections/NAME/index", lambda _, __, ___: {"operation_id": 0, "status": "completed"}),
    ("PUT", "/collections/NAME/points", _upsert),
    ("POST", "/collections/NAME/points/delete", _delete),
    ("POST", "/collections/NAME/points/count", _count),
    ("POST", "/collections/NAME/points/scroll", _scroll),
    ("POST", "/collections/NAME/points/query/batch", _query),
]


def _plain(value: Any) -> Any:
    """Return pydantic models as JSON values."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.model_dump(mode="json", exclude_none=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    client: QdrantClient
    one_at_a_time = threading.Lock()  # the in-process Qdrant is not thread-safe

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = urlsplit(self.path).path
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern.replace("NAME", "([^/]+)"), path)
            if method == self.command and found:
                try:
                    with self.one_at_a_time:
                        result = answer(self.client, (*found.groups(), "")[0], body)
                except _ConflictError:
                    return self._send(409, {"status": {"error": "it exists already"}})
                return self._send(200, {"result": result, "status": "ok", "time": 0.0})
        return self._send(404, {"status": {"error": f"{self.command} {path} is not served here"}})

    do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - names that http.server calls

    def _send(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that don't wait for an answer: that is what is tested."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it came


def serving(port: int = 0, folder: Path | None = None) -> ThreadingHTTPServer:
    """Return a server on an in-process Qdrant, new or kept in `folder`; the caller serves and closes it."""
    client = QdrantClient(path=str(folder or ":memory:"), force_disable_check_same_thread=True)
    return _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"client": client}))


if __name__ == "__main__":
    with serving(int(sys.argv[1])) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()
