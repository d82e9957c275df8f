"""The worker, whole: it hears of matches, tells of shipments, plans routes, and leaves nothing running."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import httpx
import pytest
from sqlalchemy import func, update

from chassis.db import Database
from chassis.outbox import to_record
from chassis.transport.postgres import PostgresTransport
from contracts.shipments import ShipmentEvent
from services.logistics import worker as wiring
from services.logistics.shipments.models import Shipment
from services.logistics.worker import create_logistics_worker
from tests.support.logistics import agreed, van
from tests.support.services import Issuer, event_of


@pytest.fixture
async def transport(postgres_url: str) -> AsyncIterator[PostgresTransport]:
    async with PostgresTransport(postgres_url) as made:
        yield made


@pytest.fixture
async def working(db: Database, transport: PostgresTransport, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(wiring, "CANCEL_EVERY_S", 0.2)
    running = asyncio.create_task(create_logistics_worker(db, transport).run())
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("working")
async def test_from_a_match_to_a_route_and_to_the_cancellation_of_what_nobody_fetched(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, transport: PostgresTransport
) -> None:
    carrier = issuer.caller("carrier")
    await transport.publish([to_record(agreed(), "/test")])

    async def is_open() -> bool:
        return bool((await client.get("/v1/shipments", headers=carrier)).json()["items"])

    await eventually(is_open)
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=carrier)).json()["id"]
    wanted = {"adcode": "321323", "vehicle_ids": [vehicle], "limit_s": 0.5}
    plan = (await client.post("/v1/routes", json=wanted, headers=carrier)).json()["id"]

    async def is_planned() -> bool:
        status = (await client.get(f"/v1/routes/{plan}", headers=carrier)).json()["status"]
        assert status in {"planning", "planned"}
        return bool(status == "planned")

    await eventually(is_planned)
    async with db.transaction() as session:
        await session.execute(update(Shipment).values(leave_by=func.now()))
    told: list[str] = []
    async with asyncio.timeout(60), aclosing(transport.consume("test", [ShipmentEvent.TOPIC])) as batches:
        async for batch in batches:
            told += [event_of(record).TYPE for record in batch.records]
            if len(told) == 2:
                break
    assert told == ["duijie.shipment.opened", "duijie.shipment.cancelled"]
    assert not await is_open()
