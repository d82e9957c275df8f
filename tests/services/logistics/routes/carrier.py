"""A carrier who asks for routes, and what there is to carry, for tests."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from catalogue.days import CHINA
from contracts.listings import Place
from tests.support.logistics import agreed, van

TOMORROW_8 = (datetime.now(CHINA) + timedelta(days=1)).replace(hour=8, minute=0)


class Carrier:
    """A carrier with one van, and what it may carry."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers
        self.van = ""

    async def buys(self, **changes: Any) -> str:
        answer = await self.client.post("/v1/vehicles", json=van(**changes), headers=self.headers)
        vehicle_id: str = answer.json()["id"]
        return vehicle_id

    async def shipments(self) -> list[str]:
        items = (await self.client.get("/v1/shipments?limit=500", headers=self.headers)).json()["items"]
        return [item["id"] for item in items]

    async def asks(self, **wanted: Any) -> httpx.Response:
        body = {"vehicle_ids": [self.van], "depart_at": TOMORROW_8.isoformat(), "limit_s": 1, **wanted}
        body = {name: value for name, value in body.items() if value is not None}
        return await self.client.post("/v1/routes", json=body, headers=self.headers)

    async def reads(self, plan_id: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/v1/routes/{plan_id}", headers=self.headers | headers)


def county(lots: int, seed: int = 7) -> list[Any]:
    """Lots of one county for buyers in the next city."""
    dice, good_until = Random(seed), datetime.now(UTC) + timedelta(days=5)
    return [
        agreed(
            quantity_g=dice.randrange(50_000, 200_000),
            origin=Place(adcode="321323", lon=118.69 + dice.uniform(-0.2, 0.2), lat=33.72 + dice.uniform(-0.2, 0.2)),
            destination=Place(adcode="321302", lon=118.30 + dice.uniform(-0.05, 0.05), lat=33.96),
            distance_m=60_000,
            spoils_at=good_until,
            deliver_by=good_until,
        )
        for _ in range(lots)
    ]
