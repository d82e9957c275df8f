"""Who sees which shipments, claiming and releasing them, and telling what happened."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.listings import Place
from contracts.shipments import ShipmentClaimed, ShipmentDelivered, ShipmentFailed, ShipmentPickedUp, ShipmentReleased
from services.logistics.shipments.schemas import IDS_MAX
from tests.support.logistics import agreed, hear, ids
from tests.support.services import Issuer, told


class Scene:
    """One open shipment and those around it."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        self.client = client
        self.match = agreed()
        self.carrier, self.rival = issuer.caller("carrier"), issuer.caller("carrier")
        self.path = ""

    async def post(self, verb: str, by: dict[str, str], body: Any = None) -> httpx.Response:
        return await self.client.post(f"{self.path}/{verb}", headers=by, json=body)

    async def report(self, kind: str, by: dict[str, str] | None = None, **said: Any) -> httpx.Response:
        body = {"type": kind, "at": datetime.now(UTC).isoformat(), **said}
        return await self.post("events", self.carrier if by is None else by, body)

    async def read(self, by: dict[str, str]) -> httpx.Response:
        return await self.client.get(self.path, headers=by)


@pytest.fixture
async def scene(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> Scene:
    made = Scene(client, issuer)
    await hear(db, made.match)
    (item,) = (await client.get("/v1/shipments", headers=made.carrier)).json()["items"]
    made.path = f"/v1/shipments/{item['id']}"
    return made


async def test_a_shipment_is_shown_as_the_surface_says(scene: Scene) -> None:
    answer = await scene.read(scene.carrier)
    shipment = answer.json()
    match = scene.match
    assert answer.headers["etag"] == '"1"'
    assert {name: shipment[name] for name in ("match_id", "status", "quantity_kg", "temperature_class")} == {
        "match_id": str(match.match_id),
        "status": "open",
        "quantity_kg": 300,
        "temperature_class": "chilled",
    }
    assert shipment["origin"] == {"adcode": "321323", "lon": 118.69, "lat": 33.72}
    assert shipment["destination"] == {"adcode": "320102", "lon": 118.80, "lat": 32.06}
    for name in ("ready_at", "deliver_by", "spoils_at"):
        assert datetime.fromisoformat(shipment[name]) == getattr(match, name)
    assert (shipment["carrier_id"], shipment["version"]) == (None, 1)


async def test_producer_and_buyer_see_their_own_and_strangers_none(
    scene: Scene, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer = issuer.caller("producer", scene.match.producer_id)
    buyer = issuer.caller("platform", scene.match.buyer_id)
    for party in (producer, buyer, issuer.caller("admin")):
        assert (await scene.read(party)).status_code == 200
        assert len((await client.get("/v1/shipments", headers=party)).json()["items"]) == 1
    for stranger in (issuer.caller("producer"), issuer.caller("citizen")):
        assert (await scene.read(stranger)).status_code == 404
        assert (await client.get("/v1/shipments", headers=stranger)).json()["items"] == []
    assert (await client.get("/v1/shipments", headers=issuer.caller("supervisor"))).status_code == 403
    assert (await scene.post("claim", producer)).status_code == 403


async def test_claimed_is_seen_by_its_carrier_alone(scene: Scene, client: httpx.AsyncClient, db: Database) -> None:
    claimed = await scene.post("claim", scene.carrier)
    assert (claimed.status_code, claimed.json()["status"], claimed.json()["version"]) == (200, "claimed", 2)
    assert (await scene.read(scene.carrier)).json() == claimed.json()
    assert (await scene.read(scene.rival)).status_code == 404
    assert (await client.get("/v1/shipments", headers=scene.rival)).json()["items"] == []
    _, event = await told(db)
    assert isinstance(event, ShipmentClaimed)
    assert (str(event.carrier_id), event.version) == (claimed.json()["carrier_id"], 2)


async def test_of_carriers_at_once_one_gets_it(scene: Scene, issuer: Issuer, db: Database) -> None:
    carriers = [issuer.caller("carrier") for _ in range(8)]
    answers = await asyncio.gather(*(scene.post("claim", carrier) for carrier in carriers))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["type"] == "/problems/shipment-not-open"
    assert len(await told(db)) == 2  # opened, claimed once


async def test_claiming_twice_is_the_same(scene: Scene, db: Database) -> None:
    first, again = [await scene.post("claim", scene.carrier) for _ in range(2)]
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await told(db)) == 2


async def test_released_it_can_be_claimed_by_another(scene: Scene, db: Database) -> None:
    await scene.post("claim", scene.carrier)
    assert (await scene.post("release", scene.rival)).status_code == 404
    released = await scene.post("release", scene.carrier)
    assert (released.json()["status"], released.json()["carrier_id"]) == ("open", None)
    again = await scene.post("release", scene.carrier)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/shipment-not-claimed")
    assert (await scene.post("claim", scene.rival)).status_code == 200
    assert [type(event) for event in (await told(db))[2:]] == [ShipmentReleased, ShipmentClaimed]


async def test_picked_up_and_delivered_as_the_carrier_tells(
    scene: Scene, client: httpx.AsyncClient, db: Database
) -> None:
    await scene.post("claim", scene.carrier)
    picked_up = await scene.report("picked_up", weight_kg=298.5)
    assert (picked_up.status_code, picked_up.json()["status"]) == (200, "picked_up")
    delivered = await scene.report("delivered")
    assert (delivered.json()["status"], delivered.json()["version"]) == ("delivered", 4)
    reports = (await client.get(f"{scene.path}/events", headers=scene.carrier)).json()["items"]
    assert [(each["type"], each["weight_kg"]) for each in reports] == [("picked_up", 298.5), ("delivered", None)]
    events = (await told(db))[2:]
    assert [type(event) for event in events] == [ShipmentPickedUp, ShipmentDelivered]
    assert [event.at.isoformat() for event in events] == [  # type: ignore[attr-defined]
        datetime.fromisoformat(each["at"]).isoformat() for each in reports
    ]


async def test_the_same_told_again_changes_nothing_even_later(scene: Scene, db: Database) -> None:
    await scene.post("claim", scene.carrier)
    said: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "weight_kg": 300}
    await scene.report("picked_up", **said)
    again = await scene.report("picked_up", **said)
    assert (again.status_code, again.json()["version"]) == (200, 3)
    await scene.report("delivered")
    late = await scene.report("picked_up", **said)
    assert (late.status_code, late.json()["status"]) == (200, "delivered")
    other_weight = await scene.report("picked_up", **said | {"weight_kg": 299})
    assert (other_weight.status_code, other_weight.json()["type"]) == (409, "/problems/wrong-shipment-state")
    assert len(await told(db)) == 4


async def test_what_failed_can_be_claimed_by_anyone(scene: Scene, db: Database) -> None:
    await scene.post("claim", scene.carrier)
    await scene.report("picked_up")
    failed = await scene.report("failed", reason="车辆故障")
    assert failed.json()["status"] == "failed"
    assert isinstance((await told(db))[-1], ShipmentFailed)
    assert (await scene.report("delivered")).status_code == 409
    assert (await scene.post("claim", scene.rival)).status_code == 200
    assert (await scene.report("failed", reason="车辆故障")).status_code == 404  # it is another's now
    assert (await scene.report("picked_up", by=scene.rival)).status_code == 200


@pytest.mark.parametrize(
    ("before", "kind"),
    [([], "delivered"), (["picked_up"], "picked_up"), (["picked_up", "delivered"], "failed"), (["failed"], "failed")],
)
async def test_what_cant_follow_is_refused(scene: Scene, db: Database, before: list[str], kind: str) -> None:
    await scene.post("claim", scene.carrier)
    for each in before:
        assert (await scene.report(each)).status_code == 200
    answer = await scene.report(kind)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-shipment-state")
    assert len(await told(db)) == 2 + len(before)


async def test_only_who_claimed_it_tells_of_it(scene: Scene) -> None:
    unclaimed = await scene.report("picked_up")
    assert (unclaimed.status_code, unclaimed.json()["type"]) == (409, "/problems/shipment-not-claimed")
    await scene.post("claim", scene.carrier)
    theirs = await scene.report("picked_up", by=scene.rival)
    missing = await scene.client.post(
        f"/v1/shipments/{uuid4()}/events",
        headers=scene.rival,
        json={"type": "picked_up", "at": "2026-01-01T00:00:00Z"},
    )
    assert (theirs.status_code, theirs.json()) == (404, missing.json())


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "#/at"),
        ({"at": (datetime.now(UTC) - timedelta(days=1)).isoformat()}, "#/at"),
        ({"at": "yesterday"}, "#/at"),
        ({"weight_kg": 0}, "#/weight_kg"),
        ({"type": "lost"}, "#/type"),
        ({"carrier_id": str(uuid4())}, "#/carrier_id"),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(scene: Scene, said: dict[str, Any], pointer: str) -> None:
    await scene.post("claim", scene.carrier)
    answer = await scene.report("picked_up", **said)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await scene.read(scene.carrier)).json()["version"] == 2


@pytest.mark.parametrize(("weighed_kg", "carried_kg"), [(298.5, 298.5), (300, 300), (310, 300)])
async def test_what_was_fetched_may_weigh_less_and_never_more(
    scene: Scene, db: Database, weighed_kg: float, carried_kg: float
) -> None:
    await scene.post("claim", scene.carrier)
    answer = await scene.report("picked_up", weight_kg=weighed_kg)
    assert answer.json()["quantity_kg"] == carried_kg
    fetched = [event for event in await told(db) if isinstance(event, ShipmentPickedUp)]
    assert [event.quantity_g for event in fetched] == [1000 * carried_kg]


async def test_nothing_is_delivered_before_it_was_picked_up(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    await scene.report("picked_up")
    early = await scene.report("delivered", at=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    assert (early.status_code, early.json()["errors"][0]["pointer"]) == (422, "#/at")


async def test_shipments_are_found_by_status_and_by_the_area_of_their_origin(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    shouguang = Place(adcode="370783", lon=118.79, lat=36.86)
    await hear(db, agreed(), agreed(origin=shouguang))
    carrier = issuer.caller("carrier")

    async def found(query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await client.get(f"/v1/shipments?{query}", headers=carrier)).json()["items"]
        return items

    for area in ("37", "370000", "370700", "370783", "3707"):
        assert [each["origin"]["adcode"] for each in await found(f"adcode={area}")] == ["370783"], area
    (there,) = await found("adcode=37")
    assert there["origin"]["adcode"] == "370783"
    await client.post(f"/v1/shipments/{there['id']}/claim", headers=carrier)
    assert ids(await found("status=claimed")) == {UUID(there["id"])}
    assert [each["origin"]["adcode"] for each in await found("status=open")] == ["321323"]


@pytest.mark.parametrize("name", ["adcode", "to_adcode"])
@pytest.mark.parametrize("code", ["x%25", "3", "99", "329999", "3213231", ""])
async def test_a_place_that_there_is_not_is_named(
    client: httpx.AsyncClient, issuer: Issuer, name: str, code: str
) -> None:
    answer = await client.get(f"/v1/shipments?{name}={code}", headers=issuer.caller("carrier"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/query/{name}")


async def test_shipments_are_found_by_destination_and_by_the_days_on_which_they_can_be_fetched(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    may = datetime(2030, 5, 1, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    hefei = Place(adcode="340104", lon=117.3, lat=31.8)
    days = {"deliver_by": may + timedelta(days=4), "spoils_at": may + timedelta(days=4), "min_remaining_life_h": 24}
    early, late = agreed(ready_at=may, **days), agreed(destination=hefei, ready_at=may + timedelta(minutes=1), **days)
    await hear(db, early, late)
    carrier = issuer.caller("carrier")

    async def found(query: str) -> set[str]:
        items = (await client.get(f"/v1/shipments?{query}", headers=carrier)).json()["items"]
        return {each["match_id"] for each in items}

    first, second = str(early.match_id), str(late.match_id)
    assert await found("to_adcode=34") == {second}
    assert await found("to_adcode=320102") == {first}
    assert await found("date=2030-05-01") == {first}
    assert await found("date=2030-05-02") == await found("date=2030-05-04") == {first, second}
    assert await found("date=2030-05-06") == set(), "by then it could no longer arrive fresh"
    assert await found("date=2030-05-02&to_adcode=34") == {second}
    for wrong in ("date=1999-12-31", "date=tomorrow", "to_adcode=x"):
        assert (await client.get(f"/v1/shipments?{wrong}", headers=carrier)).status_code == 422


async def test_shipments_are_read_in_pages(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    await hear(db, *(agreed() for _ in range(5)))
    carrier, pages, after = issuer.caller("carrier"), [], ""
    while True:
        page = (await client.get(f"/v1/shipments?limit=2{after}", headers=carrier)).json()
        pages.append(len(ids(page["items"])))
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert pages == [2, 2, 1]


async def test_some_shipments_are_looked_up_by_their_ids_and_none_of_others(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    await hear(db, *(agreed() for _ in range(4)))
    carrier, rival = issuer.caller("carrier"), issuer.caller("carrier")
    listed = (await client.get("/v1/shipments", headers=carrier)).json()["items"]
    taken, third, second, first = (each["id"] for each in listed)
    assert (await client.post(f"/v1/shipments/{taken}/claim", headers=rival)).status_code == 200

    async def found(*wanted: str, more: str = "") -> httpx.Response:
        return await client.get(f"/v1/shipments?{'&'.join(f'id={each}' for each in wanted)}{more}", headers=carrier)

    page = (await found(third, first, taken, str(uuid4()), first)).json()
    assert ([each["id"] for each in page["items"]], page["next"]) == ([third, first], None), "newest first, each once"
    assert [each["id"] for each in (await found(third, second, more="&limit=1")).json()["items"]] == [third]
    assert (await found(second, more="&status=claimed")).json()["items"] == []
    assert (await found(*(str(uuid4()) for _ in range(IDS_MAX)))).json()["items"] == []
    too_many = await found(*(str(uuid4()) for _ in range(IDS_MAX + 1)))
    assert (too_many.status_code, too_many.json()["errors"][0]["pointer"]) == (422, "#/query/id")
    bad = await found("soon")
    assert (bad.status_code, bad.json()["errors"][0]["pointer"].startswith("#/query/id")) == (422, True)


async def test_one_key_claims_once(scene: Scene) -> None:
    key = scene.carrier | {"Idempotency-Key": "claim-1"}
    first = await scene.post("claim", key)
    await scene.post("release", scene.carrier)
    again = await scene.post("claim", key)
    assert again.content == first.content
    assert (await scene.read(scene.carrier)).json()["status"] == "open"
