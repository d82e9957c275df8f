"""An account that was erased: what was agreed is carried, but no carrier is told where it lives before it has to go
there."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from catalogue import places
from chassis.db import Database
from contracts.accounts import AccountErased
from contracts.listings import Place
from contracts.matches import MatchEvent
from services.logistics.feed.models import FEED
from services.logistics.worker import SUBSCRIPTIONS
from tests.support.logistics import NANJING, SIYANG, agreed, hear
from tests.support.services import Issuer


def seat(place: Place) -> dict[str, Any]:
    located = places.point_of(place.adcode)
    assert located is not None
    return {"adcode": place.adcode, "lon": located.point.lon, "lat": located.point.lat}


FARM, SHOP = SIYANG.model_dump(), NANJING.model_dump()
AFTER = {"producer": (seat(SIYANG), SHOP), "buyer": (FARM, seat(NANJING))}


async def erase(db: Database, account_id: UUID) -> None:
    async with db.transaction() as session:
        for subscription in SUBSCRIPTIONS:
            if subscription.topic == AccountErased.TOPIC:
                await subscription.handle(session, [AccountErased(account_id=account_id, version=2, role="producer")])


def ends(shipment: dict[str, Any]) -> tuple[Any, Any]:
    return shipment["origin"], shipment["destination"]


async def only(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> dict[str, Any]:
    (item,) = (await client.get(path, headers=headers)).json()["items"]
    found: dict[str, Any] = item
    return found


async def told(client: httpx.AsyncClient, db: Database, headers: dict[str, str]) -> dict[str, Any]:
    """The last that every carrier was told of."""
    while await FEED.append_batch(db):
        pass
    page = (await client.get("/v1/feed/shipments/open", headers=headers)).json()
    last: dict[str, Any] = page["items"][-1]["shipment"]
    return last


@pytest.mark.parametrize("side", ["producer", "buyer"])
async def test_what_nobody_has_claimed_shows_carriers_the_county_of_who_was_erased(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, side: str
) -> None:
    match = agreed()
    await hear(db, match)
    carrier, rival = issuer.caller("carrier"), issuer.caller("carrier")
    await erase(db, getattr(match, f"{side}_id"))
    shipment = await only(client, "/v1/shipments", carrier)
    path = f"/v1/shipments/{shipment['id']}"
    read = (await client.get(path, headers=carrier)).json()
    assert [ends(shipment), ends(read)] == [AFTER[side]] * 2

    claimed = (await client.post(f"{path}/claim", headers=carrier)).json()
    mine = await only(client, "/v1/shipments", carrier)
    assert [ends(claimed), ends(mine)] == [(FARM, SHOP)] * 2, "who has to go there is told"
    assert ends(await told(client, db, rival)) == AFTER[side], "and nobody else"
    released = (await client.post(f"{path}/release", headers=carrier)).json()
    assert [ends(released), ends(await told(client, db, rival))] == [AFTER[side]] * 2


async def test_others_and_the_two_sides_see_it_as_before(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    gone, other = agreed(), agreed()
    await hear(db, gone, other)
    await erase(db, gone.producer_id)
    buyer = issuer.caller("platform", gone.buyer_id)
    assert ends(await only(client, "/v1/shipments", buyer)) == (FARM, SHOP)
    items = (await client.get("/v1/shipments", headers=issuer.caller("carrier"))).json()["items"]
    assert [ends(each) for each in items if each["match_id"] == str(other.match_id)] == [(FARM, SHOP)]


async def test_an_agreement_that_is_heard_of_after_the_erasure_is_offered_by_county(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match: MatchEvent = agreed()
    await erase(db, match.producer_id)
    await hear(db, match)
    assert ends(await told(client, db, issuer.caller("carrier"))) == AFTER["producer"]
