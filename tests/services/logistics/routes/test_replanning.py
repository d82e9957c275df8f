"""Planning anew on the way: from where the vehicles are, with what they have aboard."""

from datetime import UTC, datetime
from uuid import uuid4

from chassis.db import Database
from services.logistics.routes.planner import Planner
from tests.services.logistics.routes.carrier import Carrier, county
from tests.support.logistics import hear
from tests.support.services import Issuer


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
