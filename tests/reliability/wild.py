"""Random requests to every operation of a schema, with names of one's own, of others, and of nobody."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

ODD = (
    *("", " ", "null", "None", "*", "%", "%25", "_", "..", "../", "0", "-1", "true", "[]", "{}", "\u200b"),
    *("tenant", "default", "ａda", "ADA", " ada", "ada ", "ada\n", "аda", "ада", "İ", "\ufeffada", "a" * 300),
    *("' OR '1'='1", 'ada" OR 1=1 --', "ada\x00", "${tenant}", "ada;eve", "ada/../eve", "ada%2Feve", "😀"),
)
# Values that no field should take as they are, and the tenant least of all.
WRONG: tuple[Any, ...] = (None, [], ["t1", "t2"], {}, {"tenant": "t1"}, 0, -1, 1.5, True, "", "\u0000")
SPOOFED = ("X-Tenant", "X-Tenant-Id", "Tenant", "X-User-Id", "X-Forwarded-User", "X-Satchel-Tenant", "Cookie")


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, its parameters, and the schema of its body, if any."""

    method: str
    path: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. sent: all of it as text, to tell what an answer may have from the request itself."""

    method: str
    url: str
    params: dict[str, str]
    headers: dict[str, str]
    content: bytes | None

    @property
    def sent(self) -> str:
        """All that the request says."""
        return json.dumps([self.url, self.params, self.headers], ensure_ascii=False) + (
            (self.content or b"").decode("utf-8", "replace")
        )


def operations(schema: dict[str, Any]) -> Iterator[Operation]:
    """Yield every operation under `/v1`."""
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            if path.startswith("/v1"):
                content = one.get("requestBody", {}).get("content", {})
                body = content.get("application/json", {}).get("schema")
                yield Operation(method.upper(), path, one.get("parameters", []), body)


class Wild:
    """Makes requests that a curious, careless or hostile caller might send."""

    def __init__(self, schema: dict[str, Any], seed: int) -> None:
        self._parts = schema.get("components", {}).get("schemas", {})
        self._random = random.Random(seed)

    def request(self, operation: Operation, names: dict[str, list[str]], tenants: list[str]) -> Request:
        """Return a request. names: those worth trying, by the parameter or field that takes them."""
        url, params = operation.path, {}
        for parameter in operation.parameters:
            name = parameter["name"]
            value = str(self._value(name, parameter.get("schema", {}), names))
            if parameter["in"] == "path":
                url = url.replace("{" + name + "}", _quoted(value))
            elif parameter["in"] == "query" and (parameter.get("required") or self._random.random() < 0.5):
                params[name] = value
        headers = {
            name: _header(self._random.choice(tenants)) for name in SPOOFED if self._random.random() < 0.15
        }
        if self._random.random() < 0.1:
            params["tenant"] = self._random.choice(tenants)
        return Request(operation.method, url, params, headers, self._body(operation, names, tenants))

    def _body(self, operation: Operation, names: dict[str, list[str]], tenants: list[str]) -> bytes | None:
        if operation.path == "/v1/import":
            user, session = (self._random.choice(names[key]) for key in ("user_id", "session_id"))
            line = {"user_id": user, "session_id": session, "role": "user", "content": "imported"}
            return json.dumps(line | {"tenant": self._random.choice(tenants)}).encode()
        if operation.body is None:
            return None
        body = self._value("", operation.body, names)
        if isinstance(body, dict) and self._random.random() < 0.15:
            # A copy: it may be one of `WRONG` itself.
            body = body | {"tenant": self._random.choice((*tenants, *WRONG))}
        return json.dumps(body).encode()

    def _value(self, name: str, schema: dict[str, Any], names: dict[str, list[str]]) -> Any:
        if self._random.random() < 0.02:
            return self._random.choice(WRONG)
        if name in names:
            return self._random.choice(ODD if self._random.random() < 0.15 else names[name])
        if "$ref" in schema:
            schema = self._parts[schema["$ref"].rsplit("/", 1)[1]]
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self._value(name, self._random.choice(options), names)
        if "enum" in schema or "const" in schema:
            return self._random.choice(schema.get("enum") or [schema["const"]])
        return self._of_type(name, schema, names)

    def _of_type(self, name: str, schema: dict[str, Any], names: dict[str, list[str]]) -> Any:
        plain = {
            "integer": self._random.choice((1, 2, 64, 512)),
            "number": self._random.random(),
            "boolean": self._random.random() < 0.5,
            "null": None,
        }
        kind = schema.get("type")
        if kind in plain:
            return plain[kind]
        if kind == "array":
            item = name.removesuffix("s")
            return [
                self._value(item, schema.get("items", {}), names) for _ in range(self._random.randint(1, 2))
            ]
        if kind == "object":
            needed = schema.get("required", [])
            return {
                key: self._value(key, one, names)
                for key, one in schema.get("properties", {}).items()
                if key in needed or self._random.random() < 0.3
            }
        return "2026-01-02T03:04:05Z" if schema.get("format") == "date-time" else "which canary is it?"


def _quoted(value: str) -> str:
    """Return a path segment: encoded where it must be, as a client that means it would."""
    return quote(value, safe="")


def _header(value: str) -> str:
    return "".join(c for c in value if c.isascii() and c.isprintable())
