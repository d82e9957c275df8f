"""Two officers, one of whom asks for a change and the other decides it; and time that passes for programmes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from chassis.db import Database
from contracts.programmes import (
    ProgrammeEvent,
)
from tests.support.services import Issuer, told


class Officers:
    """Two of them, and a programme."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, fund: str) -> None:
        self.client, self.fund = client, fund
        self.first, self.second = issuer.caller("programme_officer"), issuer.caller("programme_officer")

    async def ask(self, kind: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post(f"/v1/programmes/{self.fund}/{kind}", json=body or {}, headers=self.first)

    async def decide(
        self, approval_id: str, decision: str = "approve", who: dict[str, str] | None = None
    ) -> httpx.Response:
        url = f"/v1/programmes/{self.fund}/approvals/{approval_id}"
        return await self.client.post(url, json={"decision": decision}, headers=who or self.second)

    async def change(self, kind: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asked for and approved."""
        asked = await self.ask(kind, body)
        assert asked.status_code == 202, asked.text
        assert asked.json()["status"] == "pending"
        answer = await self.decide(asked.json()["approval_id"])
        assert answer.status_code == 200, answer.text
        approval: dict[str, Any] = answer.json()
        assert approval["status"] == "approved"
        return approval


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def an_hour_passes(db: Database) -> None:
    """For programmes and their rules, however long the test itself took."""
    async with db.transaction() as session:
        await session.execute(text("UPDATE programmes SET starts_at = starts_at - interval '1 hour'"))
        await session.execute(text("UPDATE programme_rules SET effective_at = effective_at - interval '1 hour'"))


async def events(db: Database) -> list[type[ProgrammeEvent]]:
    return [type(each) for each in await told(db) if isinstance(each, ProgrammeEvent)][1:]
