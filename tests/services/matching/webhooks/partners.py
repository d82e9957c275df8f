"""What partners do with webhooks in these tests, and the workers that send to them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from pydantic import BaseModel
from sqlalchemy import select, text, update

from chassis.db import Database
from chassis.outward import Outward
from contracts.matches import ReleaseReason
from services.matching.feed.service import Note
from services.matching.webhooks.delivering import Deliverer
from services.matching.webhooks.leasing import end_disabled
from services.matching.webhooks.models import Delivery
from services.matching.webhooks.retrying import Policy
from tests.services.matching.feed.happenings import append_all, happen
from tests.services.matching.scene import VAULT
from tests.support.services import Issuer

SOON = Policy(pauses_s=(0.01, 0.02, 0.03), jitter=lambda: 0.0)
"""Four tries within a tenth of a second."""
ALL_ENDED = text("SELECT bool_and(ended_at IS NOT NULL) FROM webhook_deliveries")


class Agreed(BaseModel):
    """A match as far as webhooks look at it."""

    id: UUID
    reason: ReleaseReason | None = None
    place: str = "泗阳 100% “红颜”"


def match_id(number: int) -> UUID:
    """Of the match that a partner's event of that number tells of."""
    return UUID(int=number)


@dataclass
class Partner:
    """An account with its webhooks, as it calls."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    account_id: UUID

    async def call(self, method: str, path: str = "", json: Any = None, **headers: str) -> httpx.Response:
        return await self.client.request(
            method, f"/v1/webhooks{path}", json=json, headers=self.headers | {"If-Match": "*"} | headers
        )

    async def register(self, url: str, *types: str) -> dict[str, Any]:
        answer = await self.call("POST", json={"url": url, "types": list(types)})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def read(self, webhook: dict[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = (await self.call("GET", f"/{webhook['id']}")).json()
        return read

    async def deliveries(self, webhook: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.call("GET", f"/{webhook['id']}/deliveries{query}")).json()["items"]
        return items


@dataclass
class Partners:
    db: Database
    client: httpx.AsyncClient
    issuer: Issuer

    def partner(self, role: Any = "platform") -> Partner:
        account_id = uuid4()
        return Partner(self.client, self.issuer.caller(role, account_id), account_id)

    async def events(self, partner: Partner, count: int, start: int = 1) -> None:
        """So many matches of theirs are agreed, and numbered."""
        agreed = [Agreed(id=match_id(number)) for number in range(start, start + count)]
        await happen(self.db, *[Note("match.agreed", each, [partner.account_id]) for each in agreed])
        await append_all(self.db)

    async def rows(self) -> Sequence[Delivery]:
        async with self.db.reading() as session:
            return (await session.scalars(select(Delivery).order_by(Delivery.endpoint_id, Delivery.seq))).all()

    async def end_leases(self) -> None:
        """A minute passes."""
        async with self.db.transaction() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            await session.execute(update(Delivery).where(Delivery.status == "sending").values(next_at=past))

    async def until_all_ended(self, within_s: float = 30.0) -> Sequence[Delivery]:
        """Wait until every delivery is delivered or dead."""
        async with asyncio.timeout(within_s):
            while True:
                async with self.db.at_once() as connection:
                    if await connection.scalar(ALL_ENDED):
                        return await self.rows()
                await end_disabled(self.db)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def sending(db: Database, workers: int = 1, **how: Any) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Workers that send, to addresses inside, too; cancelled at the end. Whatever failed in one is raised."""
    outward = how.pop("outward", None) or Outward(allow_private=True, within_s=how.pop("within_s", 15.0))
    how = {"policy": SOON, "poll_s": 0.02} | how
    tasks = [asyncio.create_task(Deliverer(db, VAULT, outward.post, **how).run()) for _ in range(workers)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await outward.aclose()
    failed = [each for each in ended if isinstance(each, Exception)]
    assert failed == []
