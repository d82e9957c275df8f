"""Many clients at once who cost next to nothing themselves: what is measured is the house and not its guests."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_S = 30.0


@dataclass(slots=True)
class Pressure:
    """What some clients were answered. `good` counts the 200s within the measured time alone."""

    clients: int
    good: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    refused_s: list[float] = field(default_factory=list)
    """How long each refusal took."""

    @property
    def goodput(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


async def press(url: str, path: str, token: str, clients: int, *, warm_s: float, seconds: float) -> Pressure:
    """So many clients, each asking again as soon as it is answered; who is refused comes back when it is told to."""
    told = Pressure(clients, seconds=seconds)
    begins_s = time.monotonic() + warm_s  # until the queues are as long as they get
    where = urlsplit(url)
    request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    host, _, port = where.netloc.rpartition(":")
    asking = (_keep_asking(told, host, int(port), request, begins_s) for _ in range(clients))
    await asyncio.gather(*asking)
    return told


async def _keep_asking(told: Pressure, host: str, port: int, request: bytes, begins_s: float) -> None:
    ends_s = begins_s + told.seconds
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while (began_s := time.monotonic()) < ends_s:
            writer.write(request)
            async with asyncio.timeout(PATIENCE_S):
                status, retry_after_s = await _answer(reader)
            told.statuses[status] += 1
            if status == 200:
                told.good += begins_s <= time.monotonic() < ends_s
            else:
                told.refused_s.append(time.monotonic() - began_s)
                await asyncio.sleep(retry_after_s)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, float]:
    """The status of an answer that tells its length, and how long to stay away."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    await reader.readexactly(int(fields["content-length"]))
    return int(first.split(" ")[1]), float(fields.get("retry-after", 1))
