"""The carrier's pages: what is near comes first, and each form asks what the API takes."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from catalogue.days import CHINA
from gateway.pages.carrier.plans import next_departure
from tests.gateway.pages.played import Asked, Played

EN = {"Accept-Language": "en"}
CARRIER = uuid4()
FAR, NEAR, OWN, VAN, PLAN = (str(uuid4()) for _ in range(5))


def a_shipment(shipment_id: str, adcode: str, carrier_id: UUID | None = None, **changes: Any) -> dict[str, Any]:
    seats = {"321323": (118.7, 33.7), "110101": (116.4, 39.9), "320102": (118.8, 32.05)}
    origin, destination = (
        {"adcode": each, "lon": seats[each][0], "lat": seats[each][1]} for each in (adcode, "320102")
    )
    return {
        "id": shipment_id,
        "status": "claimed" if carrier_id else "open",
        "produce": "strawberry",
        "quantity_kg": 1200.5,
        "temperature_class": "chilled",
        "origin": origin,
        "destination": destination,
        "ready_at": "2026-11-29T00:00:00Z",
        "deliver_by": "2026-11-30T00:00:00Z",
        "spoils_at": "2026-12-01T00:00:00Z",
        "carrier_id": str(carrier_id) if carrier_id else None,
        **changes,
    }


def a_van(**changes: Any) -> dict[str, Any]:
    return {
        "id": VAN,
        "version": 2,
        "name": "苏N·12345",
        "capacity_kg": 1500,
        "temperature_classes": ["chilled"],
        "depot": {"lon": 118.7, "lat": 33.73},
        "shift": {"start": "06:00", "end": "22:00"},
        "cost_fen_per_km": 250,
        "retired": False,
        **changes,
    }


@pytest.fixture
def logistics() -> Played:
    played = Played()
    loads = [a_shipment(FAR, "110101"), a_shipment(NEAR, "321323"), a_shipment(OWN, "321323", CARRIER)]
    played.say("/v1/shipments", {"items": loads, "next": None})
    played.say(f"/v1/shipments/{OWN}", loads[-1])
    played.say(f"/v1/shipments/{OWN}/events", {"items": [], "next": None})
    played.say("/v1/vehicles", {"items": [a_van()], "next": None})
    played.say("/v1/routes", {"items": [], "next": None})
    return played


async def test_what_is_open_comes_the_nearest_to_the_depot_first(
    client: httpx.AsyncClient, carrier: dict[str, str]
) -> None:
    page = (await client.get("/carrier", headers=carrier)).text
    opened = page[page.index("Open, the nearest first") :]
    assert opened.index(f"shipments/{NEAR}/claim") < opened.index(f"shipments/{FAR}/claim")
    assert "1,200.5 kg" in page


async def test_how_far_away_it_is_is_told_from_the_nearest_depot_of_whichever_vehicle_in_service(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    beijing, siyang, retired = {"lon": 116.4, "lat": 39.95}, {"lon": 118.7, "lat": 33.73}, {"lon": 118.7, "lat": 33.7}
    vans = [a_van(depot=beijing), a_van(depot=siyang), a_van(depot=retired, retired=True)]
    logistics.say("/v1/vehicles", {"items": vans, "next": None})
    page = (await client.get("/carrier", headers=carrier)).text
    opened = page[page.index("Open, the nearest first") :]
    assert "from the nearest of your depots" in opened
    told = re.findall(r"(\d+) km from your nearest depot", opened)
    assert told == ["3", "6"], "3 km of Siyang's, 6 km of Beijing's"


async def test_who_carries_much_sees_the_rest_in_rows_and_what_is_open_not_far_below(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    mine = [a_shipment(str(uuid4()), "321323", CARRIER) for _ in range(20)]
    logistics.say("/v1/shipments", {"items": mine, "next": None})
    page = (await client.get("/carrier", headers=carrier)).text
    own = page[page.index("Yours") : page.index("Open, the nearest first")]
    assert (own.count("<article"), own.count("<tr>")) == (8, 12)


async def test_what_one_carries_is_found_behind_whatever_much_is_open(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    def newest(asked: Asked) -> dict[str, Any]:
        others = [a_shipment(str(uuid4()), "110101") for _ in range(200)]
        its = [each for each in (*others, a_shipment(OWN, "321323", CARRIER)) if each["status"] in wanted(asked)]
        return {"items": its[: int(asked.query["limit"][0])], "next": None}

    def wanted(asked: Asked) -> list[str]:
        return asked.query.get("status", ["open", "claimed"])

    logistics.say("/v1/shipments", newest)
    page = (await client.get("/carrier", headers=carrier)).text
    own = page[page.index("Yours") : page.index("Open, the nearest first")]
    assert f"shipments/{OWN}" in own


async def test_where_only_some_of_what_is_open_is_shown_nobody_is_told_it_is_the_nearest(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    told = "Nearer ones may be among the others"
    whole = (await client.get("/carrier", headers=carrier)).text
    assert told not in whole
    assert "Open, the nearest first" in whole
    logistics.say("/v1/shipments", {"items": [a_shipment(FAR, "110101")], "next": FAR})
    part = (await client.get("/carrier", headers=carrier)).text
    assert told in part
    assert "Open, the nearest first" not in part


async def test_a_chinese_page_says_its_units_in_chinese(client: httpx.AsyncClient, carrier: dict[str, str]) -> None:
    for path in ("/carrier", "/carrier/routes", "/carrier/vehicles", f"/carrier/shipments/{OWN}"):
        page = (await client.get(path, headers=carrier | {"Accept-Language": "zh-CN"})).text
        assert "公斤" in page, path
        assert not re.search(r"\b(kg|km)\b(?!/)", re.sub(r"<[^>]*>", " ", page)), path


async def test_a_place_is_looked_for_by_its_name(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    await client.get("/carrier", params={"place": "泗阳"}, headers=carrier)
    asked = [each.query.get("adcode") for each in logistics.requests("GET", "/v1/shipments")]
    assert ["321323"] in asked


async def test_what_happened_is_told_with_its_weight_and_reason(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    path = f"/v1/shipments/{OWN}/events"
    logistics.say(path, a_shipment(OWN, "321323", CARRIER, status="picked_up"), method="POST")
    form = {"type": "picked_up", "at": "2026-11-29T08:00", "weight_kg": "1,198.5", "key": "k"}
    answer = await client.post(f"/carrier/shipments/{OWN}/events", data=form, headers=carrier)
    assert answer.headers["location"] == f"/carrier/shipments/{OWN}"
    (told,) = logistics.requests("POST", path)
    assert told.body == {"type": "picked_up", "at": "2026-11-29T08:00:00+08:00", "weight_kg": 1198.5}
    assert told.headers["idempotency-key"] == "k"


async def test_nothing_is_reported_that_was_not_chosen(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    page = (await client.get(f"/carrier/shipments/{OWN}", headers=carrier)).text
    forms = re.findall(rf'action="/carrier/shipments/{OWN}/events">(.*?)</form>', page, re.DOTALL)
    told = {
        kind: text
        for form in forms
        for kind, text in re.findall(r'name="type" value="(.*?)">.*<button.*?>(.*?)<', form, re.DOTALL)
    }
    assert told == {"picked_up": "Report: picked up", "failed": "Report: failed"}, "each button says what it reports"
    error = {"pointer": "#/type", "detail": "Say what happened."}
    logistics.refuse(f"/v1/shipments/{OWN}/events", "invalid-input", 422, errors=[error])
    refused = (await client.post(f"/carrier/shipments/{OWN}/events", data={}, headers=carrier)).text
    assert refused.count("Say what happened.") == 1


async def test_a_failure_is_reported_with_its_reason_or_not_at_all(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    path = f"/v1/shipments/{OWN}/events"
    logistics.say(path, a_shipment(OWN, "321323", CARRIER, status="failed"), method="POST")
    page = (await client.get(f"/carrier/shipments/{OWN}", headers=carrier)).text
    assert re.search(r'<input id="reason"[^>]* required', page)
    silent = await client.post(f"/carrier/shipments/{OWN}/events", data={"type": "failed"}, headers=carrier)
    assert silent.status_code == 422
    assert '<p class="fault" id="reason-fault">Say why it failed.</p>' in silent.text
    assert "<details open>" in silent.text
    assert logistics.requests("POST", path) == []
    form = {"type": "failed", "reason": "road closed"}
    told = await client.post(f"/carrier/shipments/{OWN}/events", data=form, headers=carrier)
    assert told.status_code == 303
    assert logistics.requests("POST", path)[0].body.items() >= form.items()


async def test_who_claims_too_late_is_told_so_on_the_shipments_page(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.refuse(f"/v1/shipments/{OWN}/claim", "shipment-not-open", 409)
    page = await client.post(f"/carrier/shipments/{OWN}/claim", data={}, headers=carrier)
    assert page.status_code == 409
    assert "because shipment-not-open" in page.text


async def test_a_route_is_planned_of_what_was_ticked_else_of_a_place(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/routes", {"id": PLAN, "status": "planning"}, method="POST", status=202)
    await client.post(
        "/carrier/routes", data={"vehicle": [VAN], "shipment": [OWN, NEAR], "place": "泗阳"}, headers=carrier
    )
    answer = await client.post("/carrier/routes", data={"vehicle": [VAN], "place": "泗阳"}, headers=carrier)
    assert answer.headers["location"] == f"/carrier/routes/{PLAN}"
    ticked, all_of_it = (each.body for each in logistics.requests("POST", "/v1/routes"))
    assert ticked == {"shipment_ids": [OWN, NEAR], "vehicle_ids": [VAN], "limit_s": 10}
    assert all_of_it == {"adcode": "321323", "vehicle_ids": [VAN], "limit_s": 10}


async def test_a_vehicle_is_retired_as_it_was_shown(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1/vehicles/{VAN}", a_van(retired=True), method="PATCH")
    await client.post(f"/carrier/vehicles/{VAN}", data={"version": "2", "retired": "true"}, headers=carrier)
    (asked,) = logistics.requests("PATCH", f"/v1/vehicles/{VAN}")
    assert (asked.body, asked.headers["if-match"]) == ({"retired": True}, "2")


async def test_a_plan_that_is_under_way_looks_again_by_itself(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    plan = {"id": PLAN, "status": "planning", "depart_at": "2026-11-29T00:00:00Z", "vehicles": [], "unassigned": []}
    logistics.say(f"/v1/routes/{PLAN}", plan)
    assert '<meta http-equiv="refresh"' in (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text


async def test_what_has_no_place_in_a_plan_is_said_by_its_goods_and_its_way(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    known, gone = str(uuid4()), str(uuid4())
    left = [{"shipment_id": each, "reasons": []} for each in (known, gone)]
    plan = {"id": PLAN, "status": "planned", "depart_at": "2026-11-29T00:00:00Z", "vehicles": [], "unassigned": left}
    logistics.say(f"/v1/routes/{PLAN}", plan)
    logistics.say("/v1/shipments", {"items": [a_shipment(known, "321323")], "next": None})
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert f'<a href="/carrier/shipments/{known}">Strawberry' in page
    assert "江苏省宿迁市泗阳县 →" in page
    assert f'title="{gone}"' in page


@pytest.mark.parametrize(
    ("departs", "next_morning"), [("2126-11-29T10:00:00Z", "2126-11-30"), ("2126-11-29T20:00:00Z", "2126-12-01")]
)
async def test_what_came_too_late_for_today_is_planned_again_for_the_morning_after_by_one_link(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, departs: str, next_morning: str
) -> None:
    left = [{"shipment_id": FAR, "reasons": ["shift"]}]
    plan = {"id": PLAN, "status": "planned", "depart_at": departs, "vehicles": [], "unassigned": left}
    logistics.say(f"/v1/routes/{PLAN}", plan)
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert f'href="/carrier/routes?again={PLAN}#plan">Plan them again, leaving at {next_morning[5:]} 06:00' in page
    form = (await client.get(f"/carrier/routes?again={PLAN}", headers=carrier)).text
    assert f'value="{next_morning}T06:00"' in form
    assert set(re.findall(r'name="shipment" value="([^"]+)" checked', form)) == {FAR}


def test_a_plan_of_long_ago_is_planned_again_for_tomorrow() -> None:
    tomorrow = (datetime.now(CHINA) + timedelta(days=1)).date()
    assert next_departure({"depart_at": "2020-01-01T00:00:00Z"}).date() == tomorrow


async def test_what_no_vehicle_fits_leads_to_the_vehicles_and_to_no_other_departure(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    left = [{"shipment_id": FAR, "reasons": ["temperature_class"]}]
    plan = {"id": PLAN, "status": "planned", "depart_at": "2126-11-29T10:00:00Z", "vehicles": [], "unassigned": left}
    logistics.say(f"/v1/routes/{PLAN}", plan)
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert '<a href="/carrier/vehicles">Vehicles</a>' in page
    assert f'href="/carrier/routes?again={PLAN}#plan">Plan these again<' in page, "once there is a vehicle"
    form = (await client.get(f"/carrier/routes?again={PLAN}", headers=carrier)).text
    assert 'value="2126-11-29T18:00"' in form, "when it was to leave"


async def test_a_plan_without_a_vehicle_is_refused_beside_the_vehicles(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    errors = [{"pointer": "#/vehicle_ids", "detail": "Field required."}]
    logistics.refuse("/v1/routes", "invalid-input", 422, errors=errors)
    page = (await client.post("/carrier/routes", data={"shipment": FAR}, headers=carrier)).text
    vehicles = page[page.index("<legend>Vehicles") : page.index("<legend>Shipments")]
    assert '<p class="fault" id="vehicles-fault">Field required.</p>' in vehicles
    assert 'aria-describedby="vehicles-fault"' in page
    assert page.count("Field required.") == 1
    assert set(re.findall(r'name="(?:shipment|vehicle)" value="([^"]+)" checked', page)) == {FAR}


async def test_who_has_no_vehicle_is_not_told_that_what_comes_first_is_near(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/vehicles", {"items": [a_van(retired=True)], "next": None})
    page = (await client.get("/carrier", headers=carrier)).text
    assert "the nearest first" not in page
    assert '<a href="/carrier/vehicles">Add a vehicle</a>' in page


async def test_a_waybill_that_is_not_ones_own_is_said_to_be_none(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/parcels", {"items": [], "next": None})
    page = await client.get("/carrier/parcels", params={"waybill": "SF 9/?x=顺丰"}, headers=carrier)
    assert logistics.asked[-1].path == "/v1/parcels/SF 9/?x=顺丰"
    assert page.status_code == 404
    assert "You have no parcel of this waybill" in page.text


async def test_what_is_over_goes_on_on_a_next_page_the_newest_first_whatever_became_of_it(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    ids = [f"01900000-0000-7000-8000-0000000000{at:02}" for at in range(25)]
    status = {each: "delivered" if at % 3 else "cancelled" for at, each in enumerate(ids)}

    def newest(asked: Asked) -> dict[str, Any]:
        (wanted,), (limit,) = asked.query["status"], asked.query["limit"]
        (after,) = asked.query.get("after", ["1"])
        found = [each for each in reversed(ids) if status[each] == wanted and each < after]
        page = found[: int(limit)]
        its = [a_shipment(each, "321323", CARRIER, status=wanted) for each in page]
        return {"items": its, "next": page[-1] if len(found) > len(page) else None}

    logistics.say("/v1/shipments", newest)
    shown, address = [], "/carrier"
    while address:
        page = (await client.get(address, headers=carrier)).text
        done = page[page.index('id="done"') :]
        shown += re.findall(r'href="/carrier/shipments/([^"]*)"', done)
        address = next(iter(re.findall(r'rel="next" href="([^"]*)#done"', done)), "")
    assert shown == list(reversed(ids))


async def test_goods_are_to_be_delivered_before_they_spoil_however_late_the_buyer_takes_them(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    spoils = {"deliver_by": "2026-12-08T00:00:00Z", "spoils_at": "2026-12-03T00:00:00Z"}
    logistics.say("/v1/shipments", {"items": [a_shipment(NEAR, "321323", **spoils)], "next": None})
    page = (await client.get("/carrier", headers=carrier)).text
    assert "12-03 08:00" in page
    assert "12-08" not in page
