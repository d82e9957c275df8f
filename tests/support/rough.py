"""A server on loopback that answers as a test says, hangs up where it says nothing, and breaks off where told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the number of its coming (from 1), its head's fields in lower case, its body."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, which comes `after_s`. `is_cut`: more was promised than comes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    after_s: float = 0

    @classmethod
    def json(cls, shown: Any, status: int = 200, **headers: str) -> "Said":
        return cls(status, json.dumps(shown).encode(), {"content-type": "application/json", **headers})


@dataclass(slots=True)
class Rough:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def rough(answer: Callable[[Asked], Said | None]) -> AsyncIterator[Rough]:
    """Each request on a connection of its own."""
    server_of = Rough()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        server_of.asked.append(Asked(len(server_of.asked) + 1, method, target, headers, body))
        said = answer(server_of.asked[-1])
        if said is not None:
            await asyncio.sleep(said.after_s)
            length = len(said.body) + (10 if said.is_cut else 0)
            head = {"content-length": str(length), "connection": "close", **said.headers}
            fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
            writer.write(f"HTTP/1.1 {said.status} X\r\n{fields}\r\n".encode() + said.body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    server_of.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield server_of
