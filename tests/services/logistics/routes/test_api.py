"""Asking for routes, from the POST to the plan of a real solver in its own process."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from chassis.db import Database
from contracts.listings import Place
from services.logistics.routes.planner import Planner
from services.logistics.routes.schemas import SHIPMENTS_MAX
from tests.support.logistics import agreed, hear, van
from tests.support.services import Issuer, told

TOMORROW_8 = (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=1)).replace(hour=8, minute=0)


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


@pytest.fixture
async def carrier(client: httpx.AsyncClient, issuer: Issuer) -> Carrier:
    made = Carrier(client, issuer.caller("carrier"))
    made.van = await made.buys()
    return made


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


async def test_planned_anew_on_the_way_drivers_keep_what_they_know(
    carrier: Carrier, planner: Planner, db: Database
) -> None:
    """One lot is aboard, one has come since; the van is at the last stop that it made."""
    await hear(db, *county(3))
    first = await carrier.asks(adcode="321323")
    await planner.plan_next()
    before = (await carrier.reads(first.json()["id"])).json()
    assert before["moved_stops"] is None
    [route] = before["vehicles"]
    fetched = route["stops"][0]
    url = f"/v1/shipments/{fetched['shipment_id']}"
    await carrier.client.post(f"{url}/claim", headers=carrier.headers)
    event = {"type": "picked_up", "at": datetime.now(UTC).isoformat()}
    assert (await carrier.client.post(f"{url}/events", json=event, headers=carrier.headers)).status_code == 200
    await hear(db, *county(1, seed=8))
    ids = [*{stop["shipment_id"] for stop in route["stops"]}, (await carrier.shipments())[0]]
    again = await carrier.asks(shipment_ids=ids, previous=before["id"])
    assert again.status_code == 202, "what is aboard may be named, too"
    await planner.plan_next()
    after = (await carrier.reads(again.json()["id"])).json()
    assert (after["previous"], after["moved_stops"], after["unassigned"]) == (before["id"], 0, [])
    [now] = after["vehicles"]
    assert now["start"] == {"lon": fetched["lon"], "lat": fetched["lat"]}
    mine = [stop["type"] for stop in now["stops"] if stop["shipment_id"] == fetched["shipment_id"]]
    assert mine == ["delivery"]
    assert len({stop["shipment_id"] for stop in now["stops"]}) == 4
    told = [(stop["shipment_id"], stop["type"]) for stop in route["stops"][1:]]
    kept = [(stop["shipment_id"], stop["type"]) for stop in now["stops"]]
    assert [each for each in kept if each in told] == told
    unnamed = (await carrier.asks(adcode="321323", previous=before["id"])).json()["id"]
    await planner.plan_next()
    query = f"/v1/routes?shipment_id={fetched['shipment_id']}"
    found = (await carrier.client.get(query, headers=carrier.headers)).json()["items"]
    assert [each["id"] for each in found] == [unnamed, after["id"], before["id"]], "what is only aboard is found, too"


async def test_where_another_vehicle_has_taken_it_over_each_stop_has_moved(
    carrier: Carrier, planner: Planner, db: Database
) -> None:
    """One van has broken down; what it has aboard stays there, and is said to be."""
    await hear(db, *county(2))
    first = await carrier.asks(adcode="321323")
    await planner.plan_next()
    before = (await carrier.reads(first.json()["id"])).json()
    [route] = before["vehicles"]
    lots = list(dict.fromkeys(stop["shipment_id"] for stop in route["stops"]))
    await carrier.client.post(f"/v1/shipments/{lots[0]}/claim", headers=carrier.headers)
    event = {"type": "picked_up", "at": datetime.now(UTC).isoformat()}
    await carrier.client.post(f"/v1/shipments/{lots[0]}/events", json=event, headers=carrier.headers)
    second = await carrier.buys(name="second")
    again = await carrier.asks(shipment_ids=lots, previous=before["id"], vehicle_ids=[second])
    await planner.plan_next()
    after = (await carrier.reads(again.json()["id"])).json()
    assert {stop["shipment_id"] for stop in after["vehicles"][0]["stops"]} == {lots[1]}
    assert after["moved_stops"] == 2
    (left,) = after["unassigned"]
    assert (left["shipment_id"], left["reasons"], left["aboard"]) == (lots[0], ["not_available"], route["vehicle_id"])
    [other] = after["others"]
    assert (other["vehicle_id"], other["aboard"]) == (route["vehicle_id"], [lots[0]])
    third = await carrier.asks(adcode="321323", previous=after["id"], vehicle_ids=[carrier.van, second])
    await planner.plan_next()
    whole = (await carrier.reads(third.json()["id"])).json()
    [mine] = [each for each in whole["vehicles"] if each["vehicle_id"] == carrier.van]
    assert mine["start"] == other["at"]
    assert [(stop["shipment_id"], stop["type"]) for stop in mine["stops"]] == [(lots[0], "delivery")]


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


async def test_a_plan_to_a_hub_is_not_gone_on_with(carrier: Carrier, planner: Planner, db: Database) -> None:
    await hear(db, *county(1))
    hub = (await carrier.asks(adcode="321323", hub={"lon": 118.7, "lat": 33.7})).json()["id"]
    await planner.plan_next()
    answer = await carrier.asks(adcode="321323", previous=hub)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["#/previous"])


async def test_the_plan_before_is_ones_own_and_has_routes(carrier: Carrier, db: Database, issuer: Issuer) -> None:
    await hear(db, *county(1))
    planning = (await carrier.asks(adcode="321323")).json()["id"]
    stranger = Carrier(carrier.client, issuer.caller("carrier"))
    stranger.van = await stranger.buys()
    for one, previous in ((carrier, planning), (stranger, planning), (carrier, str(uuid4()))):
        answer = await one.asks(adcode="321323", previous=previous)
        assert answer.status_code == 404
        assert [each["pointer"] for each in answer.json()["errors"]] == ["#/previous"]


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
