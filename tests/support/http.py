"""An application on a real port, or called by a client that takes its time and may go."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from prometheus_client import REGISTRY
from starlette.types import ASGIApp, Message

BEGUN: Final = {"type": "http.request", "body": b"{", "more_body": True}
ENDED: Final = {"type": "http.request", "body": b"", "more_body": False}
BROKEN_OFF: Final = {"type": "http.disconnect"}
PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify` of clients on loopback: with a context of its own each reads all roots, which takes it 40 ms."""


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The application on a free port of loopback; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def posted(app: ASGIApp, path: str, headers: Mapping[str, str], sent: asyncio.Queue[Any]) -> list[Message]:
    """What a bare POST is told, whose body comes as it is `sent`."""
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, sent.get, send)
    return told


def answered_as(status: int, route: str, service: str = "test") -> float:
    """How many POSTs of that route were answered with that status, as the metrics tell."""
    labels = {"service": service, "method": "POST", "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("duijie_http_seconds_count", labels) or 0.0
