"""Orders against each other and against themselves: keys, versions, pages, and many at once."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from services.matching.orders import service
from services.matching.orders.models import Order
from tests.services.matching.scene import Scene, books_balance, soon, wanted


async def patched(scene: Scene, order_id: str, version: int | str, **change: Any) -> Any:
    return await scene.client.patch(
        f"/v1/orders/{order_id}", json=change, headers=scene.buyer | {"If-Match": str(version)}
    )


async def stored(scene: Scene) -> int:
    async with scene.db.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(Order)) or 0)


async def make_overdue(scene: Scene, *order_ids: str) -> None:
    async with scene.db.transaction() as session:
        past = func.clock_timestamp() - timedelta(seconds=1)
        chosen = Order.id.in_([UUID(order_id) for order_id in order_ids])
        await session.execute(update(Order).where(chosen).values(deliver_by=past))


async def test_a_window_that_begins_later_ends_seven_days_after_its_beginning(scene: Scene) -> None:
    begins = soon(days=3)
    order = await scene.order(deliver_from=begins.isoformat())
    assert datetime.fromisoformat(order["deliver_by"]) - begins == timedelta(days=7)


async def test_a_window_that_began_long_ago_ends_seven_days_from_now(scene: Scene) -> None:
    order = await scene.order(deliver_from=soon(days=-30).isoformat())
    assert abs(datetime.fromisoformat(order["deliver_by"]) - soon(days=7)) < timedelta(seconds=10)


async def test_times_are_answered_in_utc_whatever_zone_they_came_in(scene: Scene) -> None:
    by = datetime(2030, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    order = await scene.order(deliver_by=by.isoformat())
    assert datetime.fromisoformat(order["deliver_by"]) == by
    assert order["deliver_by"] == "2030-01-01T00:00:00Z"
    assert by.astimezone(UTC).hour == 0


@pytest.mark.parametrize(
    ("field", "edge", "answered"),
    [
        ("quantity_kg", 0.001, 0.001),
        ("quantity_kg", 10_000_000, 10_000_000),
        ("max_price_fen_per_kg", 0, 0),
        ("max_price_fen_per_kg", 1_000_000, 1_000_000),
        ("min_remaining_life_h", 0, 0),
        ("min_remaining_life_h", 10_000, 10_000),
        ("min_fill_kg", 500, 500),
        ("reference", "单" * 200, "单" * 200),
    ],
)
async def test_each_number_is_taken_up_to_its_edge(scene: Scene, field: str, edge: object, answered: object) -> None:
    order = await scene.order(**{field: edge})
    assert order[field] == answered
    assert (await scene.read_order(order["id"]))[field] == answered


@pytest.mark.parametrize(
    ("field", "beyond"),
    [
        ("quantity_kg", 0.0005),
        ("quantity_kg", 10_000_000.001),
        ("quantity_kg", "500"),
        ("quantity_kg", True),
        ("max_price_fen_per_kg", 2600.5),
        ("max_price_fen_per_kg", "2600"),
        ("min_remaining_life_h", 10_001),
        ("min_fill_kg", 500.001),
        ("reference", "x" * 201),
        ("kind", "wholesale"),
        ("auto_agree", 1),
        ("deliver_by", 1_800_000_000),
        ("deliver_by", "2026-11-26T00:00:00"),
    ],
)
async def test_and_not_beyond_it_nor_in_another_type(scene: Scene, field: str, beyond: object) -> None:
    answer = await scene.client.post("/v1/orders", json=wanted(**{field: beyond}), headers=scene.buyer)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}"), answer.text
    assert await stored(scene) == 0


@pytest.mark.parametrize("missing", ["produce", "quantity_kg", "max_price_fen_per_kg", "destination"])
async def test_what_is_required_is_missed_by_name(scene: Scene, missing: str) -> None:
    body = {name: value for name, value in wanted().items() if name != missing}
    answer = await scene.client.post("/v1/orders", json=body, headers=scene.buyer)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{missing}"]


async def test_all_that_can_not_be_is_named_at_once(scene: Scene) -> None:
    body = wanted(deliver_by="2020-02-14T00:00:00Z", min_fill_kg=501)
    answer = await scene.client.post("/v1/orders", json=body, headers=scene.buyer)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/deliver_by", "#/min_fill_kg"]


async def test_fifty_at_once_with_one_key_are_one_order_and_equal_bytes(scene: Scene) -> None:
    headers = scene.buyer | {"Idempotency-Key": "PO-50"}

    async def post() -> bytes:
        while True:
            answer = await scene.client.post("/v1/orders", json=wanted(), headers=headers)
            if answer.status_code == 201:
                return bytes(answer.content)
            assert answer.status_code in {409, 503}, answer.text
            await asyncio.sleep(0.1)

    assert len(set(await asyncio.gather(*[post() for _ in range(50)]))) == 1
    assert await stored(scene) == 1


async def test_a_key_belongs_to_its_caller_and_to_its_body(scene: Scene) -> None:
    key = {"Idempotency-Key": "PO-1"}
    first = await scene.client.post("/v1/orders", json=wanted(), headers=scene.buyer | key)
    other_body = await scene.client.post("/v1/orders", json=wanted(quantity_kg=1), headers=scene.buyer | key)
    assert (other_body.status_code, other_body.json()["type"]) == (422, "/problems/idempotency-key-reused")
    stranger = await scene.client.post("/v1/orders", json=wanted(), headers=scene.issuer.caller("citizen") | key)
    assert stranger.status_code == 201
    assert stranger.json()["id"] != first.json()["id"]
    assert await stored(scene) == 2


async def test_a_refusal_is_not_remembered_under_its_key(scene: Scene) -> None:
    headers = scene.buyer | {"Idempotency-Key": "PO-1"}
    refused = await scene.client.post("/v1/orders", json=wanted(quantity_kg=0), headers=headers)
    taken = await scene.client.post("/v1/orders", json=wanted(), headers=headers)
    assert (refused.status_code, taken.status_code) == (422, 201)


async def test_without_a_key_a_repeat_is_a_second_order(scene: Scene) -> None:
    assert (await scene.order())["id"] != (await scene.order())["id"]


async def test_cancelling_again_with_its_key_is_the_first_answer(scene: Scene) -> None:
    order = await scene.order()
    headers = scene.buyer | {"Idempotency-Key": "never mind"}
    path = f"/v1/orders/{order['id']}/cancel"
    first = await scene.client.post(path, headers=headers)
    again = await scene.client.post(path, headers=headers)
    assert (first.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])


async def test_of_changes_made_at_once_to_one_version_one_is_taken(scene: Scene) -> None:
    order = await scene.order()
    answers = await asyncio.gather(*[patched(scene, order["id"], 1, quantity_kg=500 + n) for n in range(1, 7)])
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    (taken,) = [answer for answer in answers if answer.status_code == 200]
    assert await scene.read_order(order["id"]) == taken.json()
    assert (taken.json()["version"], taken.headers["etag"]) == (2, '"2"')


@pytest.mark.parametrize("version", ['"1"', "1", 'W/"1"', ' "1" '])
async def test_a_version_is_read_quoted_weak_or_bare(scene: Scene, version: str) -> None:
    order = await scene.order()
    assert (await patched(scene, order["id"], version, quantity_kg=1)).status_code == 200


@pytest.mark.parametrize("version", ['"one"', "", "-1", "1.0", "9" * 30])
async def test_what_is_no_version_is_refused_by_its_header(scene: Scene, version: str) -> None:
    order = await scene.order()
    answer = await patched(scene, order["id"], version, quantity_kg=1)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-header")
    assert answer.json()["errors"][0]["pointer"] == "#/header/If-Match"
    assert await scene.read_order(order["id"]) == order


async def test_any_present_version_may_be_meant(scene: Scene) -> None:
    order = await scene.order()
    for version in (2, 3):
        assert (await patched(scene, order["id"], "*", quantity_kg=version)).json()["version"] == version


async def test_a_change_of_nothing_is_no_new_version(scene: Scene) -> None:
    order = await scene.order()
    answer = await patched(scene, order["id"], 1)
    assert (answer.status_code, answer.json()) == (200, order)


async def test_what_is_left_out_stays_and_null_is_not_left_out(scene: Scene) -> None:
    order = await scene.order(reference="PO-7", min_fill_kg=3)
    answer = await patched(scene, order["id"], 1, max_price_fen_per_kg=2700)
    assert answer.json() == order | {"max_price_fen_per_kg": 2700, "version": 2}
    for field in ("quantity_kg", "max_price_fen_per_kg", "deliver_from", "deliver_by"):
        refused = await patched(scene, order["id"], 2, **{field: None})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"#/{field}")


async def test_a_change_is_judged_together_with_what_stays(scene: Scene) -> None:
    order = await scene.order(min_fill_kg=100, deliver_by=soon(days=2).isoformat())
    for change, pointer in (
        ({"quantity_kg": 99.999}, "#/quantity_kg"),
        ({"deliver_from": soon(days=2, seconds=5).isoformat()}, "#/deliver_by"),
        ({"deliver_by": soon(days=-1).isoformat()}, "#/deliver_by"),
    ):
        refused = await patched(scene, order["id"], 1, **change)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await patched(scene, order["id"], 1, quantity_kg=100)).status_code == 200


async def test_a_change_and_a_round_at_once_never_promise_more_than_is_wanted(scene: Scene) -> None:
    for _ in range(6):
        lot = await scene.lot()
        order = await scene.order(listing_id=str(lot.listing_id), quantity_kg=900)
        changed, _ = await asyncio.gather(patched(scene, order["id"], 1, quantity_kg=200), scene.round())
        after = await scene.read_order(order["id"])
        assert changed.status_code in {200, 409}
        assert after["quantity_kg"] == (200 if changed.status_code == 200 else 900)
        assert after["agreed_kg"] <= after["quantity_kg"]
        await books_balance(scene.db)


async def test_pages_of_any_size_join_to_all_orders_newest_first(scene: Scene) -> None:
    placed = [(await scene.order(quantity_kg=n + 1))["id"] for n in range(7)]
    for limit in (1, 2, 3, 7, 8):
        seen: list[str] = []
        after: str | None = None
        while True:
            query = {"limit": limit} | ({"after": after} if after else {})
            page = (await scene.client.get("/v1/orders", params=query, headers=scene.buyer)).json()
            assert len(page["items"]) <= limit
            seen += [each["id"] for each in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == placed[::-1]


async def test_each_buyer_lists_their_own_and_an_admin_all(scene: Scene) -> None:
    mine = await scene.order()
    neighbour = scene.issuer.caller("citizen")
    theirs = (await scene.client.post("/v1/orders", json=wanted(), headers=neighbour)).json()
    for headers, expected in (
        (scene.buyer, [mine["id"]]),
        (neighbour, [theirs["id"]]),
        (scene.issuer.caller("admin"), [theirs["id"], mine["id"]]),
        (scene.issuer.caller("group_leader"), []),
    ):
        items = (await scene.client.get("/v1/orders", headers=headers)).json()["items"]
        assert [each["id"] for each in items] == expected


async def test_more_than_one_batch_of_overdue_orders_expires(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "EXPIRY_BATCH", 2)
    orders = [(await scene.order())["id"] for _ in range(5)]
    await make_overdue(scene, *orders)
    assert await service.expire_overdue(scene.db) == 5
    assert {(await scene.read_order(order_id))["version"] for order_id in orders} == {2}


async def test_two_workers_expire_each_order_once(scene: Scene) -> None:
    orders = [(await scene.order())["id"] for _ in range(20)]
    await make_overdue(scene, *orders)
    counts = await asyncio.gather(*[service.expire_overdue(scene.db) for _ in range(3)])
    assert sum(counts) == 20
    assert {(await scene.read_order(order_id))["version"] for order_id in orders} == {2}


async def test_an_overdue_order_is_matched_by_nobody_even_before_it_is_called_expired(scene: Scene) -> None:
    await scene.lot()
    await make_overdue(scene, (await scene.order())["id"])
    assert (await scene.round()).matches == 0


async def test_what_is_expired_stays_so_and_can_not_be_changed(scene: Scene) -> None:
    order = await scene.order()
    await make_overdue(scene, order["id"])
    await service.expire_overdue(scene.db)
    answer = await patched(scene, order["id"], 2, deliver_by=soon(days=3).isoformat())
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/order-closed")


async def test_an_order_for_a_listing_nobody_has_heard_of_is_taken(scene: Scene) -> None:
    unheard = str(uuid4())
    assert (await scene.order(listing_id=unheard))["listing_id"] == unheard
    assert (await scene.round()).matches == 0
