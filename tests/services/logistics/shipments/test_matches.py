"""Shipments follow the matches: opened once, cancelled when released, and never left behind."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, update

from chassis.db import Database
from chassis.inbox import Consumer
from chassis.outbox import to_record
from chassis.tables import INBOX
from chassis.transport.base import Batch
from contracts.listings import Place
from contracts.matches import MatchAgreed, MatchFulfilled, MatchProposed, MatchReleased
from contracts.shipments import ShipmentCancelled, ShipmentDelivered, ShipmentOpened
from services.logistics.shipments.handlers import SUBSCRIPTIONS
from services.logistics.shipments.models import HANDLING, ReleasedMatch, Shipment, last_departure
from services.logistics.shipments.service import cancel_overdue, forget_released
from tests.support.logistics import agreed, hear, later
from tests.support.services import Issuer, told


async def only_shipment(client: httpx.AsyncClient, caller: dict[str, str]) -> dict[str, str]:
    (item,) = (await client.get("/v1/shipments", headers=caller)).json()["items"]
    shipment: dict[str, str] = item
    return shipment


async def overdue(db: Database, by: timedelta) -> None:
    """Move the last departure of every shipment into the past, as if that long had gone by since."""
    async with db.transaction() as session:
        await session.execute(update(Shipment).values(leave_by=func.now() - by))


async def test_an_agreed_match_opens_one_shipment_however_often_it_is_told(db: Database) -> None:
    match = agreed()
    await hear(db, match)
    await hear(db, match, later(match, MatchAgreed))
    (event,) = await told(db)
    assert isinstance(event, ShipmentOpened)
    assert (event.match_id, event.quantity_g, event.status) == (match.match_id, 300_000, "open")


async def test_a_proposed_match_opens_none(db: Database) -> None:
    await hear(db, agreed(MatchProposed, status="proposed"))
    assert await told(db) == []


async def test_released_before_it_is_picked_up_it_is_cancelled(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match, carrier = agreed(), issuer.caller("carrier")
    await hear(db, match)
    shipment = await only_shipment(client, carrier)
    await client.post(f"/v1/shipments/{shipment['id']}/claim", headers=carrier)
    released = later(match, MatchReleased, status="released", reason="order_cancelled")
    await hear(db, released)
    await hear(db, released)
    assert (await only_shipment(client, carrier))["status"] == "cancelled"
    *_, event = await told(db)
    assert isinstance(event, ShipmentCancelled)
    assert len(await told(db)) == 3
    refused = await client.post(f"/v1/shipments/{shipment['id']}/claim", headers=carrier)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/shipment-not-open")


async def test_released_when_it_is_on_its_way_it_goes_on(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match, carrier = agreed(), issuer.caller("carrier")
    await hear(db, match)
    path = f"/v1/shipments/{(await only_shipment(client, carrier))['id']}"
    await client.post(f"{path}/claim", headers=carrier)
    picked_up = {"type": "picked_up", "at": datetime.now(UTC).isoformat()}
    assert (await client.post(f"{path}/events", headers=carrier, json=picked_up)).status_code == 200
    await hear(db, later(match, MatchReleased, status="released", reason="order_cancelled"))
    assert (await only_shipment(client, carrier))["status"] == "picked_up"


@pytest.mark.parametrize("together", [True, False])
async def test_an_agreement_that_comes_after_the_release_opens_nothing_to_carry(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, together: bool
) -> None:
    match = agreed()
    released = later(match, MatchReleased, status="released", reason="expired")
    if together:
        await hear(db, released, match)
    else:
        await hear(db, released)
        await hear(db, match)
    assert (await client.get("/v1/shipments", headers=issuer.caller("carrier"))).json()["items"] == []


async def test_a_release_is_remembered_for_as_long_as_its_agreement_may_come(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    """By the time of the newest event that was heard, so that one who was away for months forgets nothing."""
    old, young = agreed(), agreed()
    for match in (old, young):
        await hear(db, later(match, MatchReleased, status="released", reason="expired"))
    for match, days in ((old, 331), (young, 329)):
        ago = func.now() - timedelta(days=days)
        async with db.transaction() as session:
            await session.execute(
                update(ReleasedMatch).where(ReleasedMatch.match_id == match.match_id).values(released_at=ago)
            )
    assert await forget_released(db) == 0, "nothing was noted in the inbox yet"
    async with db.transaction() as session:
        newest = func.now() - timedelta(days=300)
        await session.execute(insert(INBOX).values(consumer="logistics", event_id=uuid4(), received_at=newest))
    assert await forget_released(db) == 1
    await hear(db, young)
    assert (await client.get("/v1/shipments", headers=issuer.caller("carrier"))).json()["items"] == []


async def test_a_match_fulfilled_by_its_parcels_leaves_nothing_to_carry(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match, carrier = agreed(), issuer.caller("carrier")
    await hear(db, match)
    path = f"/v1/shipments/{(await only_shipment(client, carrier))['id']}"
    await client.post(f"{path}/claim", headers=carrier)
    await hear(db, later(match, MatchFulfilled, status="fulfilled"))
    assert (await only_shipment(client, carrier))["status"] == "delivered"
    assert isinstance((await told(db))[-1], ShipmentDelivered)
    count = len(await told(db))
    for kind in ("picked_up", "delivered"):  # the carrier's own word comes after that of its parcels
        said = {"type": kind, "at": datetime.now(UTC).isoformat()}
        answer = await client.post(f"{path}/events", headers=carrier, json=said)
        assert (answer.status_code, answer.json()["status"]) == (200, "delivered")
    assert len(await told(db)) == count
    await overdue(db, timedelta(hours=1))
    assert await cancel_overdue(db) == 0


async def test_the_fulfilment_that_follows_a_delivery_is_no_news(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match, carrier = agreed(), issuer.caller("carrier")
    await hear(db, match)
    path = f"/v1/shipments/{(await only_shipment(client, carrier))['id']}"
    await client.post(f"{path}/claim", headers=carrier)
    for kind in ("picked_up", "delivered"):
        said = {"type": kind, "at": datetime.now(UTC).isoformat()}
        await client.post(f"{path}/events", headers=carrier, json=said)
    count = len(await told(db))
    await hear(db, later(match, MatchFulfilled, status="fulfilled"))
    assert len(await told(db)) == count


async def test_what_can_no_longer_arrive_fresh_is_cancelled(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    carrier = issuer.caller("carrier")
    await hear(db, agreed())
    assert await cancel_overdue(db) == 0
    await overdue(db, timedelta(seconds=1))
    shipment = await only_shipment(client, carrier)
    late = await client.post(f"/v1/shipments/{shipment['id']}/claim", headers=carrier)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/shipment-not-open")
    assert (await cancel_overdue(db), await cancel_overdue(db)) == (1, 0)
    *_, event = await told(db)
    assert isinstance(event, ShipmentCancelled)
    assert (await client.get("/v1/shipments", headers=carrier)).json()["items"] == []


async def test_what_was_picked_up_in_time_is_not_cancelled(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    carrier = issuer.caller("carrier")
    await hear(db, agreed())
    path = f"/v1/shipments/{(await only_shipment(client, carrier))['id']}"
    await client.post(f"{path}/claim", headers=carrier)
    said = {"type": "picked_up", "at": datetime.now(UTC).isoformat()}
    await client.post(f"{path}/events", headers=carrier, json=said)
    await overdue(db, timedelta(hours=1))
    assert await cancel_overdue(db) == 0


async def test_a_place_without_a_point_is_the_seat_of_its_county(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    await hear(db, agreed(origin=Place(adcode="321323")))
    origin = (await client.get("/v1/shipments", headers=issuer.caller("carrier"))).json()["items"][0]["origin"]
    assert (round(origin["lon"], 2), round(origin["lat"], 2)) == (118.70, 33.72)


async def test_a_match_of_no_known_place_is_set_aside_and_the_others_are_opened(db: Database) -> None:
    nowhere, match = agreed(origin=Place(adcode="999999")), agreed()

    class Once:
        """A transport that has these two records and then no more."""

        async def consume(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
            async def acknowledge() -> None:
                return None

            yield Batch(tuple(to_record(each, "/test") for each in (nowhere, match)), acknowledge)

    await Consumer("logistics", db, Once(), SUBSCRIPTIONS).run()  # type: ignore[arg-type]
    dead = [event for event in await told(db) if isinstance(event, MatchAgreed)]
    opened = [event.match_id for event in await told(db) if isinstance(event, ShipmentOpened)]
    assert ([each.match_id for each in dead], opened) == ([nowhere.match_id], [match.match_id])


@given(life_h=st.integers(0, 500), distance_m=st.integers(0, 6_000_000), spoils_in_h=st.integers(0, 2000))
def test_who_leaves_at_the_last_moment_arrives_just_as_fresh_as_agreed(
    life_h: int, distance_m: int, spoils_in_h: int
) -> None:
    spoils_at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=spoils_in_h)
    leaves_at = last_departure(spoils_at, life_h, distance_m)
    arrives_at = leaves_at + HANDLING + timedelta(hours=distance_m / 1000 / 60)
    assert abs(spoils_at - arrives_at - timedelta(hours=life_h)) < timedelta(milliseconds=1)
