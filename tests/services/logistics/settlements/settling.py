"""An officer who settles with a carrier, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.subsidies import LONG_AGO, Courier, Office


def today() -> str:
    return (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()


class Settling:
    """An officer who settles a programme with a carrier."""

    def __init__(self, office: Office, courier: Courier, fund: str) -> None:
        self.office, self.courier, self.fund = office, courier, fund
        self.client = office.client

    async def asks(self, **changes: Any) -> httpx.Response:
        body = {"programme_id": self.fund, "carrier_id": str(self.courier.account_id), "from": today(), "to": today()}
        body = {name: value for name, value in (body | changes).items() if value is not None}
        return await self.client.post("/v1/settlements", json=body, headers=self.office.headers)

    async def freezes(self, **changes: Any) -> dict[str, Any]:
        answer = await self.asks(**changes)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def pays(self, settlement: dict[str, Any], reference: str = "B-1") -> httpx.Response:
        url = f"/v1/settlements/{settlement['id']}/pay"
        return await self.client.post(url, json={"reference": reference}, headers=self.office.headers)

    async def reads(self, settlement: dict[str, Any], query: str = "", **headers: str) -> httpx.Response:
        url = f"/v1/settlements/{settlement['id']}{query}"
        return await self.client.get(url, headers=self.office.headers | headers)

    async def delivers(self, count: int, *, fetched: bool = False, **changes: Any) -> list[dict[str, Any]]:
        """So many parcels of orders of their own, registered and brought; the carrier may tell that it fetched them."""
        match = await self.courier.claimed()
        if fetched:
            await self.courier.fetches(match)
        orders = [f"{match.match_id} {number}" for number in range(count)]
        parcels = [self.courier.parcel(match, **{"order_ref": each, **changes}) for each in orders]
        await self.courier.register(*parcels)
        brought_at = datetime.now(UTC) if fetched else LONG_AGO
        await self.courier.tell(*((each["waybill"], "delivered") for each in parcels), at=brought_at)
        return parcels
