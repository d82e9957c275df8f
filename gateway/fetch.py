"""Asking a service for something small, or telling it, over the same way that requests go."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.datastructures import Headers
from starlette.types import Message

from chassis.problems import Language, Problem
from gateway.proxy import RawHeaders, ServiceUnavailable, Upstream, raw_path_of

LIMIT_B = 8 * 1024 * 1024
WAIT_S = 5.0


@dataclass(slots=True)
class Fetched:
    """A whole answer."""

    status: int = 0
    raw_headers: RawHeaders = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    @property
    def headers(self) -> Headers:
        return Headers(raw=self.raw_headers)

    def json(self) -> Any:
        """Raises ServiceUnavailable when the answer is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServiceUnavailable() from error

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.raw_headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if len(self.body) > LIMIT_B:
                raise ServiceUnavailable()


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes along with a request."""

    authorization: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


NOTHING = Sent()


async def fetch(
    upstream: Upstream,
    path: str,
    query: str = "",
    *,
    method: str = "GET",
    accept: str = "application/json",
    language: Language | None = None,
    sent: Sent = NOTHING,
    wait_s: float = WAIT_S,
) -> Fetched:
    """Ask a service for `path`, in the name of `sent.authorization`, where there is one.

    Raises ServiceUnavailable when it does not answer in time, or breaks off.
    """
    headers = [(b"host", b"gateway"), (b"accept", accept.encode())]
    if language:
        headers.append((b"accept-language", language.encode()))
    if sent.authorization:
        headers.append((b"authorization", sent.authorization.encode("latin-1")))
    if sent.body:
        headers.append((b"content-length", str(len(sent.body)).encode()))
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path_of(path),
        "query_string": query.encode(),
        "headers": headers,
    }
    requests = iter([{"type": "http.request", "body": sent.body, "more_body": False}])
    forever = asyncio.Event()

    async def receive() -> Message:
        for message in requests:
            return message
        await forever.wait()  # this client never hangs up; it is cancelled
        return {"type": "http.disconnect"}

    fetched = Fetched()
    try:
        async with asyncio.timeout(wait_s):
            await upstream(scope, receive, fetched.take)
    except (TimeoutError, Problem, httpx.HTTPError, OSError) as error:
        raise ServiceUnavailable() from error  # half an answer is none
    return fetched
