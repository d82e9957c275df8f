"""What happens to matches in these tests, and how an account reads of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel

from chassis.db import Database
from contracts.matches import ReleaseReason
from services.matching.feed.models import FEED
from services.matching.feed.service import Note, note_all
from tests.support.services import Issuer


class State(BaseModel):
    """A match as far as these tests look at it: the `step`-th event of match `id`."""

    id: int
    step: int = 1
    reason: ReleaseReason | None = None
    place: str = "泗阳 100% “红颜”"


def agreed(match: int, *accounts: UUID, step: int = 1) -> Note:
    return Note("match.agreed", State(id=match, step=step), accounts)


async def happen(db: Database, *notes: Note) -> None:
    """These, in one transaction."""
    async with db.transaction() as session:
        await note_all(session, notes)


async def append_all(db: Database) -> None:
    while await FEED.append_batch(db):
        pass


async def filled(db: Database, account: UUID, events: int) -> None:
    """So many events in the feed of the account."""
    await happen(db, *[agreed(number, account) for number in range(events)])
    await append_all(db)


@asynccontextmanager
async def appending(db: Database) -> AsyncIterator[asyncio.Task[None]]:
    """One more appender at work, cancelled at the end."""
    task = asyncio.create_task(FEED.keep_appending(db))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Subscriber:
    """An account that follows its feed page by page, as the surface says: `next` becomes `after`."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, account_id: UUID) -> None:
        self._client = client
        self.account_id = account_id
        self._headers = issuer.caller("platform", account_id)
        self.after = 0
        self.items: list[dict[str, Any]] = []

    async def turn(self, limit: int) -> int:
        """Take the next page; how many items it had."""
        page = (await self.page(self.after, limit)).json()
        self.items += page["items"]
        self.after = page["next"]
        return len(page["items"])

    async def read_on(self, limit: int = 500) -> "Subscriber":
        """Turn pages until there is nothing new."""
        while await self.turn(limit):
            pass
        return self

    async def page(self, after: int, limit: int) -> httpx.Response:
        answer = await self._client.get(
            "/v1/feed/matches", params={"after": after, "limit": limit}, headers=self._headers
        )
        assert answer.status_code == 200, answer.text
        return answer

    @property
    def seqs(self) -> list[int]:
        return [item["seq"] for item in self.items]

    @property
    def events(self) -> list[tuple[int, int]]:
        """Match and step of each item, in the order of the feed."""
        return [(item["match"]["id"], item["match"]["step"]) for item in self.items]


def is_gapless(seqs: Sequence[int]) -> bool:
    return list(seqs) == list(range(1, len(seqs) + 1))
