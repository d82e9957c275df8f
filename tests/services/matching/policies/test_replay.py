"""Replaying a world: what is sold, what spoils, and by which yardstick it is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.policies.replay import Figures, apart, of_market, replay
from services.matching.policies.worlds import BEGINS_US, CLASSES, Lot, Size, Wish, World, world_of
from tests.services.matching.optimiser.factories import listing, order

FLOORS = {"strawberry": (1200, 2000), "tomato": (180, 380)}
WORLD = world_of(1, Size(lots=40, orders=20, days=2), FLOORS)


def lot_of(row: Listing, at_h: float = 0, adcode: str = "321323", day: int = 0) -> Lot:
    posted_us = BEGINS_US + round(at_h * HOUR_US)
    row = replace(row, available_from_us=posted_us)
    return Lot(row, "strawberry", adcode, "neither", day, posted_us)


def wish_of(row: Order, at_h: float = 0) -> Wish:
    return Wish(row, "strawberry", BEGINS_US + round(at_h * HOUR_US))


def strawberries(listing_id: str = "L1", keeps_h: int = 300, kg: float = 400) -> Listing:
    return listing(listing_id, kg, spoils_at_us=BEGINS_US + keeps_h * HOUR_US, watch_52=False, poverty_832=False)


def wanted(order_id: str = "O1", kg: float = 100) -> Order:
    return order(
        order_id,
        kg,
        deliver_by_us=BEGINS_US + 300 * HOUR_US,
        price_basis="farm_gate",
        min_remaining_life_us=0,
    )


def world(*rows: Lot | Wish, days: int = 1) -> World:
    lots = tuple(row for row in rows if isinstance(row, Lot))
    wishes = tuple(row for row in rows if isinstance(row, Wish))
    return World(0, Size(len(lots), len(wishes), days), lots, wishes)


def replayed(*rows: Lot | Wish, days: int = 1) -> Figures:
    return replay(world(*rows, days=days), POLICY_1, POLICY_1)


def test_the_same_world_gives_the_same_figures() -> None:
    assert replay(WORLD, POLICY_1, POLICY_1) == replay(WORLD, POLICY_1, POLICY_1)


def test_what_is_offered_is_sold_or_spoils_or_is_left_and_every_round_is_proven() -> None:
    figures = replay(WORLD, POLICY_1, POLICY_1)
    assert figures.spoiled_g, "some of this world does"
    offered_g = sum(lot.listing.quantity_g for lot in WORLD.lots)
    assert sum(figures.offered_g.values()) == offered_g
    assert sum(figures.sold_of_class_g.values()) == figures.sold_g
    assert 0 < figures.saved_g <= figures.sold_g
    assert figures.sold_g + figures.spoiled_g < offered_g, "and some of it is left"
    assert (figures.largest_gap, set(figures.offered_g)) == (0, set(CLASSES))


def test_a_policys_own_freight_does_not_move_the_yardstick() -> None:
    """Another policy's idea of freight changes what it does, but a kg over the same road costs what A says."""
    rows = lot_of(strawberries()), wish_of(replace(wanted(), price_basis="delivered"))
    cheap = replace(POLICY_1, freight_base_fen_per_kg=0, freight_fen_per_kg_per_1000_km=0)
    by_a, by_b = (replay(world(*rows), policy, POLICY_1) for policy in (POLICY_1, cheap))
    assert (by_a.freight_mfen, by_a.surplus_mfen) == (by_b.freight_mfen, by_b.surplus_mfen)
    assert by_b.value_mfen > by_a.value_mfen


def test_by_its_own_yardstick_the_figures_are_those_of_its_matches() -> None:
    lots, bids = (
        [strawberries("L1"), strawberries("L2", 60)],
        [wanted(), replace(wanted("O2"), price_basis="delivered")],
    )
    market = Market.of(lots, bids)
    plan = clear(market, POLICY_1, BEGINS_US)
    figures = of_market(market, BEGINS_US, POLICY_1, POLICY_1)
    assert figures.surplus_mfen == sum(each.surplus_fen_per_kg * each.quantity_g for each in plan.matches)
    assert figures.freight_mfen == sum(each.freight_fen_per_kg * each.quantity_g for each in plan.matches)
    assert (figures.value_mfen, figures.sold_g) == (plan.value_mfen, plan.matched_g)
    assert figures.saved_g == sum(each.quantity_g for each in plan.matches if each.listing_id == "L2")
    assert (figures.spoiled_g, figures.neighbours_apart, figures.rounds) == (None, None, 1)


def test_what_was_sold_counts_into_the_spread_of_later_rounds() -> None:
    """A quarter of the lot each time, hours apart: 40 fen for the first, 25 for the second."""
    figures = replayed(lot_of(strawberries()), wish_of(wanted("O1")), wish_of(wanted("O2"), at_h=7))
    assert figures.value_mfen == 100_000 * (1000 + 40) + 100_000 * (1000 + 25)
    assert figures.rounds == 2, "without an order there is no round"


def test_what_spoils_before_it_is_sold_is_lost_and_what_does_not_is_not() -> None:
    figures = replayed(
        lot_of(strawberries("L1", keeps_h=10)),
        lot_of(strawberries("L2", keeps_h=300)),
        wish_of(wanted(), at_h=11),
    )
    assert (figures.sold_g, figures.spoiled_g, figures.saved_g) == (100_000, 400_000, 0)


def test_an_order_that_is_overdue_and_one_not_yet_posted_buy_nothing() -> None:
    late = replace(wanted("O1"), deliver_by_us=BEGINS_US + HOUR_US)
    assert replayed(lot_of(strawberries()), wish_of(late), wish_of(wanted("O2"), at_h=25)).sold_g == 0


@pytest.mark.parametrize(
    ("sold_kg", "expected"),
    [
        ((100, 100, 100), 0.0),
        ((0, 0, 0), 0.0),
        ((400, 0), 1.0),
        ((200, 100, 0), (0.25 + 0.5 + 0.25) / 3),
        ((100,), 0.0),
    ],
)
def test_neighbours_are_as_far_apart_as_their_shares_differ_on_average(
    sold_kg: tuple[int, ...], expected: float
) -> None:
    lots = [lot_of(strawberries(f"L{number}")) for number in range(len(sold_kg))]
    sold_g = {lot.listing.id: kg * 1000 for lot, kg in zip(lots, sold_kg, strict=True)}
    assert apart(lots, sold_g) == pytest.approx(expected)


def test_who_sells_elsewhere_or_on_another_day_is_no_neighbour() -> None:
    lots = [
        lot_of(strawberries("L1")),
        lot_of(strawberries("L2"), adcode="320102"),
        lot_of(strawberries("L3"), day=1),
    ]
    assert apart(lots, {"L1": 400_000}) == 0


@given(shares=st.lists(st.integers(0, 400), min_size=2, max_size=6), more=st.integers(0, 100))
def test_selling_more_of_each_alike_keeps_them_as_far_apart(shares: list[int], more: int) -> None:
    lots = [lot_of(strawberries(f"L{number}", kg=1000)) for number in range(len(shares))]

    def after(added: int) -> float:
        return apart(lots, {lot.listing.id: (kg + added) * 1000 for lot, kg in zip(lots, shares, strict=True)})

    assert 0 <= after(0) <= 1
    assert after(more) == pytest.approx(after(0))
