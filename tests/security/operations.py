"""Every operation, as the OpenAPI document has it; and what the tables here have to say about each."""

import asyncio
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.openapi import Document
from gateway.words.telling import METHODS
from tests.services.logistics.test_roles import A_DOT

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
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
    streams: bool
    """Whether its answer may never end."""

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
        if self.streams:
            return await _begun(client, path, headers)
        return await client.request(self.method, path, headers=headers, **self._sent(body))

    def _kind(self) -> dict[str, str]:
        """The type of a body that httpx does not make."""
        return {} if self.content_type in {None, JSON, FORM, MULTIPART} else {"Content-Type": str(self.content_type)}

    def _sent(self, body: Any) -> dict[str, Any]:
        body = self.example if body is None else body
        match self.content_type:
            case None:
                return {}
            case "multipart/form-data":
                return {"files": {name: (f"{name}.png", A_DOT, "image/png") for name in self.example}}
            case "application/x-www-form-urlencoded":
                return {"data": body}
            case "application/json":
                return {"json": body}
            case _:
                return {"content": body if isinstance(body, str) else json.dumps(body)}


async def _begun(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    """The head of an answer that may never end, and the whole of one that does: httpx's transport waits for the end."""
    told, gone, head, body = client.build_request("GET", path, headers=headers), asyncio.Event(), {}, bytearray()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": told.url.path,
        "raw_path": told.url.raw_path.split(b"?")[0],
        "query_string": told.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in told.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": ("duijie.test", 80),
    }
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in asked:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
            if b"text/event-stream" in dict(message["headers"]).get(b"content-type", b""):
                gone.set()
        elif not gone.is_set():
            body.extend(message.get("body", b""))

    async with asyncio.timeout(20):
        await client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    return httpx.Response(head["status"], headers=head["headers"], content=bytes(body), request=told)


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
            f"{each['name']}={_required(each['schema'])}"
            for each in parameters
            if each["in"] == "query" and each.get("required")
        ),
        any("text/event-stream" in answer.get("content", {}) for answer in told["responses"].values()),
    )


def _required(schema: Document) -> str:
    """A value that it may have: that of its format, or its own example."""
    return REQUIRED[schema["format"]] if "format" in schema else str(schema["examples"][0])


def resolved(document: Document, schema: Document) -> Document:
    """The schema behind a reference, or behind the first that is no null of several."""
    if "$ref" in schema:
        return resolved(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return resolved(document, each)
    return schema
