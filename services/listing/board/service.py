"""What everyone may do on the board."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from chassis.event_stream import EventStream, event
from chassis.kept import Kept
from chassis.problems import NotFound, must_exist
from chassis.streams import OpenStreams, StreamsFull
from chassis.watching import Watch
from services.listing.board import queries
from services.listing.board.queries import Count, Group
from services.listing.board.schemas import BoardSummary, LotCount
from services.listing.listings.models import Listing
from services.listing.photos import service as photos
from services.listing.photos.queries import Size

WATCHERS_MAX = 2000
"""Of all lots in one process. Nobody has to say who they are, so they may not take every stream of the house."""
EVERY_S = 0.2


TOTALS_S = 2.0
"""How old the totals of the board may be: whoever asks, and nobody has to say who they are, they are added up once."""


SUMMARIES_MAX = 20
"""Some hundred KB each where all counties have lots."""


class Totals:
    """What is open by county and produce, of one process, in the bytes in which it is told."""

    def __init__(self) -> None:
        self._kept = Kept[None, _Board](at_most=1)

    async def summary(self, db: Database, produce: str | None, adcode: str | None) -> bytes:
        """A `BoardSummary` of that produce and area, in JSON. `produce` is one of the catalogue's."""
        board = await self._kept.of(None, partial(_Board.read, db), TOTALS_S)
        return await board.summary(produce, adcode)


class _Board:
    """The board of one moment. What is told of it is put together once, and in a thread: there are many counties."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._told = Kept[tuple[str | None, str | None], bytes](SUMMARIES_MAX)

    @classmethod
    async def read(cls, db: Database) -> "_Board":
        async with db.reading() as session:
            return cls(await queries.groups(session))

    async def summary(self, produce: str | None, adcode: str | None) -> bytes:
        asked = (produce, adcode)
        return await self._told.of(asked, partial(asyncio.to_thread, BoardSummary.told, self._groups, *asked))


async def find(session: AsyncSession, listing_id: UUID) -> Listing:
    """An open lot. Raises NotFound."""
    return must_exist(await queries.on_board(session, listing_id))


async def follow(streams: OpenStreams, db: Database, listing_id: UUID) -> EventStream:
    """The counter of an open lot: as it is, each time it changes, and the last when it is closed. Raises NotFound."""
    now = (await queries.counts(db, [listing_id])).get(listing_id)
    if now is None or now.is_last:
        raise NotFound()
    watch = streams.shared((db, "board"), lambda: Watch("board", partial(queries.counts, db), every_s=EVERY_S))
    return EventStream(_counting(watch, listing_id, now), place=streams.one_more_of("board", WATCHERS_MAX, StreamsFull))


async def _counting(watch: Watch[Count], listing_id: UUID, count: Count) -> AsyncGenerator[bytes, None]:
    with watch.on(listing_id) as lot:
        yield _told(count)
        while not count.is_last:
            count = await lot.until(partial(_is_newer, count))
            yield _told(count)


def _is_newer(seen: Count, now: Count) -> bool:
    """To the eye; and what others have watched may be older than what this one saw when it began."""
    return now.shown != seen.shown and (now.version, now.supply_version) >= (seen.version, seen.supply_version)


def _told(count: Count) -> bytes:
    data = LotCount.of(count).model_dump_json().encode()
    return event(b"lot", f"{count.version}.{count.supply_version}", data)


async def photo(db: Database, smaller: photos.Smaller, listing_id: UUID, photo_id: UUID, size: Size) -> bytes:
    """The JPEG, while its lot is on the board. Raises NotFound."""
    async with db.reading() as session:
        listing = await find(session, listing_id)
        stored = await photos.stored(session, listing.id, photo_id, size)
    return await smaller.of(db, photo_id) if stored is None else stored
