"""Asking for routes, from the POST to the plan of a real solver in its own process."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.listings import Place
from services.logistics.routes.planner import Planner
from services.logistics.routes.schemas import SHIPMENTS_MAX
from tests.services.logistics.routes.carrier import TOMORROW_8, Carrier, county
from tests.support.logistics import agreed, hear
from tests.support.services import Issuer, told


async def test_a_small_county_is_planned_end_to_end(carrier: Carrier, planner: Planner, db: Database) -> None:
    await hear(db, *county(12))
    second = await carrier.buys(name="second", capacity_kg=800)
    asked = await carrier.asks(adcode="321323", vehicle_ids=[carrier.van, second])
    assert (asked.status_code, asked.json().keys(), asked.json()["status"]) == (202, {"id", "status"}, "planning")
    waiting = (await carrier.reads(asked.json()["id"])).json()
    assert (waiting["status"], waiting["vehicles"], waiting["unassigned"]) == ("planning", [], [])
    assert await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    assert (plan["status"], plan["distance_source"], plan["failure"]) == ("planned", "great_circle", None)
    served = {stop["shipment_id"] for route in plan["vehicles"] for stop in route["stops"]}
    assert served == set(await carrier.shipments())
    assert plan["unassigned"] == []
    for route in plan["vehicles"]:
        assert route["vehicle_id"] in {carrier.van, second}
        assert route["load_kg"] > 0
        assert route["distance_m"] > 0
        when = [datetime.fromisoformat(stop[name]) for stop in route["stops"] for name in ("arrival", "departure")]
        assert all(one <= other for one, other in pairwise(when))
        assert when[0] >= TOMORROW_8
        assert [stop["type"] for stop in route["stops"]].count("pickup") == len(route["stops"]) / 2
    assert not await planner.plan_next()


async def test_what_is_left_out_has_its_reasons(carrier: Carrier, planner: Planner, db: Database) -> None:
    heavy, frozen = agreed(quantity_g=2_000_000), agreed(temperature_class="frozen")
    await hear(db, heavy, frozen)
    asked = await carrier.asks(adcode="32")
    await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    assert plan["vehicles"] == []
    assert sorted(each["reasons"] for each in plan["unassigned"]) == [["capacity"], ["temperature_class"]]


async def test_first_mile_brings_everything_to_the_hub(carrier: Carrier, planner: Planner, db: Database) -> None:
    await hear(db, *county(4))
    hub = {"lon": 118.7, "lat": 33.7}
    asked = await carrier.asks(adcode="321323", hub=hub)
    await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    assert plan["hub"] == hub
    stops = [stop for route in plan["vehicles"] for stop in route["stops"]]
    assert len(stops) == 8
    assert {(stop["lon"], stop["lat"]) for stop in stops if stop["type"] == "delivery"} == {(118.7, 33.7)}


async def test_who_fetches_elsewhere_only_is_out_of_range_and_the_change_says_where_to(
    carrier: Carrier, planner: Planner, db: Database
) -> None:
    await hear(db, *county(1))
    elsewhere = await carrier.buys(area=["340000"])
    asked = await carrier.asks(adcode="321323", vehicle_ids=[elsewhere])
    await planner.plan_next()
    [left] = (await carrier.reads(asked.json()["id"])).json()["unassigned"]
    assert left["reasons"] == ["no_vehicle_in_range"]
    assert left["change"] == {"change": "area", "to": "321323", "vehicle_id": elsewhere}


async def test_what_is_not_worth_its_detour_says_what_would_be(
    carrier: Carrier, planner: Planner, db: Database
) -> None:
    await hear(db, *county(1))
    asked = await carrier.asks(adcode="321323", prize_fen_per_kg=1)
    await planner.plan_next()
    [left] = (await carrier.reads(asked.json()["id"])).json()["unassigned"]
    assert left["reasons"] == ["not_worth_its_detour"]
    assert left["change"]["change"] == "prize_fen_per_kg"
    again = await carrier.asks(adcode="321323", prize_fen_per_kg=left["change"]["to"])
    await planner.plan_next()
    assert (await carrier.reads(again.json()["id"])).json()["unassigned"] == []


async def test_whose_a_stop_is_is_told_of_what_was_claimed_alone(
    carrier: Carrier, planner: Planner, db: Database, issuer: Issuer
) -> None:
    await hear(db, *county(2))
    asked = (await carrier.asks(adcode="321323")).json()["id"]
    await planner.plan_next()

    async def named() -> set[str]:
        listed = (await carrier.client.get("/v1/routes", headers=carrier.headers)).json()["items"]
        read = (await carrier.reads(asked)).json()
        assert listed == [read]
        stops = [stop for route in read["vehicles"] for stop in route["stops"]]
        return {stop["shipment_id"] for stop in stops if stop["account_id"] is not None}

    mine, other = await carrier.shipments()
    assert await named() == set()
    await carrier.client.post(f"/v1/shipments/{mine}/claim", headers=carrier.headers)
    await carrier.client.post(f"/v1/shipments/{other}/claim", headers=issuer.caller("carrier"))
    assert await named() == {mine}
    await carrier.client.post(f"/v1/shipments/{mine}/release", headers=carrier.headers)
    assert await named() == set()


async def test_what_another_claimed_meanwhile_is_said_to_be_gone(
    carrier: Carrier, planner: Planner, db: Database, issuer: Issuer
) -> None:
    await hear(db, *county(2))
    ids = await carrier.shipments()
    asked = await carrier.asks(shipment_ids=ids)
    await carrier.client.post(f"/v1/shipments/{ids[0]}/claim", headers=issuer.caller("carrier"))
    await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    assert plan["unassigned"] == [
        {"shipment_id": ids[0], "reasons": ["not_available"], "change": None, "aboard": None, "at": None}
    ]
    assert {stop["shipment_id"] for route in plan["vehicles"] for stop in route["stops"]} == {ids[1]}


async def test_an_area_with_nothing_to_carry_is_planned_too(carrier: Carrier, planner: Planner) -> None:
    asked = await carrier.asks(adcode="370783")
    await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    assert (plan["status"], plan["vehicles"], plan["unassigned"]) == ("planned", [], [])


async def test_ones_own_claimed_shipment_is_planned(carrier: Carrier, db: Database) -> None:
    await hear(db, *county(1))
    (shipment,) = await carrier.shipments()
    await carrier.client.post(f"/v1/shipments/{shipment}/claim", headers=carrier.headers)
    assert (await carrier.asks(shipment_ids=[shipment])).status_code == 202


async def test_geojson_draws_a_line_a_vehicle_and_a_point_a_stop(
    carrier: Carrier, planner: Planner, db: Database
) -> None:
    await hear(db, *county(3))
    asked = await carrier.asks(adcode="3213")
    await planner.plan_next()
    plan = (await carrier.reads(asked.json()["id"])).json()
    answer = await carrier.reads(asked.json()["id"], Accept="application/geo+json")
    assert answer.headers["content-type"] == "application/geo+json"
    drawn = answer.json()
    assert (drawn["type"], drawn["id"], drawn["distance_source"]) == ("FeatureCollection", plan["id"], "great_circle")
    assert all(feature.keys() == {"type", "geometry", "properties"} for feature in drawn["features"])
    (line,) = [each for each in drawn["features"] if each["geometry"]["type"] == "LineString"]
    points = [each for each in drawn["features"] if each["geometry"]["type"] == "Point"]
    (route,) = plan["vehicles"]
    depot = [route["depot"]["lon"], route["depot"]["lat"]]
    stops = [[stop["lon"], stop["lat"]] for stop in route["stops"]]
    assert line["geometry"]["coordinates"] == [depot, *stops, depot]
    assert line["properties"]["vehicle_id"] == carrier.van
    assert line["properties"]["distance_m"] == route["distance_m"]
    assert [each["geometry"]["coordinates"] for each in points] == stops
    assert [each["properties"]["sequence"] for each in points] == [1, 2, 3, 4, 5, 6]
    assert [each["properties"]["type"] for each in points] == [stop["type"] for stop in route["stops"]]


async def test_routes_are_found_by_shipment_area_and_status(carrier: Carrier, planner: Planner, db: Database) -> None:
    await hear(db, *county(2), agreed(origin=Place(adcode="340104", lon=117.3, lat=31.8)))
    here = (await carrier.asks(adcode="321323")).json()["id"]
    assert await planner.plan_next()
    there = (await carrier.asks(adcode="34")).json()["id"]

    async def found(query: str) -> list[str]:
        items = (await carrier.client.get(f"/v1/routes?{query}", headers=carrier.headers)).json()["items"]
        return [each["id"] for each in items]

    lots = (await carrier.reads(here)).json()["vehicles"][0]["stops"]
    assert await found(f"shipment_id={lots[0]['shipment_id']}") == [here]
    assert await found(f"shipment_id={uuid4()}") == []
    assert await found("adcode=340000") == [there]
    assert await found("adcode=3213") == [here]
    assert await found("adcode=11") == []
    answer = await carrier.client.get("/v1/routes?adcode=99", headers=carrier.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/adcode")
    assert (await found("status=planned"), await found("status=planning")) == ([here], [there])


async def test_routes_are_found_by_vehicle_and_by_the_day_in_shanghai(carrier: Carrier) -> None:
    second = await carrier.buys(name="second")
    early = "2030-05-01T15:59:00Z"  # 23:59 on 1 May in Shanghai
    late = "2030-05-01T16:00:00Z"  # midnight
    first_day = (await carrier.asks(adcode="32", depart_at=early)).json()["id"]
    next_day = (await carrier.asks(adcode="32", depart_at=late, vehicle_ids=[second])).json()["id"]

    async def found(query: str) -> list[str]:
        items = (await carrier.client.get(f"/v1/routes?{query}", headers=carrier.headers)).json()["items"]
        return [each["id"] for each in items]

    assert await found("") == [next_day, first_day]
    assert await found("date=2030-05-01") == [first_day]
    assert await found("date=2030-05-02") == [next_day]
    assert await found(f"vehicle_id={second}") == [next_day]
    assert await found(f"vehicle_id={second}&date=2030-05-01") == []
    assert await found(f"vehicle_id={uuid4()}") == []


@pytest.mark.parametrize(
    ("wanted", "status", "pointer"),
    [
        ({"limit_s": 61}, 422, "#/limit_s"),
        ({"limit_s": 0}, 422, "#/limit_s"),
        ({"limit_s": "10"}, 422, "#/limit_s"),
        ({"vehicle_ids": []}, 422, "#/vehicle_ids"),
        ({"vehicle_ids": [str(UUID(int=1))] * 2}, 422, "#/vehicle_ids"),
        ({"vehicle_ids": [str(UUID(int=1))]}, 404, "#/vehicle_ids/0"),
        ({"shipment_ids": []}, 422, "#/shipment_ids"),
        ({"shipment_ids": [str(UUID(int=1))]}, 404, "#/shipment_ids/0"),
        ({"shipment_ids": [str(UUID(int=n)) for n in range(SHIPMENTS_MAX + 1)]}, 422, "#/shipment_ids"),
        ({"adcode": "99"}, 422, "#/adcode"),
        ({}, 422, "#/shipment_ids"),
        ({"shipment_ids": [str(UUID(int=1))], "adcode": "32"}, 422, "#/shipment_ids"),
        ({"adcode": "32", "depart_at": "tomorrow"}, 422, "#/depart_at"),
        ({"adcode": "32", "depart_at": "2020-02-10T00:00:00Z"}, 422, "#/depart_at"),
        ({"adcode": "32", "carrier_id": str(uuid4())}, 422, "#/carrier_id"),
    ],
)
async def test_bad_input_is_named_and_asks_for_nothing(
    carrier: Carrier, wanted: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await carrier.asks(**wanted)
    assert answer.status_code == status, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await carrier.client.get("/v1/routes", headers=carrier.headers)).json()["items"] == []


async def test_a_departure_is_past_when_no_slow_clock_explains_it(carrier: Carrier) -> None:
    def ago(**span: int) -> str:
        return (datetime.now(UTC) - timedelta(**span)).isoformat()

    taken, refused = [await carrier.asks(adcode="32", depart_at=at) for at in (ago(minutes=4), ago(minutes=6))]
    assert (taken.status_code, refused.status_code) == (202, 422)
    carrier.headers |= {"Accept-Language": "zh-CN"}
    told = (await carrier.asks(adcode="32", depart_at=ago(days=1))).json()["errors"]
    assert told == [{"pointer": "#/depart_at", "detail": "出发时间已过。"}]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "2030-02-30", "today"])
async def test_a_day_no_plan_departs_on_is_refused(carrier: Carrier, day: str) -> None:
    answer = await carrier.client.get(f"/v1/routes?date={day}", headers=carrier.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].endswith("/date")


async def test_others_vehicles_and_shipments_answer_as_missing_ones(
    carrier: Carrier, client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    await hear(db, *county(2))
    theirs, free = await carrier.shipments()
    rival = Carrier(client, issuer.caller("carrier"))
    await client.post(f"/v1/shipments/{theirs}/claim", headers=rival.headers)
    vehicle = await carrier.asks(shipment_ids=[free], vehicle_ids=[carrier.van, await rival.buys()])
    assert (vehicle.status_code, vehicle.json()["errors"][0]["pointer"]) == (404, "#/vehicle_ids/1")
    shipment = await carrier.asks(shipment_ids=[free, theirs])
    assert (shipment.status_code, shipment.json()["errors"][0]["pointer"]) == (404, "#/shipment_ids/1")


async def test_someone_elses_route_answers_as_a_missing_one(carrier: Carrier, issuer: Issuer) -> None:
    plan_id = (await carrier.asks(adcode="32")).json()["id"]
    stranger = Carrier(carrier.client, issuer.caller("carrier"))
    theirs, missing = await stranger.reads(plan_id), await stranger.reads(str(uuid4()))
    assert (theirs.status_code, theirs.json()) == (404, missing.json())
    assert (await carrier.client.get("/v1/routes", headers=stranger.headers)).json()["items"] == []
    assert (await Carrier(carrier.client, issuer.caller("producer")).reads(plan_id)).status_code == 403


async def test_one_key_asks_once(carrier: Carrier) -> None:
    carrier.headers |= {"Idempotency-Key": "route-1"}
    first, again = await carrier.asks(adcode="32"), await carrier.asks(adcode="32")
    assert again.content == first.content
    assert len((await carrier.client.get("/v1/routes", headers=carrier.headers)).json()["items"]) == 1


async def test_asking_wakes_the_planner_of_this_process(carrier: Carrier, planner: Planner, db: Database) -> None:
    running = asyncio.create_task(planner.run())
    try:
        plan_id = (await carrier.asks(adcode="32")).json()["id"]
        async with asyncio.timeout(60):
            while (await carrier.reads(plan_id)).json()["status"] == "planning":
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert planner.solver.pid is None
    assert await told(db) == []
