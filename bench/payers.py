"""Logistics' consumers of fulfilled matches, each a process: `python -m bench.payers BOOTSTRAP URL GROUP`."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager

from chassis.db import Database
from chassis.inbox import Consumer
from chassis.transport.base import Batch
from chassis.transport.kafka import KafkaTransport
from duijie.running import tune_memory
from services.logistics.programmes import handlers

BEGUN = b"begun\n"


@asynccontextmanager
async def payers(count: int, bootstrap: str, url: str, group: str) -> AsyncIterator[asyncio.Future[None]]:
    """So many of one group; done when the first of them has its first batch. Raises for one that ends by itself."""
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", __spec__.name, bootstrap, url, group, stdin=PIPE, stdout=PIPE
        )
        for _ in range(count)
    ]
    try:
        yield asyncio.ensure_future(_any_begun(children))
    finally:
        for child in children:
            child.terminate()
        await asyncio.gather(*(child.wait() for child in children))


async def _any_begun(children: list[Process]) -> None:
    lines = [asyncio.create_task(child.stdout.readline()) for child in children if child.stdout is not None]
    done, waiting = await asyncio.wait(lines, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    assert {each.result() for each in done} == {BEGUN}, "it ended; its own words are above"


class _Telling(KafkaTransport):
    """Says so when the first batch has come."""

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        async with aclosing(super().consume(group, topics, limit=limit)) as batches:
            async for batch in batches:
                if sys.stdout is not None and not sys.stdout.closed:
                    sys.stdout.buffer.write(BEGUN)
                    sys.stdout.close()
                yield batch


async def main(bootstrap: str, url: str, group: str) -> None:
    tune_memory()
    db = Database(url, source="/duijie/logistics")
    async with _Telling(bootstrap) as transport:
        await Consumer(group, db, transport, handlers.SUBSCRIPTIONS).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
