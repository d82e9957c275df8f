"""Placing, reading, changing and ending orders, as a platform's program does it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from services.matching.markets import MARKET_CHANGES
from services.matching.orders import service
from services.matching.orders.models import Order
from tests.services.matching.scene import Scene, soon, wanted


async def markets_that_changed(scene: Scene) -> list[str]:
    async with scene.db.reading() as session:
        return list(await session.scalars(select(MARKET_CHANGES.c.produce)))


async def test_a_placed_order_is_there_and_its_market_has_changed(scene: Scene) -> None:
    answer = await scene.client.post("/v1/orders", json=wanted(reference="PO-1"), headers=scene.buyer)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert (order["status"], order["held_kg"], order["agreed_kg"], order["reference"]) == ("open", 0, 0, "PO-1")
    assert (order["buyer_id"], answer.headers["etag"]) == (str(scene.buyer_id), '"1"')
    assert await scene.read_order(order["id"]) == order
    assert await markets_that_changed(scene) == ["strawberry"]


async def test_defaults_are_those_of_the_surface(scene: Scene) -> None:
    order = await scene.order()
    deliver_from, deliver_by = (datetime.fromisoformat(order[name]) for name in ("deliver_from", "deliver_by"))
    assert abs(deliver_from - soon()) < timedelta(seconds=10)
    assert deliver_by - deliver_from == timedelta(days=7)
    defaults = {
        "min_grade": "C",
        "min_fill_kg": 0,
        "price_basis": "delivered",
        "min_remaining_life_h": 24,
        "listing_id": None,
        "auto_agree": True,
        "reference": None,
        "destination": {"adcode": "320102", "lon": None, "lat": None},
    }
    assert {name: order[name] for name in defaults} == defaults


@pytest.mark.parametrize(("role", "kind"), [("platform", "bulk"), ("group_leader", "group"), ("citizen", "retail")])
async def test_the_kind_follows_from_the_role_unless_it_is_named(scene: Scene, role: Any, kind: str) -> None:
    caller = scene.issuer.caller(role)
    implied = await scene.client.post("/v1/orders", json=wanted(), headers=caller)
    named = await scene.client.post("/v1/orders", json=wanted(kind="group"), headers=caller)
    assert (implied.json()["kind"], named.json()["kind"]) == (kind, "group")


async def test_a_seller_or_nobody_may_not_order(scene: Scene) -> None:
    refused = await scene.client.post("/v1/orders", json=wanted(), headers=scene.issuer.caller("producer"))
    assert refused.status_code == 403
    assert (await scene.client.post("/v1/orders", json=wanted())).status_code == 401


async def test_a_point_in_chinese_map_coordinates_is_converted(scene: Scene) -> None:
    order = await scene.order(destination={"adcode": "320102", "lon": 118.8, "lat": 32.05, "crs": "gcj02"})
    assert order["destination"]["lon"] == pytest.approx(118.7948, abs=1e-3)
    assert order["destination"]["lon"] != 118.8


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"produce": "unobtainium"}, "#/produce"),
        ({"destination": {"adcode": "999999"}}, "#/destination/adcode"),
        ({"destination": {"adcode": "320102", "lon": 118.8}}, "#/destination"),
        ({"destination": {"adcode": "320102", "lon": 32.05, "lat": 32.05}}, "#/destination"),
        ({"quantity_kg": 0}, "#/quantity_kg"),
        ({"quantity_kg": 1.2345}, "#/quantity_kg"),
        ({"quantity_kg": 10_000_001}, "#/quantity_kg"),
        ({"max_price_fen_per_kg": 1_000_001}, "#/max_price_fen_per_kg"),
        ({"max_price_fen_per_kg": -1}, "#/max_price_fen_per_kg"),
        ({"min_fill_kg": 501}, "#/min_fill_kg"),
        ({"min_fill_kg": -1}, "#/min_fill_kg"),
        ({"deliver_by": "2020-02-14T00:00:00Z"}, "#/deliver_by"),
        ({"deliver_from": "2099-01-02T00:00:00Z", "deliver_by": "2099-01-01T00:00:00Z"}, "#/deliver_by"),
        ({"deliver_by": "tomorrow"}, "#/deliver_by"),
        ({"min_remaining_life_h": -1}, "#/min_remaining_life_h"),
        ({"min_remaining_life_h": 1.5}, "#/min_remaining_life_h"),
        ({"min_grade": "D"}, "#/min_grade"),
        ({"price_basis": "free"}, "#/price_basis"),
        ({"listing_id": "that one"}, "#/listing_id"),
        ({"auto_agree": "yes"}, "#/auto_agree"),
        ({"buyer_id": str(uuid4())}, "#/buyer_id"),
        ({"reference": "a\0b"}, "#/reference"),
    ],
)
async def test_bad_input_is_named_in_both_languages_and_changes_nothing(
    scene: Scene, changes: dict[str, Any], pointer: str
) -> None:
    details = []
    for language in ("zh-CN", "en"):
        headers = scene.buyer | {"Accept-Language": language}
        answer = await scene.client.post("/v1/orders", json=wanted(**changes), headers=headers)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        details.append(error["detail"])
    assert details[0] != details[1]
    assert await markets_that_changed(scene) == []
    assert (await scene.client.get("/v1/orders", headers=scene.buyer)).json()["items"] == []


async def test_a_change_needs_the_version_that_was_read(scene: Scene) -> None:
    path, change = f"/v1/orders/{(await scene.order())['id']}", {"max_price_fen_per_kg": 2700}
    assert (await scene.client.patch(path, json=change, headers=scene.buyer)).status_code == 428
    changed = await scene.client.patch(path, json=change, headers=scene.buyer | {"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["max_price_fen_per_kg"]) == (200, 2700)
    assert changed.headers["etag"] == '"2"'
    stale = await scene.client.patch(path, json=change, headers=scene.buyer | {"If-Match": "1"})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")


@pytest.mark.parametrize(
    ("change", "status", "of"),
    [
        ({"quantity_kg": 299}, 409, "/problems/quantity-promised"),
        ({"quantity_kg": 99}, 422, "#/quantity_kg"),
        ({"deliver_by": "2020-02-14T00:00:00Z"}, 422, "#/deliver_by"),
        ({"deliver_from": "2099-01-01T00:00:00Z"}, 422, "#/deliver_by"),
        ({"min_grade": "A"}, 422, "#/min_grade"),
    ],
)
async def test_an_order_cant_be_changed_to_what_cant_be(
    scene: Scene, change: dict[str, Any], status: int, of: str
) -> None:
    await scene.lot(quantity_g=300_000)
    order = await scene.order(quantity_kg=500, min_fill_kg=100)
    await scene.round()
    path = f"/v1/orders/{order['id']}"
    refused = await scene.client.patch(path, json=change, headers=scene.buyer | {"If-Match": "1"})
    assert refused.status_code == status, refused.text
    assert of in (refused.json()["type"], refused.json().get("errors", [{}])[0].get("pointer"))
    assert await scene.read_order(order["id"]) == order | {"agreed_kg": 300}


async def test_an_order_may_shrink_to_what_is_promised_and_is_then_filled(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    order = await scene.order(quantity_kg=500)
    await scene.round()
    path = f"/v1/orders/{order['id']}"
    shrunk = await scene.client.patch(path, json={"quantity_kg": 300}, headers=scene.buyer | {"If-Match": "1"})
    assert (shrunk.json()["status"], shrunk.json()["quantity_kg"]) == ("filled", 300)
    for method, rest in (("PATCH", ""), ("POST", "/cancel")):
        closed = await scene.client.request(
            method, path + rest, json={} if method == "PATCH" else None, headers=scene.buyer | {"If-Match": "2"}
        )
        assert (closed.status_code, closed.json()["type"]) == (409, "/problems/order-closed")


async def test_someone_elses_order_answers_as_a_missing_one(scene: Scene) -> None:
    order = await scene.order()
    stranger = scene.issuer.caller("platform") | {"If-Match": "1"}
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/cancel")):
        body = {} if method == "PATCH" else None
        theirs = await scene.client.request(method, f"/v1/orders/{order['id']}{path}", headers=stranger, json=body)
        missing = await scene.client.request(method, f"/v1/orders/{uuid4()}{path}", headers=stranger, json=body)
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()


async def test_orders_are_listed_newest_first_by_status_and_produce(scene: Scene) -> None:
    strawberries, garlic = await scene.order(), await scene.order(produce="garlic")
    await scene.client.post(f"/v1/orders/{garlic['id']}/cancel", headers=scene.buyer)
    for filters, expected in (
        ({}, [garlic, strawberries]),
        ({"status": "open"}, [strawberries]),
        ({"status": "cancelled"}, [garlic]),
        ({"status": "filled"}, []),
        ({"produce": "garlic"}, [garlic]),
    ):
        items = (await scene.client.get("/v1/orders", params=filters, headers=scene.buyer)).json()["items"]
        assert [each["id"] for each in items] == [each["id"] for each in expected]


async def test_one_key_is_one_order(scene: Scene) -> None:
    headers = scene.buyer | {"Idempotency-Key": "PO-1"}
    first = await scene.client.post("/v1/orders", json=wanted(), headers=headers)
    again = await scene.client.post("/v1/orders", json=wanted(), headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert len((await scene.client.get("/v1/orders", headers=scene.buyer)).json()["items"]) == 1


async def test_an_order_expires_by_the_databases_clock_unless_it_is_filled(scene: Scene) -> None:
    await scene.lot(quantity_g=500_000)
    filled = await scene.order(quantity_kg=500)
    await scene.round()
    late, in_time = await scene.order(), await scene.order()
    async with scene.db.transaction() as session:
        past = func.clock_timestamp() - timedelta(seconds=1)
        await session.execute(update(Order).where(Order.id.in_([late["id"], filled["id"]])).values(deliver_by=past))
    assert await service.expire_overdue(scene.db) == 1
    assert await service.expire_overdue(scene.db) == 0
    statuses = [(await scene.read_order(order["id"]))["status"] for order in (filled, late, in_time)]
    assert statuses == ["filled", "expired", "open"]
    cancelled = await scene.client.post(f"/v1/orders/{late['id']}/cancel", headers=scene.buyer)
    assert (cancelled.status_code, cancelled.json()["type"]) == (409, "/problems/order-closed")
