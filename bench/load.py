"""HTTP requests over so many connections. In a closed loop each sends its next request when it has its answer; in an
open one requests are due at moments of their own, whatever the answers do.

Requests are made before the clock starts and answers are only counted, so that the load costs the machine little.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answers:
    """How often each status was answered; the bodies of those that were not 2xx, some of them."""

    statuses: Counter[int] = field(default_factory=Counter)
    odd: list[bytes] = field(default_factory=list)


def post(url: str, path: str, headers: Mapping[str, str], body: object) -> bytes:
    """The bytes of a request that keeps its connection."""
    return post_bytes(url, path, headers, json.dumps(body).encode(), "application/json")


def post_bytes(url: str, path: str, headers: Mapping[str, str], said: bytes, media_type: str) -> bytes:
    """The same of a body as it is."""
    parts = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Type: {media_type}"]
    lines += [f"Content-Length: {len(said)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + said


def get(url: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The same of one without a body."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


async def closed_loop(url: str, requests: list[bytes], connections: int) -> Answers:
    """Send each request once, over as many connections as are told; all answers."""
    answers, waiting = Answers(), iter(requests)
    parts = urlsplit(url)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            for request in waiting:
                _count(answers, *await _exchange(reader, writer, request))
        finally:
            writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return answers


async def open_loop(url: str, requests: list[bytes], connections: int, rate: float) -> tuple[Answers, list[float]]:
    """Each request is due at its moment, so many a second; all answers, and the seconds from each one's moment on.

    One that finds every connection busy waits for the first, and its clock runs meanwhile: a server that stood still
    is not asked less for it (coordinated omission).
    """
    answers, took_s = Answers(), list[float]()
    parts = urlsplit(url)
    due: deque[tuple[float, bytes]] = deque()
    there = asyncio.Semaphore(0)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while await there.acquire() and due:
                moment_s, request = due.popleft()
                _count(answers, *await _exchange(reader, writer, request))
                took_s.append(time.perf_counter() - moment_s)
        finally:
            writer.close()

    working = [asyncio.create_task(connection()) for _ in range(connections)]
    began_s = time.perf_counter() + 0.1
    for number, request in enumerate(requests):
        moment_s = began_s + number / rate
        if (ahead_s := moment_s - time.perf_counter()) > 0:
            await asyncio.sleep(ahead_s)
        due.append((moment_s, request))
        there.release()
    for _ in working:
        there.release()  # who finds nothing due ends
    await asyncio.gather(*working)
    return answers, took_s


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _length(head)
    return int(head[9:12]), await _chunks(reader) if length is None else await reader.readexactly(length)


def _count(answers: Answers, status: int, body: bytes) -> None:
    answers.statuses[status] += 1
    if status // 100 != 2 and len(answers.odd) < 5:
        answers.odd.append(body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


def _length(head: bytes) -> int | None:
    """None of an answer that comes in chunks."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    if b"transfer-encoding: chunked" in head.lower():
        return None
    raise ValueError(f"an answer without a length: {head!r}")
