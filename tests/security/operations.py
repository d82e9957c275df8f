"""Every operation, as the OpenAPI document has it; and what the tables here have to say about each."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.openapi import Document
from gateway.words.telling import METHODS
from tests.services.logistics.test_roles import A_DOT

JSON = "application/json"
REQUIRED = {"date": "2026-11-22", "date-time": "2026-11-22T00:00:00Z", "uuid": "01900000-0000-7000-8000-00000000dead"}
MISSING = "01900000-0000-7000-8000-00000000dead"
"""An id that nothing has."""


@dataclass(frozen=True)
class Operation:
    """One operation of the document. `content_type` is that of its body, if it takes one."""

    id: str
    method: str
    path: str
    public: bool
    content_type: str | None
    example: Any
    schema: Document
    headers: frozenset[str]
    query: tuple[str, ...]
    required: str
    """The part of the query that can't be left out, filled in."""

    @property
    def ids(self) -> list[str]:
        """What stands in braces in the path."""
        return re.findall(r"\{([^}:]+)", self.path)

    def filled(self, ids: dict[str, str]) -> str:
        """The path with these ids; those that are not told are of nothing."""
        path = self.path
        for name in self.ids:
            path = path.replace(f"{{{name}}}", ids.get(name, MISSING))
        return f"{path}?{self.required}" if self.required else path

    async def ask(
        self, client: httpx.AsyncClient, path: str, headers: dict[str, str], body: Any = None
    ) -> httpx.Response:
        """Ask it with its example for a body, or with this one, and with any version."""
        headers = ({"If-Match": "*"} if "If-Match" in self.headers else {}) | self._kind() | headers
        return await client.request(self.method, path, headers=headers, **self._sent(body))

    def _kind(self) -> dict[str, str]:
        """The type of a body that httpx does not know how to make."""
        return {"Content-Type": self.content_type} if self.content_type and "text" in self.content_type else {}

    def _sent(self, body: Any) -> dict[str, Any]:
        body = self.example if body is None else body
        match self.content_type:
            case None:
                return {}
            case "multipart/form-data":
                return {"files": {name: (f"{name}.png", A_DOT, "image/png") for name in self.example}}
            case "application/x-www-form-urlencoded":
                return {"data": body}
            case kind if kind.endswith("json"):
                return {"json": body}
            case _:
                return {"content": body}


def operations(document: Document) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(document, path, method, item[method])


def _operation(document: Document, path: str, method: str, told: Document) -> Operation:
    content = told.get("requestBody", {}).get("content", {})
    kind = JSON if JSON in content else next(iter(content), None)
    parameters = told.get("parameters", ())
    return Operation(
        told["operationId"],
        method.upper(),
        path,
        told.get("security") == [],
        kind,
        copy.deepcopy(content[kind].get("example")) if kind else None,
        resolved(document, content[kind]["schema"]) if kind else {},
        frozenset(each["name"] for each in parameters if each["in"] == "header"),
        tuple(each["name"] for each in parameters if each["in"] == "query"),
        "&".join(
            f"{each['name']}={REQUIRED[each['schema']['format']]}"
            for each in parameters
            if each["in"] == "query" and each.get("required")
        ),
    )


def resolved(document: Document, schema: Document) -> Document:
    """The schema behind a reference, or behind the first that is no null of several."""
    if "$ref" in schema:
        return resolved(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return resolved(document, each)
    return schema
