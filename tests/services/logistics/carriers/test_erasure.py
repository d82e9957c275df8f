"""A carrier that was erased: its vehicles get no more routes, and say nothing of it."""

from uuid import uuid4

import httpx
from sqlalchemy import select, text

from chassis.db import Database
from contracts.accounts import AccountErased
from services.logistics.carriers.models import Vehicle
from services.logistics.worker import SUBSCRIPTIONS, forget_erased
from tests.support.logistics import van
from tests.support.services import Issuer


async def test_vehicles_are_retired_and_their_names_and_depots_forgotten(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    gone, other = uuid4(), uuid4()
    for carrier_id in (gone, other):
        answer = await client.post(
            "/v1/vehicles",
            json=van(name="张三的货车 苏N12345", depot={"lon": 118.6912, "lat": 33.7234}),
            headers={**issuer.caller("carrier", carrier_id), "Idempotency-Key": "1"},
        )
        assert answer.status_code == 201
    for _ in range(2):
        async with db.transaction() as session:
            for subscription in SUBSCRIPTIONS:
                if subscription.topic == AccountErased.TOPIC:
                    await subscription.handle(session, [AccountErased(account_id=gone, version=2, role="carrier")])
        await forget_erased(db)
    async with db.reading() as session:
        columns = "carrier_id, retired, name, depot_lon, depot_lat, version"
        rows = {row[0]: tuple(row[1:]) for row in await session.execute(text(f"SELECT {columns} FROM vehicles"))}
        callers = (await session.scalars(text("SELECT caller FROM idempotency"))).all()
    assert rows[gone] == (True, "", 119.0, 34.0, 2)
    assert rows[other] == (False, "张三的货车 苏N12345", 118.6912, 33.7234, 1)
    assert callers == [str(other)]
    carrier = issuer.caller("carrier", gone)
    refused = await client.post("/v1/vehicles", json=van(), headers=carrier)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    async with db.reading() as session:
        vehicle_id = await session.scalar(select(Vehicle.id).where(Vehicle.carrier_id == gone))
    renamed = await client.patch(
        f"/v1/vehicles/{vehicle_id}", json={"name": "张三"}, headers=carrier | {"If-Match": '"2"'}
    )
    assert renamed.status_code == 401
    listed = await client.get("/v1/vehicles", headers=issuer.caller("admin"))
    assert listed.status_code == 200, "who oversees all of them still can"
