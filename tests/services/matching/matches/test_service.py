"""Matches through their routes: keys, pages, who hears of what, and jobs in more than one batch."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from contracts.matches import MatchAgreed, MatchProposed, MatchReleased
from contracts.supply import RemainingChanged
from services.matching.feed.models import FEED
from services.matching.matches import service
from services.matching.matches.models import REFUSED_PAIRS
from tests.services.matching.scene import Scene, books_balance, consume, published, then, withdrawn


async def feed(scene: Scene, account_id: UUID) -> list[dict[str, Any]]:
    while await FEED.append_batch(scene.db):
        pass
    async with scene.db.reading() as session:
        mine = select(FEED.items.c.item).where(FEED.items.c.account_id == account_id).order_by(FEED.items.c.seq)
        return [json.loads(item) for item in await session.scalars(mine)]


async def refused_pairs(scene: Scene) -> list[tuple[UUID, UUID, int, int]]:
    async with scene.db.reading() as session:
        return [tuple(row) for row in await session.execute(select(REFUSED_PAIRS))]


@pytest.mark.parametrize("verb", ["agree", "decline"])
async def test_an_answer_sent_again_with_its_key_is_the_first_answer_byte_for_byte(scene: Scene, verb: str) -> None:
    match = await scene.matched(auto_agree=False)
    headers = scene.buyer | {"Idempotency-Key": "my answer"}
    path = f"/v1/matches/{match.id}/{verb}"
    first = await scene.client.post(path, headers=headers)
    again = await scene.client.post(path, headers=headers)
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (again.content, again.headers["etag"]) == (first.content, '"2"')
    other = await scene.client.post(path, json={"reason": "x"} if verb == "decline" else {"x": 1}, headers=headers)
    assert other.status_code == 422


async def test_a_no_needs_no_reason_and_no_body(scene: Scene) -> None:
    for body in (None, {}, {"reason": None}):
        match = await scene.matched(auto_agree=False)
        answer = await scene.client.post(f"/v1/matches/{match.id}/decline", json=body, headers=scene.buyer)
        assert (answer.status_code, answer.json()["words"]) == (200, None)


@pytest.mark.parametrize("reason", ["x" * 4001, 7, "a\0b", ["no"]])
async def test_a_reason_that_is_no_text_or_endless_is_refused(scene: Scene, reason: object) -> None:
    match = await scene.matched(auto_agree=False)
    answer = await scene.answer(match, "buyer", "decline", reason=reason)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/reason")
    assert (await scene.match(match.id)).status == "proposed"


async def test_an_agreed_match_is_read_with_its_version_by_both_sides_alike(scene: Scene) -> None:
    match = await scene.matched()
    producer = scene.issuer.caller("producer", match.producer_id)
    theirs = await scene.client.get(f"/v1/matches/{match.id}", headers=producer)
    ours = await scene.client.get(f"/v1/matches/{match.id}", headers=scene.buyer)
    assert (theirs.json(), theirs.headers["etag"]) == (ours.json(), '"1"')
    assert ours.json()["origin"] == {"adcode": "321323", "lon": 118.69, "lat": 33.72}
    assert ours.json()["destination"]["adcode"] == "320102"
    assert None not in ours.json()["destination"].values(), "the point that the distance was measured to"


async def test_pages_of_matches_join_to_all_of_them(scene: Scene) -> None:
    for _ in range(5):
        await scene.lot(quantity_g=1_000)
    await scene.order(quantity_kg=5)
    await scene.round()
    for limit in (1, 2, 5, 6):
        seen, after = [], {}
        while True:
            page = await scene.client.get("/v1/matches", params={"limit": limit} | after, headers=scene.buyer)
            seen += [each["id"] for each in page.json()["items"]]
            if page.json()["next"] is None:
                break
            after = {"after": page.json()["next"]}
        assert seen == [str(match.id) for match in reversed(await scene.matches())]


async def test_who_sells_to_themselves_is_told_once_and_may_answer_for_both(scene: Scene) -> None:
    lot = await scene.lot(producer_id=scene.buyer_id, auto_agree=False)
    await scene.order(listing_id=str(lot.listing_id), auto_agree=False)
    await scene.round()
    (match,) = await scene.matches()
    assert [item["seq"] for item in await feed(scene, scene.buyer_id)] == [1]
    answer = await scene.answer(match, "buyer", "agree")
    assert answer.json()["consents"]["producer"] is True


async def test_both_feeds_show_proposal_and_outcome_and_a_half_consent_in_between_to_nobody(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False, lot_agrees=False)
    await scene.answer(match, "buyer", "agree")
    assert [item["type"] for item in await feed(scene, match.producer_id)] == ["match.proposed"]
    await scene.answer(match, "producer", "agree")
    for account in (match.producer_id, match.buyer_id):
        proposed, agreed = await feed(scene, account)
        assert (proposed["type"], proposed["match"]["version"]) == ("match.proposed", 1)
        assert proposed["match"]["consents"] == {"producer": False, "buyer": False}
        assert (agreed["type"], agreed["match"]["version"]) == ("match.agreed", 3)
        assert agreed["match"]["consents"] == {"producer": True, "buyer": True}
        assert agreed["match"] == (await scene.answer(match, "buyer", "agree")).json()


async def test_a_match_both_had_said_yes_to_is_one_event_in_each_feed(scene: Scene) -> None:
    match = await scene.matched()
    for account in (match.producer_id, match.buyer_id):
        (item,) = await feed(scene, account)
        assert (item["type"], item["match"]["agree_by"]) == ("match.agreed", None)
    assert await scene.told_of(MatchProposed) == []


@pytest.mark.parametrize("how", ["declined", "deadline", "listing_withdrawn", "order_cancelled", "expired"])
async def test_each_release_says_why_in_the_event_and_in_both_feeds(scene: Scene, how: str) -> None:
    lot = await scene.lot(auto_agree=False)
    order = await scene.order()
    await scene.round()
    (match,) = await scene.matches()
    if how == "declined":
        await scene.answer(match, "producer", "decline", reason="cold night")
    elif how == "deadline":
        await scene.let_deadlines_pass()
        await service.release_lapsed(scene.db)
    elif how == "order_cancelled":
        await scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer)
    else:
        await consume(scene.db, withdrawn(lot) if how == "listing_withdrawn" else then(lot, status="expired"))
    (released,) = await scene.told_of(MatchReleased)
    assert released.reason == how
    for account in (match.producer_id, match.buyer_id):
        item = (await feed(scene, account))[-1]
        assert (item["type"], item["reason"], item["match"]["reason"]) == ("match.released", how, how)
    assert bool(await refused_pairs(scene)) is (how in {"declined", "deadline"})
    await books_balance(scene.db)


async def test_a_second_no_of_a_pair_stands_at_its_newer_terms(scene: Scene) -> None:
    lot = await scene.lot(auto_agree=False)
    order = await scene.order()
    await scene.round()
    await scene.answer((await scene.matches())[-1], "producer", "decline")
    await consume(scene.db, then(lot, min_price_fen_per_kg=1500))
    assert (await scene.round()).matches == 1
    await scene.answer((await scene.matches())[-1], "producer", "decline")
    assert await refused_pairs(scene) == [(lot.listing_id, UUID(order["id"]), 2, 1)]
    assert (await scene.round()).matches == 0


async def test_more_than_one_batch_of_lapsed_matches_is_released(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LAPSED_BATCH", 2)
    lots = [await scene.lot(quantity_g=1_000, auto_agree=False) for _ in range(5)]
    await scene.order(quantity_kg=5)
    await scene.round()
    await scene.let_deadlines_pass()
    assert sum(await asyncio.gather(*[service.release_lapsed(scene.db) for _ in range(2)])) == 5
    assert len(await scene.told_of(MatchReleased)) == len(lots)
    await books_balance(scene.db)


async def test_what_is_left_of_a_listing_is_told_once_however_many_of_its_matches_end_at_once(scene: Scene) -> None:
    lot = await scene.lot(auto_agree=False)
    for _ in range(4):
        await scene.order(quantity_kg=100)
    await scene.round()
    before = len(await scene.told_of(RemainingChanged))
    await scene.let_deadlines_pass()
    await service.release_lapsed(scene.db)
    (told,) = (await scene.told_of(RemainingChanged))[before:]
    assert (told.listing_id, told.remaining_g, told.held_g) == (lot.listing_id, 1_000_000, 0)


async def test_a_yes_by_both_sides_at_once_agrees_once(scene: Scene) -> None:
    for _ in range(6):
        match = await scene.matched(auto_agree=False, lot_agrees=False)
        answers = await asyncio.gather(
            *[scene.answer(match, side, "agree") for side in ("producer", "buyer", "producer", "buyer")]
        )
        assert {answer.status_code for answer in answers} == {200}
        agreed = [event for event in await scene.told_of(MatchAgreed) if event.match_id == match.id]
        assert [event.version for event in agreed] == [3]
        await books_balance(scene.db)


async def test_a_listing_never_heard_of_closes_nothing(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    await consume(scene.db, published(listing_id=uuid4(), status="withdrawn"))
    assert (await scene.match(match.id)).status == "proposed"


async def test_a_withdrawal_heard_before_the_listing_itself_stands(scene: Scene) -> None:
    lot = published()
    await consume(scene.db, withdrawn(lot))
    await consume(scene.db, lot)
    await scene.order(listing_id=str(lot.listing_id))
    assert (await scene.round()).matches == 0
