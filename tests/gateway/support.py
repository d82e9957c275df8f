"""What the gateway's tests share: an SMS provider, callers, and a real HTTP server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import uvicorn
from starlette.types import ASGIApp

from contracts.accounts import Role
from gateway.tokens import Signer


@dataclass
class Phones:
    """An SMS provider that remembers what it sent, or is down."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False

    async def send(self, phone: str, code: str) -> None:
        if self.down:
            raise ConnectionError(f"no way to {phone}")
        self.sent.append((phone, code))

    def last_code(self) -> str:
        return self.sent[-1][1]


def bearer(signer: Signer, role: Role = "citizen", account_id: UUID | None = None) -> dict[str, str]:
    """The headers of a caller with a sound token."""
    return {"Authorization": f"Bearer {signer.sign(account_id or uuid4(), role, timedelta(minutes=5))}"}


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
