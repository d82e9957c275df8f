"""Following a feed as a stream of events: `id` is an item's seq, `event` its type, `data` its stored bytes."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request

from chassis.auth import Caller
from chassis.db import Database, is_transient
from chassis.event_stream import EventStream, event
from chassis.feed import GROWN, HEAD, SEQ_MAX, After, Feed, type_of
from chassis.query import LAST_EVENT
from chassis.streams import A_CALLER, OpenStreams, TooManyStreams
from chassis.watching import Watch

PAGE = 50
"""Items that are read and sent at once: what a slow reader holds."""
READS_AT_ONCE = 4
"""When a feed that many follow has grown they all read; the others of the process need connections, too."""
AWAY_S = (0.5, 1.5)
READ_S = 5.0

Items = Sequence[tuple[int, bytes]]


async def _resume(
    after: After = 0,
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=SEQ_MAX)] = None,
    in_query: Annotated[int | None, Query(alias=LAST_EVENT, ge=0, le=SEQ_MAX, include_in_schema=False)] = None,
) -> int:
    """A browser that comes again sends both: the address that it was given, and how far it has got."""
    told = in_query if last_event_id is None else last_event_id
    return after if told is None else told


ResumeAfter = Annotated[int, Depends(_resume)]


class Followers:
    """All of one process that follow one feed."""

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._heads: Watch[int] = Watch(f"feed.{db.service}", partial(feed.grown, db), db.wake(GROWN))
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def read(self, account_id: UUID, after: int) -> Items:
        async with self._reads, asyncio.timeout(READ_S):
            return await self._feed.behind(self._db, account_id, after, PAGE)

    async def chunks(self, account_id: UUID, after: int, items: Items) -> AsyncGenerator[bytes, None]:
        """These first items behind `after`, and all that come behind them, a page at a time, without an end."""
        with self._heads.on(account_id) as head:
            while True:
                if items:
                    after = items[-1][0]
                    yield b"".join([event_of(seq, item) for seq, item in items])
                if len(items) < PAGE:
                    await head.until(lambda seq, after=after: seq > after)  # type: ignore[misc]
                items = await self._read_in_the_end(account_id, after)

    async def _read_in_the_end(self, account_id: UUID, after: int) -> Items:
        """There is more, so the database only has to be there."""
        while True:
            try:
                if items := await self.read(account_id, after):
                    return items
            except Exception as error:
                if not is_transient(error):
                    raise
            await asyncio.sleep(random.uniform(*AWAY_S))


def event_of(seq: int, item: bytes) -> bytes:
    return event(type_of(item), seq, item)


async def follow(request: Request, db: Database, feed: Feed, caller: Caller, of: UUID, after: int) -> EventStream:
    """The feed of account `of` behind `after`, for this caller. Who begins while the database is away hears so at once;
    who has begun waits for it."""
    streams: OpenStreams = request.app.state.streams
    followers = streams.shared((db, feed), lambda: Followers(db, feed))
    first, head = await followers.read(of, after), await feed.head(db, of)
    return EventStream(
        followers.chunks(of, after, first),
        headers={HEAD: str(head)},
        place=streams.one_more_of(caller.account_id, A_CALLER, TooManyStreams),
        until_s=caller.until_s,
    )
