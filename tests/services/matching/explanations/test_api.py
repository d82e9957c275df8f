"""Why a listing is not sold, as its producer asks."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from uuid_utils.compat import uuid7

from chassis.problems import LANGUAGES
from chassis.solvers import SolverFailed
from contracts.listings import ListingPublished
from services.matching.explanations.schemas import SENTENCES, ReasonOut
from services.matching.optimiser.explain import Reason
from services.matching.optimiser.sides import Side
from services.matching.orders.models import Order
from services.matching.rounds import service
from services.matching.rounds.models import Round
from services.matching.rounds.service import clear_changed
from tests.services.matching.scene import Scene, consume, published, soon, then, withdrawn


async def explanation(scene: Scene, lot: ListingPublished, **headers: str) -> dict[str, Any]:
    answer = await scene.client.get(
        f"/v1/listings/{lot.listing_id}/explanation",
        headers=scene.issuer.caller("producer", lot.producer_id) | headers,
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def patched(scene: Scene, lot: ListingPublished, **changes: Any) -> None:
    await consume(scene.db, then(lot, **changes))


async def test_before_its_first_round_it_is_pending_and_has_no_reasons(scene: Scene) -> None:
    lot = await scene.lot()
    assert await explanation(scene, lot) == {
        "state": "pending",
        "reasons": [],
        "cheapest_fix": None,
        "round_id": None,
        "certified_gap": None,
    }


async def test_from_the_moment_of_its_201_it_is_pending_even_if_matching_has_not_heard_of_it(scene: Scene) -> None:
    unheard = published(listing_id=uuid7())
    assert (await explanation(scene, unheard))["state"] == "pending"


@pytest.mark.parametrize(
    "listing_id",
    [uuid4(), UUID("01900000-0000-7000-8000-000000000000"), UUID("ffffffff-ffff-7000-8000-000000000000")],
    ids=["version 4", "of long ago", "of the year 10889"],
)
async def test_what_nobody_ever_posted_is_not_found(scene: Scene, listing_id: UUID) -> None:
    answer = await scene.client.get(
        f"/v1/listings/{listing_id}/explanation", headers=scene.issuer.caller("producer", uuid4())
    )
    assert answer.status_code == 404


async def test_anothers_listing_is_not_found_and_a_buyer_may_not_ask(scene: Scene) -> None:
    lot = published(listing_id=uuid7())
    await consume(scene.db, lot)
    path = f"/v1/listings/{lot.listing_id}/explanation"
    assert (await scene.client.get(path, headers=scene.issuer.caller("producer", uuid4()))).status_code == 404
    assert (await scene.client.get(path, headers=scene.buyer)).status_code == 403
    assert (await scene.client.get(path, headers=scene.issuer.caller("admin", uuid4()))).status_code == 200


async def test_the_gap_is_that_of_the_last_look_at_the_whole_market_while_none_is_greater(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MANY", 1.0)
    lot = await scene.lot(min_price_fen_per_kg=2700)
    await scene.order(quantity_kg=500)
    whole = await scene.round()
    await scene.lot(min_price_fen_per_kg=2800)
    small = await clear_changed(scene.db, scene.pool, "strawberry")
    assert small is not None
    for gap, of_whole in ((0.5, 0.25), (0.25, 0.5)):
        async with scene.db.transaction() as session:
            for cleared, certified_gap in ((small, gap), (whole, of_whole)):
                await session.execute(update(Round).where(Round.id == cleared.id).values(certified_gap=certified_gap))
        told = await explanation(scene, lot)
        assert (told["round_id"], told["certified_gap"]) == (str(small.id), 0.5)


async def test_a_floor_above_what_is_paid_is_told_with_the_floor_that_would_sell_and_then_does(scene: Scene) -> None:
    lot = await scene.lot(min_price_fen_per_kg=2700)
    await scene.order(quantity_kg=500)
    cleared = await scene.round()
    told = await explanation(scene, lot)
    assert told["state"] == "unsold"
    assert told["round_id"] == str(cleared.id)
    assert told["certified_gap"] == 0
    (reason,) = told["reasons"]
    assert (reason["code"], reason["quantity_kg"], reason["count"]) == ("price_gap", 500, 1)
    assert reason["text"] == "500 kg: your floor price is above what 1 order would pay."
    fix = told["cheapest_fix"]
    assert (fix["change"], fix["would_match_kg"]) == ("min_price_fen_per_kg", 500)

    await patched(scene, lot, min_price_fen_per_kg=fix["to"] + 1)
    assert (await scene.round()).matched_g == 0
    await patched(scene, lot, min_price_fen_per_kg=fix["to"], version=3)
    assert (await scene.round()).matched_g == 500_000
    told = await explanation(scene, lot)
    assert told["state"] == "partly"
    assert [each["code"] for each in told["reasons"]] == ["no_demand"], "the only order was filled by this very lot"


async def test_sentences_come_in_the_language_asked_for(scene: Scene) -> None:
    lot = await scene.lot(grade="C")
    await scene.order(min_grade="A")
    await scene.round()
    (reason,) = (await explanation(scene, lot, **{"Accept-Language": "zh-CN"}))["reasons"]
    assert reason["text"] == "500 公斤：1 个求购要求更高等级。"


SIDES: tuple[Side, ...] = ("listing", "order")


@pytest.mark.parametrize("side", SIDES)
def test_every_code_has_its_sentence_in_both_languages(side: Side) -> None:
    for code in SENTENCES[side]:
        zh, en = (ReasonOut.of(Reason(code, 1500, 3), side, language).text for language in LANGUAGES)
        assert zh != en
        assert "{" not in en + zh


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 order would"), (2, "2 orders would"), (1234, "1,234 orders would")], ids=str
)
def test_one_of_the_other_side_is_told_of_as_one(count: int, told: str) -> None:
    assert told in ReasonOut.of(Reason("price_gap", 1500, count), "listing", "en").text


async def test_what_others_sold_is_outbid_however_long_ago(scene: Scene) -> None:
    dear, cheap = await scene.lot(min_price_fen_per_kg=1700), await scene.lot(min_price_fen_per_kg=1200)
    await scene.order(quantity_kg=1000)
    await scene.round()
    told = await explanation(scene, dear)
    sold = [each for each in await scene.matches() if each.listing_id == cheap.listing_id]
    assert told["reasons"][0]["code"] == "outbid"
    assert told["reasons"][0]["quantity_kg"] == sum(each.quantity_g for each in sold) / 1000
    assert told["cheapest_fix"] is None, "what was agreed stays"


async def test_an_order_that_was_filled_before_a_lot_came_is_no_reason_for_it(scene: Scene) -> None:
    await scene.lot(quantity_g=500_000)
    await scene.order(quantity_kg=800)
    await scene.round()
    lot, dear = await scene.lot(quantity_g=100_000), await scene.lot(min_price_fen_per_kg=5000)
    other = await scene.lot(quantity_g=200_000, min_price_fen_per_kg=1100)
    await scene.round()
    told = await explanation(scene, dear)
    sold = [each for each in await scene.matches() if each.listing_id in {lot.listing_id, other.listing_id}]
    (reason,) = told["reasons"]
    assert (reason["code"], reason["quantity_kg"]) == ("price_gap", sum(each.quantity_g for each in sold) / 1000)
    late = await scene.lot()
    assert await clear_changed(scene.db, scene.pool, "strawberry") is None
    assert [each["code"] for each in (await explanation(scene, late))["reasons"]] == ["no_demand"]


async def test_an_order_that_is_over_is_no_reason(scene: Scene) -> None:
    dear = await scene.lot(min_price_fen_per_kg=1700)
    await scene.lot(min_price_fen_per_kg=1200)
    await scene.order(quantity_kg=1000)
    await scene.round()
    async with scene.db.transaction() as session:
        await session.execute(update(Order).values(deliver_by=soon(hours=-1)))
    assert [each["code"] for each in (await explanation(scene, dear))["reasons"]] == ["no_demand"]


async def test_nobody_outbid_a_lot_whose_order_was_cancelled_with_enough_left(scene: Scene) -> None:
    cheap = await scene.lot(min_price_fen_per_kg=1200, quantity_g=300_000)
    order = await scene.order(quantity_kg=1000)
    dear = await scene.lot(min_price_fen_per_kg=1300, quantity_g=200_000, auto_agree=False)
    await scene.round()
    assert {(each.listing_id, each.status) for each in await scene.matches()} == {
        (cheap.listing_id, "agreed"),
        (dear.listing_id, "proposed"),
    }
    assert (await scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer)).status_code == 200
    await clear_changed(scene.db, scene.pool, "strawberry")
    told = await explanation(scene, dear)
    assert (told["state"], [(each["code"], each["quantity_kg"]) for each in told["reasons"]]) == (
        "unsold",
        [("no_demand", 200)],
    )


async def test_what_was_declined_is_a_reason(scene: Scene) -> None:
    match = await scene.matched(lot_agrees=False)
    await scene.answer(match, "producer", "decline")
    await scene.round()
    lot = published(listing_id=match.listing_id, producer_id=match.producer_id)
    assert [each["code"] for each in (await explanation(scene, lot))["reasons"]] == ["declined"]


async def test_a_market_without_a_buyer_says_so_though_it_has_no_rounds(scene: Scene) -> None:
    lot = await scene.lot()
    assert await clear_changed(scene.db, scene.pool, "strawberry") is None
    told = await explanation(scene, lot)
    assert (told["state"], [each["code"] for each in told["reasons"]]) == ("unsold", ["no_demand"])


async def test_sold_and_closed_are_told_without_reasons(scene: Scene) -> None:
    sold = await scene.lot(quantity_g=500_000)
    await scene.order(quantity_kg=500)
    await scene.round()
    gone = await scene.lot()
    await consume(scene.db, withdrawn(gone))
    spoiled = await scene.lot(spoils_at=soon(hours=-1))
    states = [await explanation(scene, lot) for lot in (sold, gone, spoiled)]
    assert [each["state"] for each in states] == ["sold", "closed", "closed"]
    assert not any(each["reasons"] for each in states)


async def test_many_who_ask_together_are_answered_by_few_solves(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    lots = [await scene.lot(min_price_fen_per_kg=2700 + n) for n in range(24)]
    await scene.order()
    await scene.round()
    asked: list[int] = []
    plain = scene.pool.explain

    async def counted(*question: Any) -> Any:
        asked.append(len(question[-1]))
        return await plain(*question)

    monkeypatch.setattr(scene.pool, "explain", counted)
    told = await asyncio.gather(*(explanation(scene, lot) for lot in lots))
    assert {each["reasons"][0]["code"] for each in told} == {"price_gap"}
    assert len({each["cheapest_fix"]["to"] for each in told}) == 1, "whoever asks first needs the same price"
    assert sum(asked) == 24
    assert len(asked) <= 5


async def test_beyond_some_who_wait_others_are_sent_back_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.matching.explanations.service.WAITING_MAX", 3)
    lot = await scene.lot(min_price_fen_per_kg=2700)
    await scene.order()
    await scene.round()
    asking = scene.client.get
    path, headers = f"/v1/listings/{lot.listing_id}/explanation", scene.issuer.caller("producer", lot.producer_id)
    statuses = [each.status_code for each in await asyncio.gather(*(asking(path, headers=headers) for _ in range(20)))]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 3
    assert (await explanation(scene, lot))["state"] == "unsold"


@pytest.mark.parametrize(("error", "status"), [(SolverFailed("away"), 503), (ZeroDivisionError(), 500)], ids=str)
async def test_what_fails_is_told_to_all_who_wait_and_to_nobody_after_them(
    error: Exception, status: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = await scene.lot(min_price_fen_per_kg=2700)
    await scene.order()
    await scene.round()

    async def fails(*_: Any) -> Any:
        raise error

    path, headers = f"/v1/listings/{lot.listing_id}/explanation", scene.issuer.caller("producer", lot.producer_id)
    with monkeypatch.context() as patch:
        patch.setattr(scene.pool, "explain", fails)
        answers = await asyncio.gather(*(scene.client.get(path, headers=headers) for _ in range(5)))
    assert [each.status_code for each in answers] == [status] * 5
    assert {each.headers.get("Retry-After") for each in answers} == {"1" if status == 503 else None}
    assert (await explanation(scene, lot))["state"] == "unsold"
