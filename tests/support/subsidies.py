"""A subsidised world for tests: a carrier with claimed shipments, an officer with programmes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx

from chassis.db import Database
from contracts.matches import MatchEvent
from tests.support.logistics import agreed, hear
from tests.support.services import Issuer

RATE_FEN = 200
LONG_AGO = datetime(2026, 11, 22, 4, tzinfo=UTC)
_numbers = count(1)


def programme(**changes: Any) -> dict[str, Any]:
    """CNY 2 a parcel, active now, with money for ten parcels."""
    now = datetime.now(UTC)
    return {
        "name": "爱心助农",
        "funder": "平台",
        "kind": "courier_parcel",
        "budget_fen": 10 * RATE_FEN,
        "rate_fen": RATE_FEN,
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(days=30)).isoformat(),
        **changes,
    }


def waybill() -> str:
    """A waybill that nobody has used."""
    return f"SF{next(_numbers):010d}"


class Courier:
    """A carrier, and what it does with parcels."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
        self.client = client
        self.db = db
        self.account_id = uuid4()
        self.headers = issuer.caller("carrier", self.account_id)

    async def claimed(self, **match: Any) -> MatchEvent:
        """A match whose shipment this carrier has claimed."""
        made = agreed(**match)
        await hear(self.db, made)
        shipments = (await self.client.get("/v1/shipments?status=open&limit=500", headers=self.headers)).json()["items"]
        (mine,) = [each for each in shipments if each["match_id"] == str(made.match_id)]
        answer = await self.client.post(f"/v1/shipments/{mine['id']}/claim", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return made

    async def shipment_of(self, match: MatchEvent) -> str:
        """Where the shipment of a match is."""
        shipments = (await self.client.get("/v1/shipments?limit=500", headers=self.headers)).json()["items"]
        (mine,) = [each for each in shipments if each["match_id"] == str(match.match_id)]
        return f"/v1/shipments/{mine['id']}"

    async def fetches(self, match: MatchEvent, at: datetime | None = None, **said: Any) -> None:
        """Tells that it picked up the goods of a match."""
        report = {"type": "picked_up", "at": (at or datetime.now(UTC)).isoformat(), **said}
        url = f"{await self.shipment_of(match)}/events"
        answer = await self.client.post(url, json=report, headers=self.headers)
        assert answer.status_code == 200, answer.text

    def parcel(self, match: MatchEvent, **changes: Any) -> dict[str, Any]:
        return {
            "waybill": waybill(),
            "match_id": str(match.match_id),
            "weight_g": 1000,
            "recipient_adcode": "320102",
            **changes,
        }

    async def send(self, parcels: Iterable[dict[str, Any]]) -> httpx.Response:
        return await self.client.post("/v1/parcels", json=list(parcels), headers=self.headers)

    async def register(self, *parcels: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.send(parcels)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def tell(self, *scans: tuple[str, str], at: datetime = LONG_AGO) -> list[str]:
        """Scans as (waybill, type); the statuses that were answered."""
        said = {"at": at.isoformat(), "adcode": "320102"}
        body = [{"waybill": number, "type": kind, **said} for number, kind in scans]
        answer = await self.client.post("/v1/parcels/scans", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return [item["status"] for item in answer.json()["items"]]

    async def read(self, number: str) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/parcels/{number}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        parcel: dict[str, Any] = answer.json()
        return parcel


class Office:
    """A programme officer, and what they see of their programmes."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        self.client = client
        self.headers = issuer.caller("programme_officer")

    async def open(self, **changes: Any) -> str:
        answer = await self.client.post("/v1/programmes", json=programme(**changes), headers=self.headers)
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made

    async def read(self, programme_id: str | UUID, under: str = "") -> dict[str, Any]:
        answer = await self.client.get(f"/v1/programmes/{programme_id}{under}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def money(self, programme_id: str) -> tuple[int, int, int]:
        """Available, reserved and posted, which make up the budget on every read."""
        shown = await self.read(programme_id)
        assert balances(shown)
        return shown["available_fen"], shown["reserved_fen"], shown["posted_fen"]

    async def kinds(self, programme_id: str) -> list[str]:
        """What happened to the fund, in order."""
        return [item["kind"] for item in (await self.read(programme_id, "/transfers?limit=500"))["items"]]


def balances(shown: dict[str, Any]) -> bool:
    parts = ("available_fen", "reserved_fen", "posted_fen", "paid_fen")
    return shown["budget_fen"] == sum(shown[part] for part in parts) and min(shown[part] for part in parts) >= 0
