"""What a round sees of a market, from the tables to the engine's own rows; and policy 1 through the whole service."""

from math import ceil
from uuid import UUID

import pytest
from sqlalchemy import update

from services.matching.matches.models import Match
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.orders.models import Order
from services.matching.rounds import snapshot
from services.matching.rounds.snapshot import Snapshot, all_markets, changed_markets
from services.matching.supply.models import Supply
from tests.services.matching.scene import NANJING, Scene, consume, county, soon, then, withdrawn

WATCHED, POOR, NEITHER, UNKNOWN = "520525", "130126", "321323", "140106"
NANJING_POINT = {"adcode": NANJING, "lon": 118.79, "lat": 32.05}


async def seen(scene: Scene, produce: str = "strawberry") -> Snapshot:
    return await snapshot.take(scene.db, produce)


async def test_only_what_is_free_open_and_of_this_produce_is_seen(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=300_000)
    sold = await scene.lot(quantity_g=1_000)
    gone = await scene.lot()
    await scene.lot(produce="garlic")
    order = await scene.order(quantity_kg=100)
    await scene.order(quantity_kg=7, listing_id=str(sold.listing_id))
    await scene.order(produce="garlic")
    cancelled = await scene.order()
    await consume(scene.db, withdrawn(gone))
    await scene.client.post(f"/v1/orders/{cancelled['id']}/cancel", headers=scene.buyer)
    async with scene.db.transaction() as session:
        await session.execute(update(Supply).where(Supply.listing_id == sold.listing_id).values(agreed_g=1_000))
    market = (await seen(scene)).market
    assert market.listings.ids == (str(lot.listing_id),)
    assert order["id"] in market.orders.ids
    assert len(market.orders.ids) == 2


async def test_what_was_promised_is_committed_and_the_rest_is_free(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=800_000)
    for quantity_kg, auto_agree in ((200, True), (100, False)):
        await scene.order(quantity_kg=quantity_kg, auto_agree=auto_agree)
    await scene.round()
    listings = (await seen(scene)).market.listings
    assert listings.ids == (str(lot.listing_id),)
    assert listings.remaining_g.tolist() == [500_000]
    # 300 kg of 800 are gone: the first quarter is full, half of the second is
    assert listings.quarter_g.tolist() == [[0, 100_000, 200_000, 200_000]]


async def test_the_quarters_stay_those_of_the_quantity_first_listed(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=400_000)
    await consume(scene.db, then(lot, quantity_g=1_000_000))
    assert (await seen(scene)).market.listings.quarter_g.tolist() == [[100_000, 100_000, 100_000, 700_000]]


async def test_spoiled_lots_and_overdue_orders_are_not_seen(scene: Scene) -> None:
    await scene.lot(spoils_at=soon(seconds=-1))
    await scene.order()
    async with scene.db.transaction() as session:
        await session.execute(update(Order).values(deliver_by=soon(seconds=-1)))
    both = await seen(scene)
    assert (both.market.listings.ids, both.market.orders.ids, both.has_both_sides) == ((), (), False)


async def test_the_snapshot_holds_exactly_the_changes_and_terms_of_its_moment(scene: Scene) -> None:
    lot = await scene.lot()
    order = await scene.order()
    await scene.order(produce="garlic")
    both = await seen(scene)
    assert len(both.changes) == 2
    assert both.terms == {str(lot.listing_id): 1, order["id"]: 1}
    await consume(scene.db, then(lot, min_price_fen_per_kg=1500))
    later = await seen(scene)
    assert set(both.changes) < set(later.changes)
    assert later.terms[str(lot.listing_id)] == 2


async def test_markets_to_clear_are_those_that_changed_and_on_demand_those_with_two_sides(scene: Scene) -> None:
    await scene.lot(produce="onion")
    await scene.order(produce="garlic")
    await scene.lot()
    await scene.order()
    assert list(await changed_markets(scene.db)) == ["garlic", "onion", "strawberry"]
    assert list(await all_markets(scene.db)) == ["strawberry"]


async def test_without_a_point_the_countys_is_measured_from_and_without_a_county_the_lot_is_set_aside(
    scene: Scene,
) -> None:
    await scene.lot(origin={"adcode": NEITHER})
    nowhere = await scene.lot(origin={"adcode": "999999"})
    await scene.order()
    market = (await seen(scene)).market
    assert len(market.listings.ids) == 1
    assert [(odd.id, odd.reason) for odd in market.set_aside] == [(str(nowhere.listing_id), "place_unknown")]
    assert (await scene.round()).matched_g == 500_000


async def test_unknown_poverty_is_not_no(scene: Scene) -> None:
    for adcode in (WATCHED, POOR, NEITHER, UNKNOWN):
        await scene.lot(origin=county(adcode), min_price_fen_per_kg=int(adcode) % 1000)
    listings = (await seen(scene)).market.listings
    flags = sorted(zip(listings.watch_52.tolist(), listings.poverty_832.tolist(), strict=True))
    assert flags == [(0, -1), (0, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize(("adcode", "priority_fen_per_kg"), [(WATCHED, 150), (POOR, 50), (NEITHER, 0), (UNKNOWN, 0)])
async def test_a_round_values_the_origin_as_published(scene: Scene, adcode: str, priority_fen_per_kg: int) -> None:
    """At the farm gate, with 300 hours to live: surplus 1000, no rescue, and the spread of a quarter."""
    await scene.lot(origin=county(adcode), quantity_g=400_000, spoils_at=soon(hours=300))
    await scene.order(quantity_kg=100, price_basis="farm_gate")
    cleared = await scene.round()
    assert cleared.value_mfen == 100_000 * (1000 + priority_fen_per_kg + 40)


@pytest.mark.parametrize(("hours", "rescue"), [(72.01, 0), (54.1, 49), (36.1, 99)])
async def test_a_round_rescues_what_has_little_life_left(scene: Scene, hours: float, rescue: int) -> None:
    """⌊200 × (72 − h) ÷ 72⌋; the seconds that a test takes don't reach the next whole fen."""
    await scene.lot(quantity_g=400_000, spoils_at=soon(hours=hours))
    await scene.order(quantity_kg=100, price_basis="farm_gate", min_remaining_life_h=0)
    assert (await scene.round()).value_mfen == 100_000 * (1000 + rescue + 40)


async def test_life_is_counted_from_when_the_lot_is_there(scene: Scene) -> None:
    await scene.lot(quantity_g=400_000, available_from=soon(hours=40), spoils_at=soon(hours=40 + 54.1))
    await scene.order(quantity_kg=100, price_basis="farm_gate", min_remaining_life_h=0)
    assert (await scene.round()).value_mfen == 100_000 * (1000 + 49 + 40)


@pytest.mark.parametrize(("temperature_class", "percent"), [("ambient", 100), ("chilled", 150), ("frozen", 200)])
@pytest.mark.parametrize("price_basis", ["delivered", "farm_gate"])
async def test_freight_is_that_of_the_class_and_counts_in_a_delivered_price_alone(
    scene: Scene, temperature_class: str, percent: int, price_basis: str
) -> None:
    await scene.lot(temperature_class=temperature_class, min_price_fen_per_kg=1600)
    await scene.order(max_price_fen_per_kg=2601, price_basis=price_basis, destination=NANJING_POINT)
    await scene.round()
    (match,) = await scene.matches()
    assert match.freight_fen_per_kg == ceil((20 + 0.06 * match.distance_m / 1000) * percent / 100)
    surplus = 2601 - 1600 - (match.freight_fen_per_kg if price_basis == "delivered" else 0)
    assert match.price_fen_per_kg == 1600 + surplus // 2


@pytest.mark.parametrize(("spare_fen", "matched"), [(0, 1), (-1, 0)])
async def test_the_ceiling_must_carry_floor_and_freight_to_the_last_fen(
    scene: Scene, spare_fen: int, matched: int
) -> None:
    await scene.lot()
    await scene.order(destination=NANJING_POINT, quantity_kg=1)
    await scene.round()
    (probe,) = await scene.matches()
    just_enough = 1600 + probe.freight_fen_per_kg + spare_fen
    await scene.order(destination=NANJING_POINT, max_price_fen_per_kg=just_enough)
    assert (await scene.round()).matches == matched
    if matched:
        assert (await scene.matches())[-1].price_fen_per_kg == 1600


@pytest.mark.parametrize(
    ("grade", "min_grade", "matched"), [("A", "A", 1), ("B", "A", 0), ("B", "C", 1), ("C", "B", 0)]
)
async def test_a_lot_meets_the_grade_or_not(scene: Scene, grade: str, min_grade: str, matched: int) -> None:
    await scene.lot(grade=grade)
    await scene.order(min_grade=min_grade)
    assert (await scene.round()).matches == matched


async def test_a_lot_waits_for_the_window_and_arrives_at_its_beginning(scene: Scene) -> None:
    begins = soon(hours=20)
    await scene.lot()
    await scene.order(deliver_from=begins.isoformat())
    await scene.round()
    (match,) = await scene.matches()
    assert match.arrives_at == begins
    shown = (await scene.client.get(f"/v1/matches/{match.id}", headers=scene.buyer)).json()
    assert shown["remaining_life_h"] == pytest.approx(52, abs=0.01)


async def test_two_listings_of_one_price_sell_alike(scene: Scene) -> None:
    """The spread: a quarter of each before the second quarter of either."""
    lots = [await scene.lot(quantity_g=400_000, spoils_at=soon(hours=200)) for _ in range(2)]
    await scene.order(quantity_kg=200)
    await scene.round()
    sold: dict[UUID, int] = {match.listing_id: match.quantity_g for match in await scene.matches()}
    assert sold == {lot.listing_id: 100_000 for lot in lots}
    await scene.order(quantity_kg=200)
    await scene.round()
    matches: list[Match] = list(await scene.matches())
    assert {sum(m.quantity_g for m in matches if m.listing_id == lot.listing_id) for lot in lots} == {200_000}


async def test_a_round_records_the_policy_it_decided_by_and_its_own_time(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    cleared = await scene.round()
    assert (cleared.policy, POLICY_1.version) == (1, 1)
    assert 0 < cleared.seconds < 60
    assert POLICY_1.handling_us == 4 * HOUR_US
