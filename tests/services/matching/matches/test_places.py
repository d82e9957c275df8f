"""Where a lot lies and where it goes: each side knows its own place, and the other's no finer than its county until the
match is agreed."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update

from chassis.feed import APPEND
from contracts.accounts import AccountErased
from contracts.listings import ListingPublished, Place
from contracts.matches import MatchAgreed, MatchEvent
from services.matching.feed.models import FEED
from services.matching.matches import queries, service
from services.matching.matches.models import Match
from services.matching.worker import forget_erased
from tests.services.matching.scene import NANJING, SIYANG, Scene, consume, county, then, withdrawn

FARM = {"adcode": SIYANG, "lon": 118.6912, "lat": 33.7234}
SHOP = {"adcode": NANJING, "lon": 118.7912, "lat": 32.0434}


BY_SIDE = {"producer": (FARM, county(NANJING)), "buyer": (county(SIYANG), SHOP)}


async def proposed(scene: Scene, producer_id: UUID | None = None) -> Match:
    """A match that its buyer is asked about, between exact places."""
    lot = await scene.lot(origin=Place(**FARM), producer_id=producer_id or uuid4())
    await scene.order(listing_id=str(lot.listing_id), destination=SHOP, auto_agree=False)
    await scene.round()
    return next(each for each in await scene.matches() if each.listing_id == lot.listing_id)


def callers(scene: Scene, match: Match) -> dict[str, dict[str, str]]:
    issuer = scene.issuer
    return {
        "producer": issuer.caller("producer", match.producer_id),
        "buyer": issuer.caller("platform", match.buyer_id),
    }


def places_in(match: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return match["origin"], match["destination"]


async def feed_of(scene: Scene, caller: dict[str, str]) -> list[dict[str, Any]]:
    while await FEED.append_batch(scene.db):
        pass
    items: list[dict[str, Any]] = (await scene.client.get("/v1/feed/matches", headers=caller)).json()["items"]
    return items


async def forget(scene: Scene, account_id: UUID) -> None:
    await consume(scene.db, AccountErased(account_id=account_id, version=2, role="producer"))
    await forget_erased(scene.db)


@pytest.mark.parametrize("side", ["producer", "buyer"])
async def test_until_it_is_agreed_the_other_side_is_shown_the_county(scene: Scene, side: str) -> None:
    match = await proposed(scene)
    mine = callers(scene, match)[side]
    (item,) = await feed_of(scene, mine)
    (listed,) = (await scene.client.get("/v1/matches", headers=mine)).json()["items"]
    read = (await scene.client.get(f"/v1/matches/{match.id}", headers=mine)).json()
    assert [places_in(each) for each in (item["match"], listed, read)] == [BY_SIDE[side]] * 3
    assert item["match"] == read, "nothing else differs"


@pytest.mark.parametrize("side", ["producer", "buyer"])
async def test_from_the_agreement_on_both_see_where_it_is_fetched_and_brought(scene: Scene, side: str) -> None:
    match = await proposed(scene)
    mine = callers(scene, match)[side]
    told = (await scene.answer(match, "buyer", "agree")).json()
    before, after = await feed_of(scene, mine)
    assert (places_in(told), places_in(after["match"])) == ((FARM, SHOP), (FARM, SHOP))
    assert places_in(before["match"]) == BY_SIDE[side], "the event of that moment does not change"


async def test_a_no_shows_no_more_than_the_proposal(scene: Scene) -> None:
    match = await proposed(scene)
    answer = (await scene.answer(match, "buyer", "decline")).json()
    by_side = callers(scene, match)
    items = [(await feed_of(scene, by_side[side]))[-1] for side in by_side]
    assert places_in(answer) == BY_SIDE["buyer"]
    assert [(each["type"], places_in(each["match"])) for each in items] == [
        ("match.released", BY_SIDE[side]) for side in by_side
    ]


@pytest.mark.parametrize("end", ["proposed", "declined"])
async def test_an_appender_that_knows_of_no_own_states_tells_each_side_of_counties_alone(
    scene: Scene, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the version before appends while the others are of this one."""
    match = await proposed(scene)
    if end == "declined":
        await scene.answer(match, "buyer", "decline")
    before = APPEND.replace('coalesce(own, "MEMBER")', '"MEMBER"').replace("MEMBER", "match")
    assert "own," not in before
    monkeypatch.setattr(FEED, "append", text(before))
    for mine in callers(scene, match).values():
        *_, item = await feed_of(scene, mine)
        assert places_in(item["match"]) == (county(SIYANG), county(NANJING))
        assert item["match"]["status"] == {"proposed": "proposed", "declined": "released"}[end]


async def test_both_sides_are_numbered_in_one_batch_and_one_account_on_both_sides_sees_all(scene: Scene) -> None:
    match = await proposed(scene, producer_id=scene.buyer_id)
    (item,) = await feed_of(scene, callers(scene, match)["buyer"])
    assert places_in(item["match"]) == (FARM, SHOP)
    await proposed(scene)
    assert await FEED.append_batch(scene.db) == 1, "one event, of two accounts"


async def test_other_services_hear_of_exact_places_only_when_goods_are_to_be_moved(scene: Scene) -> None:
    match = await proposed(scene)
    await scene.answer(match, "buyer", "agree")
    first, second = await scene.told_of(MatchEvent)
    assert (first.origin, first.destination) == (Place(**county(SIYANG)), Place(**county(NANJING)))
    assert isinstance(second, MatchAgreed)
    assert (second.origin, second.destination) == (Place(**FARM), Place(**SHOP))


@pytest.mark.parametrize("side", ["producer", "buyer"])
async def test_an_erasure_forgets_the_places_of_matches_never_agreed(
    scene: Scene, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    account_id = uuid4() if side == "producer" else scene.buyer_id
    agreed = await proposed(scene, account_id if side == "producer" else None)
    await scene.answer(agreed, "buyer", "agree")
    for _ in range(3):
        declined = await proposed(scene, account_id if side == "producer" else None)
        await scene.answer(declined, "buyer", "decline")
    await forget(scene, account_id)
    stands, *others = await scene.matches()
    exact = (FARM["lon"], FARM["lat"], SHOP["lon"], SHOP["lat"])
    there, shop = county(SIYANG), county(NANJING)
    forgotten = {
        "producer": (there["lon"], there["lat"], SHOP["lon"], SHOP["lat"]),
        "buyer": (FARM["lon"], FARM["lat"], shop["lon"], shop["lat"]),
    }
    points = [(each.origin_lon, each.origin_lat, each.destination_lon, each.destination_lat) for each in others]
    assert points == [forgotten[side]] * 3
    assert (stands.origin_lon, stands.origin_lat, stands.destination_lon, stands.destination_lat) == exact


async def test_the_matches_to_forget_of_both_sides_come_in_one_order_each_once(scene: Scene) -> None:
    both, buyer, third = [await proposed(scene, producer_id=each) for each in (scene.buyer_id, None, scene.buyer_id)]
    agreed = await proposed(scene)
    await scene.answer(agreed, "buyer", "agree")
    for after, expected in ((None, [both.id, buyer.id]), (buyer.id, [third.id]), (third.id, [])):
        async with scene.db.transaction() as session:
            found = await queries.locked_never_agreed(session, scene.buyer_id, after=after, limit=2)
        assert [match.id for match in found] == expected


async def made_meanwhile(scene: Scene) -> tuple[ListingPublished, Match]:
    """A match that a round was making while its producer was erased: `forget_places` did not see it."""
    lot = await scene.lot(origin=Place(**FARM))
    await scene.order(listing_id=str(lot.listing_id), destination=SHOP, auto_agree=False)
    await scene.round()
    (match,) = await scene.matches()
    await forget(scene, lot.producer_id)
    async with scene.db.transaction() as session:
        await session.execute(update(Match).values(origin_lon=FARM["lon"], origin_lat=FARM["lat"]))
    return lot, match


async def forgot_the_farm_alone(scene: Scene) -> None:
    (match,) = await scene.matches()
    there = county(SIYANG)
    assert (match.status, match.origin_lon, match.origin_lat) == ("released", there["lon"], there["lat"])
    assert (match.destination_lon, match.destination_lat) == (SHOP["lon"], SHOP["lat"]), "its buyer is still there"


async def test_a_match_that_was_made_meanwhile_forgets_when_its_lot_is_withdrawn(scene: Scene) -> None:
    lot, _ = await made_meanwhile(scene)
    nowhere = Place(adcode=SIYANG)
    await consume(scene.db, then(withdrawn(lot), origin=nowhere, version=2))
    await forgot_the_farm_alone(scene)


@pytest.mark.parametrize("end", ["decline", "deadline", "order_cancelled"])
async def test_and_when_it_ends_before_the_withdrawal_is_heard_of(scene: Scene, end: str) -> None:
    _, match = await made_meanwhile(scene)
    if end == "decline":
        answer = (await scene.answer(match, "buyer", "decline")).json()
        assert places_in(answer) == BY_SIDE["buyer"]
    elif end == "deadline":
        await scene.let_deadlines_pass()
        assert await service.release_lapsed(scene.db) == 1
    else:
        await scene.client.post(f"/v1/orders/{match.order_id}/cancel", headers=scene.buyer)
    await forgot_the_farm_alone(scene)
    *_, item = await feed_of(scene, callers(scene, match)["producer"])
    assert places_in(item["match"]) == (county(SIYANG), county(NANJING))


async def test_a_no_of_a_lot_whose_producer_is_still_there_keeps_its_point(scene: Scene) -> None:
    match = await proposed(scene)
    await forget(scene, uuid4())
    await scene.answer(match, "buyer", "decline")
    (match,) = await scene.matches()
    assert (match.status, match.origin_lon, match.origin_lat) == ("released", FARM["lon"], FARM["lat"])
