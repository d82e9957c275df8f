"""Asking a service for something small, over the same way that requests go."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message

from chassis.problems import Problem
from gateway.proxy import RawHeaders, ServiceUnavailable, Upstream

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


async def fetch(
    upstream: Upstream,
    path: str,
    query: str = "",
    *,
    accept: str = "application/json",
    authorization: str = "",
    wait_s: float = WAIT_S,
) -> Fetched:
    """GET `path` of a service, for the caller of this `authorization`, where there is one.

    Raises ServiceUnavailable when it does not answer in time.
    """
    headers = [(b"host", b"gateway"), (b"accept", accept.encode())]
    if authorization:
        headers.append((b"authorization", authorization.encode("latin-1")))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])
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
    except (TimeoutError, Problem) as error:
        raise ServiceUnavailable() from error
    return fetched
