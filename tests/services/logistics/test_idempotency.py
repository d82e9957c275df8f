"""Every POST of the logistics service under an Idempotency-Key: one effect, one answer, one caller's own."""

import asyncio
import hashlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from chassis.auth import verify
from chassis.db import Database
from contracts.parcels import ParcelRegistered
from tests.services.logistics.settlements.settling import Settling
from tests.support.logistics import agreed, hear, van
from tests.support.services import Issuer, told
from tests.support.subsidies import Courier, Office, programme

KEY = {"Idempotency-Key": "this morning"}


class Call:
    """One POST: `body` is what it does, `other` another valid body."""

    def __init__(self, path: str, headers: dict[str, str], body: Any, other: Any) -> None:
        self.path, self.headers, self.body, self.other = path, headers, body, other


async def vehicle(courier: Courier, office: Office) -> Call:
    return Call("/v1/vehicles", courier.headers, van(), van(name="another"))


async def opened_programme(courier: Courier, office: Office) -> Call:
    return Call("/v1/programmes", office.headers, programme(), programme(name="another"))


async def route(courier: Courier, office: Office) -> Call:
    made = await courier.client.post("/v1/vehicles", json=van(), headers=courier.headers)
    body = {"vehicle_ids": [made.json()["id"]], "adcode": "32"}
    return Call("/v1/routes", courier.headers, body, body | {"limit_s": 1})


async def parcels(courier: Courier, office: Office) -> Call:
    match = await courier.claimed()
    return Call("/v1/parcels", courier.headers, [courier.parcel(match)], [courier.parcel(match)])


async def scans(courier: Courier, office: Office) -> Call:
    parcel = courier.parcel(await courier.claimed())
    await courier.register(parcel)
    scan = {"waybill": parcel["waybill"], "type": "accepted", "at": "2026-11-22T04:00:00Z", "adcode": "320102"}
    return Call("/v1/parcels/scans", courier.headers, [scan], [scan | {"type": "delivered"}])


async def report(courier: Courier, office: Office) -> Call:
    await courier.claimed()
    (shipment,) = (await courier.client.get("/v1/shipments", headers=courier.headers)).json()["items"]
    body = {"type": "picked_up", "at": shipment["ready_at"]}
    return Call(f"/v1/shipments/{shipment['id']}/events", courier.headers, body, body | {"weight_kg": 1})


async def topup(courier: Courier, office: Office) -> Call:
    fund = await office.open()
    return Call(f"/v1/programmes/{fund}/topup", office.headers, {"amount_fen": 5}, {"amount_fen": 6})


async def settlement(courier: Courier, office: Office) -> Call:
    settling = Settling(office, courier, await office.open())
    await settling.delivers(1)
    body = {"programme_id": settling.fund, "carrier_id": str(courier.account_id), "from": "2026-11-01"}
    return Call("/v1/settlements", office.headers, body | {"to": "2099-11-30"}, body | {"to": "2099-11-29"})


CALLS: list[Callable[[Courier, Office], Awaitable[Call]]] = [
    vehicle,
    opened_programme,
    route,
    parcels,
    scans,
    report,
    topup,
    settlement,
]


@pytest.fixture(params=CALLS, ids=lambda make: make.__name__)
async def call(request: pytest.FixtureRequest, courier: Courier, office: Office) -> Call:
    made: Call = await request.param(courier, office)
    return made


async def send(client: httpx.AsyncClient, call: Call, body: Any = None, **headers: str) -> httpx.Response:
    return await client.post(call.path, json=body or call.body, headers=call.headers | headers)


async def test_a_repeat_gets_the_first_answer_byte_for_byte_and_does_nothing(
    client: httpx.AsyncClient, call: Call, db: Database
) -> None:
    first = await send(client, call, **KEY)
    assert first.status_code in {200, 201, 202}, first.text
    assert "idempotent-replayed" not in first.headers
    events = len(await told(db))
    for _ in range(2):
        again = await send(client, call, **KEY)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers.get("etag") == first.headers.get("etag")
        assert again.headers["idempotent-replayed"] == "true"
    assert len(await told(db)) == events


async def test_the_key_is_not_for_another_body(client: httpx.AsyncClient, call: Call, db: Database) -> None:
    assert (await send(client, call, **KEY)).is_success
    events = len(await told(db))
    other = await send(client, call, call.other, **KEY)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(await told(db)) == events


async def test_while_the_first_request_runs_a_second_is_told_to_wait(
    client: httpx.AsyncClient, call: Call, db: Database, issuer: Issuer
) -> None:
    caller = await verify(call.headers["Authorization"].split()[1], issuer.keys)
    digest = hashlib.sha256(f"{caller.account_id}\0{KEY['Idempotency-Key']}".encode()).digest()
    async with db.transaction() as another:
        await another.scalar(select(func.pg_advisory_xact_lock(struct.unpack(">q", digest[:8])[0])))
        events = len(await told(db))
        waits = await send(client, call, **KEY)
        assert (waits.status_code, waits.json()["type"]) == (409, "/problems/still-running")
        assert waits.headers["retry-after"] == "1"
        assert len(await told(db)) == events
    assert (await send(client, call, **KEY)).is_success


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_1_to_255_characters(client: httpx.AsyncClient, call: Call, key: str) -> None:
    refused = await send(client, call, **{"Idempotency-Key": key})
    assert refused.status_code == 422, refused.text
    assert (await send(client, call, **{"Idempotency-Key": "x" * 255})).is_success


async def test_of_many_at_once_with_one_key_one_has_an_effect(
    client: httpx.AsyncClient, courier: Courier, db: Database
) -> None:
    body = [courier.parcel(await courier.claimed())]

    async def until_answered() -> httpx.Response:
        while True:
            answer = await client.post("/v1/parcels", json=body, headers=courier.headers | KEY)
            if answer.status_code != 409:
                return answer
            await asyncio.sleep(0.01)

    answers = await asyncio.gather(*(until_answered() for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(isinstance(event, ParcelRegistered) for event in await told(db)) == 1


async def test_two_carriers_with_one_key_make_two_requests(courier: Courier, issuer: Issuer, db: Database) -> None:
    rival = Courier(courier.client, issuer, db)
    answers = [
        await each.client.post("/v1/parcels", json=[each.parcel(await each.claimed())], headers=each.headers | KEY)
        for each in (courier, rival)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content != answers[1].content


async def test_a_refusal_is_not_remembered(courier: Courier, db: Database) -> None:
    match = agreed()
    await hear(db, match)
    (shipment,) = (await courier.client.get("/v1/shipments", headers=courier.headers)).json()["items"]
    body, headers = [courier.parcel(match)], courier.headers | KEY
    assert (await courier.client.post("/v1/parcels", json=body, headers=headers)).status_code == 404
    await courier.client.post(f"/v1/shipments/{shipment['id']}/claim", headers=courier.headers)
    accepted = await courier.client.post("/v1/parcels", json=body, headers=headers)
    assert accepted.status_code == 200, accepted.text
    assert "idempotent-replayed" not in accepted.headers


async def test_without_a_key_a_vehicle_sent_twice_is_two(courier: Courier) -> None:
    made = [await courier.client.post("/v1/vehicles", json=van(), headers=courier.headers) for _ in range(2)]
    assert made[0].json()["id"] != made[1].json()["id"]
