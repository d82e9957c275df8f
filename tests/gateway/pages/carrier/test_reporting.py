"""What a carrier sees of others' loads, and tells of its own: once, however often it is sent."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.gateway.pages.carrier.test_carrier import CARRIER, OWN, a_shipment, a_van
from tests.gateway.pages.played import Asked, Played

FAILED, OPEN = (f"01900000-0000-7000-8000-00000000000{each}" for each in (2, 1))
EVENTS = f"/v1/shipments/{OWN}/events"


@pytest.fixture
def logistics() -> Played:
    played = Played()
    played.say(f"/v1/shipments/{OWN}", a_shipment(OWN, "321323", CARRIER, status="picked_up"))
    played.say(EVENTS, {"items": [], "next": None})
    played.say("/v1/vehicles", {"items": [a_van()], "next": None})
    played.say("/v1/routes", {"items": [], "next": None})
    played.say("/v1/parcels", {"items": [], "next": None})
    return played


def the_shipments(logistics: Played, *items: dict[str, Any]) -> None:
    """As the service lists them: the newest first, of one status, behind a cursor."""

    def listed(asked: Asked) -> dict[str, Any]:
        status, limit = asked.query.get("status", [""])[0], int(asked.query["limit"][0])
        after = asked.query.get("after", ["~"])[0]
        its = [each for each in items if each["status"] == status and each["id"] < after]
        newest = sorted(its, key=lambda each: str(each["id"]), reverse=True)
        return {"items": newest[:limit], "next": newest[limit - 1]["id"] if len(newest) > limit else None}

    logistics.say("/v1/shipments", listed)


def a_report(**changes: Any) -> dict[str, Any]:
    said = {"type": "delivered", "at": "2026-11-29T00:00:00Z", "weight_kg": 1198.5, "reason": None}
    return said | {"carrier_id": str(CARRIER), "recorded_at": said["at"]} | changes


@pytest.mark.parametrize(
    ("recorded", "status"),
    [(a_report(), 303), (a_report(type="picked_up"), 422), (a_report(carrier_id=str(uuid4())), 422)],
    ids=["the same", "another", "another carrier's"],
)
async def test_a_report_that_is_sent_twice_was_recorded_once_and_is_no_refusal(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, recorded: dict[str, Any], status: int
) -> None:
    logistics.refuse(EVENTS, "idempotency-key-reused", 422)
    logistics.say(EVENTS, {"items": [a_report(type="picked_up", weight_kg=None), recorded], "next": None})
    form = {"type": "delivered", "weight_kg": "1,198.5", "key": "k"}
    again = await client.post(f"/carrier/shipments/{OWN}/events", data=form, headers=carrier)
    assert again.status_code == status


async def test_what_another_carrier_failed_with_is_offered_beside_what_is_open(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    theirs = a_shipment(FAILED, "321323", uuid4(), status="failed")
    mine = a_shipment(OWN, "321323", CARRIER, status="failed")
    the_shipments(logistics, theirs, mine, a_shipment(OPEN, "110101"))
    page = (await client.get("/carrier", headers=carrier)).text
    own, offered = page.split("Open, the nearest first")
    assert (f"shipments/{OWN}" in own, f"shipments/{FAILED}" in own) == (True, False)
    for shipment_id in (FAILED, OPEN):
        assert f'action="/carrier/shipments/{shipment_id}/claim"' in offered
    assert f"shipments/{OWN}" not in offered
    routes = (await client.get("/carrier/routes", headers=carrier)).text
    assert f'name="shipment" value="{FAILED}"' in routes


async def test_only_of_what_is_under_way_there_is_something_to_report(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    under_way = a_shipment(OWN, "321323", CARRIER)
    the_shipments(logistics, under_way, a_shipment(FAILED, "321323", CARRIER, status="failed"))
    page = (await client.get("/carrier", headers=carrier)).text
    assert re.findall(r'class="button" href="/carrier/shipments/([^"]+)">Report<', page) == [OWN]


async def test_ones_own_failed_load_is_found_behind_however_many_of_others(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    others = (a_shipment(f"f{at:03}", "110101", uuid4(), status="failed") for at in range(600))
    the_shipments(logistics, *others, a_shipment("0-mine", "321323", CARRIER, status="failed"))
    page = (await client.get("/carrier", headers=carrier)).text
    assert "shipments/0-mine" in page[page.index("Yours") : page.index(">Open<")]


async def test_open_and_failed_ones_are_paged_as_one_list(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    ids = [f"{at:03}" for at in range(110)]
    failed = {"status": "failed", "carrier_id": str(uuid4())}
    the_shipments(logistics, *(a_shipment(each, "110101", **(failed if int(each) % 3 else {})) for each in ids))
    seen: list[str] = []
    address: str | None = "/carrier"
    while address is not None:
        page = (await client.get(address, headers=carrier)).text
        seen += [each for each in ids if f'action="/carrier/shipments/{each}/claim"' in page]
        address = next(iter(re.findall(r'rel="next" href="([^"]*)"', page)), None)
    assert sorted(seen) == ids


@pytest.mark.parametrize(("status", "slug"), [(429, "too-many-requests"), (500, "internal")])
async def test_a_waybill_that_cant_be_looked_up_is_not_said_to_be_anothers(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, status: int, slug: str
) -> None:
    logistics.refuse("/v1/parcels/SF1", slug, status, method="GET")
    page = await client.get("/carrier/parcels", params={"waybill": "SF1"}, headers=carrier)
    assert page.status_code == status
    assert f"because {slug}" in page.text
    assert "You have no parcel" not in page.text


async def test_routes_of_tomorrow_are_not_said_to_be_todays(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    the_shipments(logistics)
    plan = {"id": OWN, "status": "planned", "depart_at": "2126-11-29T00:00:00Z", "vehicles": [], "unassigned": []}
    logistics.say("/v1/routes", {"items": [plan], "next": None})
    page = (await client.get("/carrier/routes", headers=carrier)).text
    assert page.index("<h2>Routes of today and later</h2>") < page.index(f"/carrier/routes/{OWN}")
