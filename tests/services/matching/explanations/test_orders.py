"""Why an order is not met, as its buyer asks."""

import asyncio
from typing import Any
from uuid import uuid4

from sqlalchemy import update

from services.matching.orders.models import Order
from services.matching.rounds.service import clear_changed
from services.matching.supply.models import Supply
from tests.services.matching.scene import Scene, consume, published, soon, withdrawn


async def explanation(scene: Scene, order: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await scene.client.get(f"/v1/orders/{order['id']}/explanation", headers=scene.buyer | headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def codes(told: dict[str, Any]) -> list[str]:
    return [each["code"] for each in told["reasons"]]


async def raised(scene: Scene, order: dict[str, Any], ceiling: int, version: int) -> None:
    """The buyer pays more."""
    headers = scene.buyer | {"If-Match": str(version)}
    change = {"max_price_fen_per_kg": ceiling}
    assert (await scene.client.patch(f"/v1/orders/{order['id']}", json=change, headers=headers)).status_code == 200


async def test_from_the_moment_of_its_201_it_is_pending_and_has_no_reasons(scene: Scene) -> None:
    assert await explanation(scene, await scene.order()) == {
        "state": "pending",
        "reasons": [],
        "cheapest_fix": None,
        "round_id": None,
        "certified_gap": None,
    }


async def test_anothers_order_is_not_found_and_a_producer_may_not_ask(scene: Scene) -> None:
    path = f"/v1/orders/{(await scene.order())['id']}/explanation"
    statuses = {
        who: (await scene.client.get(path, headers=scene.issuer.caller(who, uuid4()))).status_code  # type: ignore[arg-type]
        for who in ("platform", "citizen", "producer", "auditor", "admin")
    }
    assert statuses == {"platform": 404, "citizen": 404, "producer": 403, "auditor": 403, "admin": 200}


async def test_a_ceiling_below_the_floor_is_told_with_the_one_that_would_buy_and_then_does(scene: Scene) -> None:
    await scene.lot(min_price_fen_per_kg=2700)
    order = await scene.order(quantity_kg=500)
    cleared = await scene.round()
    told = await explanation(scene, order)
    assert (told["state"], told["round_id"], told["certified_gap"]) == ("unsold", str(cleared.id), 0)
    (reason,) = told["reasons"]
    assert (reason["code"], reason["quantity_kg"], reason["count"]) == ("price_gap", 500, 1)
    assert reason["text"] == "500 kg: you pay less than the floor price of 1 lot."
    fix = told["cheapest_fix"]
    assert (fix["change"], fix["would_match_kg"]) == ("max_price_fen_per_kg", 500)

    await raised(scene, order, fix["to"] - 1, version=1)
    assert (await scene.round()).matched_g == 0
    await raised(scene, order, fix["to"], version=2)
    assert (await scene.round()).matched_g == 500_000
    told = await explanation(scene, order)
    assert (told["state"], told["reasons"], told["cheapest_fix"]) == ("sold", [], None)


async def test_sentences_come_in_the_language_asked_for(scene: Scene) -> None:
    await scene.lot(grade="C")
    order = await scene.order(min_grade="A")
    await scene.round()
    (reason,) = (await explanation(scene, order, **{"Accept-Language": "zh-CN"}))["reasons"]
    assert reason["text"] == "500 公斤：1 个供应的等级低于您的要求。"


async def test_what_others_bought_is_outbid_however_long_ago(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    poor, rich = await scene.order(quantity_kg=500), await scene.order(quantity_kg=300, max_price_fen_per_kg=3000)
    await scene.round()
    assert (await scene.read_order(rich["id"]))["agreed_kg"] == 300
    told = await explanation(scene, poor)
    assert [(each["code"], each["quantity_kg"], each["count"]) for each in told["reasons"]] == [("outbid", 300, 1)]
    assert told["cheapest_fix"] is None, "what was agreed stays"


async def test_a_lot_that_was_sold_before_an_order_came_is_no_reason_for_it(scene: Scene) -> None:
    await scene.lot(quantity_g=500_000)
    await scene.order(quantity_kg=500)
    await scene.round()
    late = await scene.order(quantity_kg=100)
    assert await clear_changed(scene.db, scene.pool, "strawberry") is None
    assert [each["code"] for each in (await explanation(scene, late))["reasons"]] == ["no_supply"]


async def test_what_it_was_promised_itself_is_not_outbid(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    order = await scene.order(quantity_kg=500)
    await scene.round()
    told = await explanation(scene, order)
    assert (told["state"], codes(told), told["reasons"][0]["quantity_kg"]) == ("partly", ["no_supply"], 200)


async def test_a_lot_that_has_spoiled_is_no_reason(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    poor = await scene.order(quantity_kg=500)
    await scene.order(quantity_kg=300, max_price_fen_per_kg=3000)
    await scene.round()
    async with scene.db.transaction() as session:
        await session.execute(update(Supply).values(spoils_at=soon(hours=-1)))
    assert codes(await explanation(scene, poor)) == ["no_supply"]


async def test_a_pin_to_a_listing_that_nobody_knows_is_no_supply_beside_any_other(scene: Scene) -> None:
    await scene.lot()
    order = await scene.order(listing_id=str(published().listing_id))
    await scene.round()
    told = await explanation(scene, order)
    assert (told["state"], codes(told), told["cheapest_fix"]) == ("unsold", ["no_supply"], None)


async def test_a_market_without_a_lot_says_so_though_it_has_no_rounds(scene: Scene) -> None:
    order = await scene.order()
    assert await clear_changed(scene.db, scene.pool, "strawberry") is None
    told = await explanation(scene, order)
    assert (told["state"], codes(told)) == ("unsold", ["no_supply"])


async def test_what_was_declined_is_a_reason(scene: Scene) -> None:
    match = await scene.matched(lot_agrees=False)
    await scene.answer(match, "producer", "decline")
    await scene.round()
    assert codes(await explanation(scene, {"id": str(match.order_id)})) == ["declined"]


async def test_a_least_fill_that_can_not_be_met_is_a_reason(scene: Scene) -> None:
    await scene.lot(quantity_g=90_000)
    order = await scene.order(quantity_kg=500, min_fill_kg=100)
    await scene.round()
    told = await explanation(scene, order)
    assert (codes(told), told["reasons"][0]["quantity_kg"]) == (["min_fill"], 90)


async def test_cancelled_and_overdue_are_closed(scene: Scene) -> None:
    cancelled, overdue = await scene.order(), await scene.order()
    await scene.client.post(f"/v1/orders/{cancelled['id']}/cancel", headers=scene.buyer)
    async with scene.db.transaction() as session:
        await session.execute(update(Order).where(Order.lifecycle == "open").values(deliver_by=soon(hours=-1)))
    assert [(await explanation(scene, each))["state"] for each in (cancelled, overdue)] == ["closed", "closed"]


async def test_sellers_and_buyers_who_ask_at_once_are_answered_together(scene: Scene, monkeypatch: Any) -> None:
    lots = [await scene.lot(min_price_fen_per_kg=2700) for _ in range(8)]
    bids = [await scene.order() for _ in range(8)]
    await scene.round()
    asked: list[int] = []
    plain = scene.pool.explain

    async def counted(*question: Any) -> Any:
        asked.append(len(question[-1]))
        return await plain(*question)

    monkeypatch.setattr(scene.pool, "explain", counted)

    async def of_lot(lot: Any) -> dict[str, Any]:
        headers = scene.issuer.caller("producer", lot.producer_id)
        told: dict[str, Any] = (
            await scene.client.get(f"/v1/listings/{lot.listing_id}/explanation", headers=headers)
        ).json()
        return told

    told = await asyncio.gather(*map(of_lot, lots), *(explanation(scene, bid) for bid in bids))
    assert {(*codes(each), each["cheapest_fix"]["change"]) for each in told} == {
        ("price_gap", "min_price_fen_per_kg"),
        ("price_gap", "max_price_fen_per_kg"),
    }
    assert (sum(asked), len(asked) <= 5) == (16, True)


async def test_a_lot_that_was_withdrawn_leaves_what_others_bought_of_it(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=400_000)
    await scene.order(quantity_kg=300, max_price_fen_per_kg=3000)
    order = await scene.order(quantity_kg=500, min_fill_kg=450)
    await scene.round()
    await consume(scene.db, withdrawn(lot))
    assert await clear_changed(scene.db, scene.pool, "strawberry") is None
    told = await explanation(scene, order)
    assert [(each["code"], each["quantity_kg"]) for each in told["reasons"]] == [("outbid", 300)]


async def test_nobody_outbid_an_order_whose_lot_was_withdrawn_with_enough_left(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=200_000)
    pin = {"listing_id": str(lot.listing_id)}
    order = await scene.order(quantity_kg=100, auto_agree=False, **pin)
    await scene.order(quantity_kg=50, **pin)
    await scene.round()
    await scene.round()  # one that began when both were there for sure
    assert [each.status for each in await scene.matches()].count("proposed") == 1
    await consume(scene.db, withdrawn(lot))
    for cleared in (False, True):
        told = await explanation(scene, order)
        assert [(each["code"], each["quantity_kg"]) for each in told["reasons"]] == [("no_supply", 100)]
        if not cleared:
            assert (told["round_id"], told["certified_gap"]) == (None, None), "no round has seen it as it is now"
            await clear_changed(scene.db, scene.pool, "strawberry")
