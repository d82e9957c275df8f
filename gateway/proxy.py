"""The way through to a service, in process or over HTTP: one ASGI call, streamed both ways, hang-ups passed on.

`Upstream` is an ASGI application. `InProcess` awaits the service's own; `Remote` carries the request over HTTP.
The service sees what the client sent, but for what ends at each hop (RFC 9110, section 7.6.1) and the ids that
`chassis.telemetry` gave the request. One contract test holds both to it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from urllib.parse import quote

import httpx
import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ending import ended
from chassis.heads import method_of
from chassis.problems import Problem, Text
from chassis.streams import AT_MOST, LAST_CHUNK, is_stream
from chassis.tracing import current_traceparent
from gateway.lines import Lines

log = structlog.get_logger()

Upstream = ASGIApp
RawHeaders = list[tuple[bytes, bytes]]

READ_S = 120
"""Between two reads. The longest answer is a route of 60 s; a stream says something every 15 s."""
TIMEOUT = httpx.Timeout(connect=2, read=READ_S, write=30, pool=5)

HOP_BY_HOP = frozenset(
    [
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    ]
)
OURS_TO_SAY = frozenset([b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", b"expect"])
OF_THE_SERVER = frozenset([b"date", b"server"])  # the gateway's own server says them again


class ServiceUnavailable(Problem):
    slug, status = "service-unavailable", 503
    title = Text("服务暂不可用", "The service is not available")
    detail = Text(
        "处理此请求的服务暂时没有应答，请稍后用同一个键重试。",
        "The service behind this address does not answer just now; try again shortly, with the same key.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class InProcess:
    """A service in this process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            await self._app(forwarded(scope), receive, answer)
        except HTTPException:
            raise  # of the gateway's own body limit, which the service met while reading
        except Exception as error:
            if answer.ended:
                return  # the service answered its own failure, logged it, and raised it for its server
            if answer.started:
                raise
            log.warning("service_failed", path=scope["path"], error=type(error).__name__)
            raise ServiceUnavailable() from error
        if not answer.started:
            raise ServiceUnavailable()


class Remote:
    """A service at `base_url`, such as http://listing:8000. Close it when the gateway ends."""

    def __init__(self, base_url: str) -> None:
        self._base = httpx.URL(base_url)
        self._lines = Lines()
        self._streams = Lines(AT_MOST)  # of their own: open for hours, they would leave none for what is soon over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbound, answer = Inbound(scope, receive), Answer(send)
        exchange = asyncio.create_task(self._exchange(forwarded(scope), inbound, answer))
        hang_up = asyncio.create_task(inbound.hung_up())
        try:
            await asyncio.wait({exchange, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            if exchange.done():
                exchange.result()
        except ClientGone:
            return
        except httpx.TransportError as error:
            log.warning("service_unreachable", path=scope["path"], error=type(error).__name__)
            if not answer.started:
                raise ServiceUnavailable() from error
            if not is_stream(scope):
                raise  # too late for a problem: the cut connection tells the client
            await answer(LAST_CHUNK)  # its reader goes on behind the last event that came whole
        finally:
            await ended(exchange, hang_up)

    async def aclose(self) -> None:
        await self._lines.aclose()
        await self._streams.aclose()

    async def _exchange(self, scope: Scope, inbound: "Inbound", answer: "Answer") -> None:
        lines = self._streams if is_stream(scope) else self._lines
        async with lines.sent(self._request(scope, inbound)) as response:
            inbound.ended.set()  # a service may answer before it has read everything
            headers = [(name.lower(), value) for name, value in response.headers.raw]
            await answer({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for chunk in response.aiter_raw():
                await answer({"type": "http.response.body", "body": chunk, "more_body": True})
            await answer({"type": "http.response.body", "body": b""})

    def _request(self, scope: Scope, inbound: "Inbound") -> httpx.Request:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        return httpx.Request(
            scope["method"],
            self._base,
            headers=scope["headers"],
            content=inbound.body() if inbound.has_body else None,
            # as bytes: httpx would normalise the path
            extensions={"target": target, "timeout": TIMEOUT.as_dict()},
        )


class ClientGone(Exception):
    """The client hung up before its request was complete."""


class Inbound:
    """The client's side: its body once, then its hang-up."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        names = {name for name, _ in scope["headers"]}
        self.has_body = bool(names & {b"content-length", b"transfer-encoding"})
        self.ended = asyncio.Event()
        if not self.has_body:
            self.ended.set()

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ClientGone when it breaks off."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk
        self.ended.set()

    async def hung_up(self) -> None:
        """Return when the client has gone; never reads what `body` still has to read."""
        await self.ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Answer:
    """The answer on its way out: without what ends at this hop, and how far it got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": end_to_end(message.get("headers", ()), OF_THE_SERVER)}
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
        await self._send(message)


def forwarded(scope: Scope) -> Scope:
    """The request as the service shall see it: nothing of this application stays in it."""
    raw_path = scope.get("raw_path") or raw_path_of(scope["path"])
    client = scope.get("client")
    headers = [
        *end_to_end(scope["headers"], OURS_TO_SAY | {b"x-request-id", b"traceparent"}),
        *_ids(scope["headers"]),
        (b"x-forwarded-proto", scope.get("scheme", "http").encode()),
    ]
    if client is not None:
        headers.append((b"x-forwarded-for", client[0].encode()))
    return {
        "type": "http",
        "asgi": scope["asgi"],
        "http_version": scope.get("http_version", "1.1"),
        "method": method_of(scope),
        "scheme": scope.get("scheme", "http"),
        "path": scope["path"],
        "raw_path": raw_path,
        "query_string": scope.get("query_string", b""),
        "root_path": "",
        "headers": headers,
        "client": client,
        "server": scope.get("server"),
        "state": {},
    }


def raw_path_of(path: str) -> bytes:
    """The path as it goes over the wire (RFC 3986, section 3.3): a name in it may be anything that people type."""
    return quote(path, safe="/:@!$&'()*+,;=-._~").encode()


def end_to_end(headers: Iterable[tuple[bytes, bytes]], beside: frozenset[bytes]) -> RawHeaders:
    """The headers without those of one hop, those that `Connection` names, and `beside`."""
    kept = list(headers)
    named = {
        option.strip().lower() for name, value in kept if name.lower() == b"connection" for option in value.split(b",")
    }
    dropped = HOP_BY_HOP | named | beside
    return [(name, value) for name, value in kept if name.lower() not in dropped]


def _ids(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """The ids of this request: those that `chassis.telemetry` made or took, else the client's own."""
    sent = {name: value for name, value in headers if name in {b"x-request-id", b"traceparent"}}
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    traceparent = current_traceparent()
    if request_id is not None:
        sent[b"x-request-id"] = request_id.encode("latin-1")
    if traceparent is not None:
        sent[b"traceparent"] = traceparent.encode("latin-1")
    return list(sent.items())
