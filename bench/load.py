"""A closed loop of HTTP requests over so many connections: each sends its next request when it has its answer.

Requests are made before the clock starts and answers are only counted, so that the load costs the machine little.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answers:
    """How often each status was answered; the bodies of those that were not 200, some of them."""

    statuses: Counter[int] = field(default_factory=Counter)
    odd: list[bytes] = field(default_factory=list)


def post(url: str, path: str, headers: Mapping[str, str], body: object) -> bytes:
    """The bytes of a request that keeps its connection."""
    said = json.dumps(body).encode()
    parts = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
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
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                status = int(head[9:12])
                answers.statuses[status] += 1
                if status != 200 and len(answers.odd) < 5:
                    answers.odd.append(body)
        finally:
            writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return answers


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError(f"an answer without a length: {head!r}")
