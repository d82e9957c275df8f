"""A carrier's fleet."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from tests.support.logistics import van
from tests.support.services import Issuer


async def test_a_registered_vehicle_is_there(client: httpx.AsyncClient, issuer: Issuer) -> None:
    carrier = issuer.caller("carrier")
    answer = await client.post("/v1/vehicles", json=van(), headers=carrier)
    assert answer.status_code == 201, answer.text
    vehicle = answer.json()
    assert (vehicle["version"], answer.headers["etag"]) == (1, '"1"')
    assert (vehicle["capacity_kg"], vehicle["shift"]) == (1500, {"start": "06:00", "end": "22:00"})
    assert vehicle["temperature_classes"] == ["ambient", "chilled"]
    assert (await client.get(f"/v1/vehicles/{vehicle['id']}", headers=carrier)).json() == vehicle
    assert (await client.get("/v1/vehicles", headers=carrier)).json() == {"items": [vehicle], "next": None}


async def test_a_vehicle_has_breaks_an_area_and_a_price_of_an_hour(client: httpx.AsyncClient, issuer: Issuer) -> None:
    told = {
        "shift": {"start": "20:00", "end": "08:00"},
        "breaks": [
            {"start": "23:30", "end": "00:30", "minutes": 45},
            {"start": "04:00", "end": "05:00", "minutes": 15},
        ],
        "area": ["321323", "340000"],
        "cost_fen_per_h": 4000,
    }
    carrier = issuer.caller("carrier")
    answer = await client.post("/v1/vehicles", json=van(**told), headers=carrier)
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in told} == told


async def test_a_depot_in_chinese_map_coordinates_is_converted(client: httpx.AsyncClient, issuer: Issuer) -> None:
    depot = {"lon": 118.70, "lat": 33.72, "crs": "gcj02"}
    vehicle = (await client.post("/v1/vehicles", json=van(depot=depot), headers=issuer.caller("carrier"))).json()
    assert vehicle["depot"]["crs"] == "wgs84"
    assert 0.001 < abs(vehicle["depot"]["lon"] - 118.70) < 0.01  # some hundred metres


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"capacity_kg": 0}, "#/capacity_kg"),
        ({"capacity_kg": -1}, "#/capacity_kg"),
        ({"temperature_classes": []}, "#/temperature_classes"),
        ({"temperature_classes": ["chilled", "chilled"]}, "#/temperature_classes"),
        ({"temperature_classes": ["tepid"]}, "#/temperature_classes/0"),
        ({"depot": {"lon": 181, "lat": 0}}, "#/depot/lon"),
        ({"depot": {"lat": 0}}, "#/depot/lon"),
        ({"shift": {"start": "8:00", "end": "20:00"}}, "#/shift/start"),
        ({"shift": {"start": "08:00", "end": "24:00"}}, "#/shift/end"),
        ({"shift": {"start": "0٥:00", "end": "20:00"}}, "#/shift/start"),
        ({"shift": {"start": "08:00"}}, "#/shift/end"),
        ({"capacity_kg": 10_000_001}, "#/capacity_kg"),
        ({"capacity_kg": 1.0001}, "#/capacity_kg"),
        ({"cost_fen_per_km": 1_000_001}, "#/cost_fen_per_km"),
        ({"cost_fen_per_km": -1}, "#/cost_fen_per_km"),
        ({"cost_fen_per_km": 1.5}, "#/cost_fen_per_km"),
        ({"carrier_id": str(uuid4())}, "#/carrier_id"),
        ({"cost_fen_per_h": -1}, "#/cost_fen_per_h"),
        ({"area": ["999999"]}, "#/area/0"),
        ({"breaks": [{"start": "12:00", "end": "13:00"}]}, "#/breaks/0/minutes"),
        ({"breaks": [{"start": "12:00", "end": "13:00", "minutes": 0}]}, "#/breaks/0/minutes"),
        ({"breaks": [{"start": "05:00", "end": "07:00", "minutes": 30}]}, "#/breaks"),  # the shift begins at six
        ({"breaks": [{"start": "21:30", "end": "22:30", "minutes": 30}]}, "#/breaks"),
        ({"breaks": [{"start": "21:50", "end": "22:00", "minutes": 600}]}, "#/breaks"),  # it could not end
        ({"breaks": [{"start": "12:00", "end": "12:10", "minutes": 30}] * 2}, "#/breaks"),  # not one after the other
        ({"breaks": [{"start": each, "end": "15:00", "minutes": 5} for each in ("12:00", "11:00")]}, "#/breaks"),
    ],
)
async def test_bad_input_is_named_and_adds_nothing(
    client: httpx.AsyncClient, issuer: Issuer, changes: dict[str, Any], pointer: str
) -> None:
    carrier = issuer.caller("carrier")
    answer = await client.post("/v1/vehicles", json=van(**changes), headers=carrier)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await client.get("/v1/vehicles", headers=carrier)).json()["items"] == []


async def test_breaks_that_do_not_fit_are_told_beside_what_else_is_wrong(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    bad = van(capacity_kg=-1, breaks=[{"start": "05:00", "end": "07:00", "minutes": 30}], cost_fen_per_km=-1)
    answer = await client.post("/v1/vehicles", json=bad, headers=issuer.caller("carrier"))
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"#/capacity_kg", "#/breaks", "#/cost_fen_per_km"}


async def test_a_fleet_is_read_in_pages_newest_first(client: httpx.AsyncClient, issuer: Issuer) -> None:
    carrier = issuer.caller("carrier")
    for number in range(3):
        await client.post("/v1/vehicles", json=van(name=f"van {number}"), headers=carrier)
    first = (await client.get("/v1/vehicles?limit=2", headers=carrier)).json()
    rest = (await client.get(f"/v1/vehicles?limit=2&after={first['next']}", headers=carrier)).json()
    assert [each["name"] for each in first["items"] + rest["items"]] == ["van 2", "van 1", "van 0"]
    assert rest["next"] is None


async def test_someone_elses_vehicle_answers_as_a_missing_one(client: httpx.AsyncClient, issuer: Issuer) -> None:
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=issuer.caller("carrier"))).json()
    stranger = issuer.caller("carrier")
    theirs = await client.get(f"/v1/vehicles/{vehicle['id']}", headers=stranger)
    missing = await client.get(f"/v1/vehicles/{uuid4()}", headers=stranger)
    assert (theirs.status_code, theirs.json()) == (404, missing.json())
    assert (await client.get("/v1/vehicles", headers=stranger)).json()["items"] == []


async def test_only_carriers_have_vehicles(client: httpx.AsyncClient, issuer: Issuer) -> None:
    assert (await client.post("/v1/vehicles", json=van(), headers=issuer.caller("producer"))).status_code == 403
    assert (await client.post("/v1/vehicles", json=van())).status_code == 401


async def test_a_vehicle_is_changed_by_who_read_its_version(client: httpx.AsyncClient, issuer: Issuer) -> None:
    carrier = issuer.caller("carrier")
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=carrier)).json()
    url, told = f"/v1/vehicles/{vehicle['id']}", {"capacity_kg": 900, "depot": {"lon": 117.1, "lat": 31.2}}

    async def change(version: int, body: dict[str, Any]) -> httpx.Response:
        return await client.patch(url, json=body, headers=carrier | {"If-Match": f'"{version}"'})

    changed = await change(1, told)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() == vehicle | told | {"version": 2, "depot": {"lon": 117.1, "lat": 31.2, "crs": "wgs84"}}
    assert (await change(2, told)).json()["version"] == 2, "nothing differs"
    assert (await change(1, {"name": "late"})).status_code == 412
    assert (await client.patch(url, json=told, headers=carrier)).status_code == 428
    assert (await client.get(url, headers=carrier)).json() == changed.json()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"capacity_kg": 0}, "#/capacity_kg"),
        ({"shift": {"start": "20:00", "end": "23:00"}}, "#/shift"),  # its break is at noon
        ({"breaks": [{"start": "05:00", "end": "07:00", "minutes": 30}]}, "#/breaks"),
        ({"name": None}, "#/name"),
        ({"id": str(uuid4())}, "#/id"),
    ],
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, changes: dict[str, Any], pointer: str
) -> None:
    carrier, breaks = issuer.caller("carrier"), [{"start": "12:00", "end": "13:00", "minutes": 30}]
    vehicle = (await client.post("/v1/vehicles", json=van(breaks=breaks), headers=carrier)).json()
    url = f"/v1/vehicles/{vehicle['id']}"
    answer = await client.patch(url, json=changes, headers=carrier | {"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await client.get(url, headers=carrier)).json() == vehicle


async def test_what_was_registered_by_older_rules_can_still_be_retired(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    carrier = issuer.caller("carrier") | {"If-Match": "*"}
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=carrier)).json()
    async with db.transaction() as session:
        late = '[{"start": "21:50", "end": "22:00", "minutes": 30}]'
        await session.execute(text("UPDATE vehicles SET breaks = CAST(:breaks AS jsonb)"), {"breaks": late})
    url = f"/v1/vehicles/{vehicle['id']}"
    assert (await client.patch(url, json={"retired": True}, headers=carrier)).json()["retired"]
    assert (await client.patch(url, json={"shift": van()["shift"]}, headers=carrier)).status_code == 422


async def test_someone_elses_vehicle_is_not_changed(client: httpx.AsyncClient, issuer: Issuer) -> None:
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=issuer.caller("carrier"))).json()
    stranger = issuer.caller("carrier") | {"If-Match": "*"}
    assert (await client.patch(f"/v1/vehicles/{vehicle['id']}", json={}, headers=stranger)).status_code == 404


async def test_a_retired_vehicle_gets_no_routes_until_it_is_back(client: httpx.AsyncClient, issuer: Issuer) -> None:
    carrier = issuer.caller("carrier")
    vehicle = (await client.post("/v1/vehicles", json=van(), headers=carrier)).json()
    for retired, status in ((True, 404), (False, 202)):
        body, match = {"retired": retired}, carrier | {"If-Match": "*"}
        told = (await client.patch(f"/v1/vehicles/{vehicle['id']}", json=body, headers=match)).json()
        assert told["retired"] == retired
        wanted = {"vehicle_ids": [vehicle["id"]], "adcode": "321323"}
        answer = await client.post("/v1/routes", json=wanted, headers=carrier)
        assert answer.status_code == status, answer.text
