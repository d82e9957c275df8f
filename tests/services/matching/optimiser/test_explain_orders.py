"""Why an order is not met, and that the ceiling that is said to buy more does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import compatible_arcs
from services.matching.optimiser.clear import clear
from services.matching.optimiser.explain import Explanation, Fix, Promised, Reason, explain
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.obstacles import Obstacles
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.optimiser.sides import Who, pairs_of
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG
from tests.services.matching.optimiser.factories import (
    KG,
    NOW_US,
    PROMISES,
    instance,
    listing,
    listings,
    order,
    orders,
    value_mfen,
)
from tests.services.matching.optimiser.test_explain import URUMQI, explained


def bought_g(lots: Sequence[Listing], bids: Sequence[Order], order_id: str) -> int:
    """By the whole market's own best plan."""
    plan = clear(Market.of(lots, bids), POLICY_1, NOW_US)
    return sum(match.quantity_g for match in plan.matches if match.order_id == order_id)


def answered(lots: Sequence[Listing], bids: Sequence[Order], **more: object) -> list[Explanation]:
    """Of each of the orders."""
    return explained(lots, bids, side="order", **more)  # type: ignore[arg-type]


@given(listings(divisible=st.booleans()), orders(), st.integers(0, 4), st.integers(0, 4))
def test_nothing_stands_between_exactly_those_that_are_compatible(
    lots: list[Listing], bids: list[Order], refused_lot: int, refused_bid: int
) -> None:
    of = instance(*lots, *bids, excluded=((f"L{refused_lot}", f"O{refused_bid}"),))
    for row in range(len(of.market.orders.ids)):
        pairs = pairs_of(of.market, "order", row)
        seen = Obstacles.of(of, *pairs)
        free = seen.asks.copy()
        for hindered in seen.by_code.values():
            free &= ~hindered
        arcs = compatible_arcs(of, *pairs)
        assert np.flatnonzero(free).tolist() == np.flatnonzero(seen.none).tolist() == arcs.listing.tolist()


@pytest.mark.parametrize(
    ("code", "lot", "bid"),
    [
        ("price_gap", {"floor_fen_per_kg": 2601}, {}),
        ("too_far", {"floor_fen_per_kg": 2590}, {}),
        ("too_far", {}, {**URUMQI, "min_remaining_life_us": 0, "deliver_by_us": NOW_US + 30 * HOUR_US}),
        ("spoils_before_arrival", {"spoils_at_us": NOW_US + 30 * HOUR_US}, {}),
        ("grade", {"grade": "C"}, {}),
        ("window", {"available_until_us": NOW_US - 1}, {}),
        ("min_fill", {"divisible": False}, {}),
        ("min_fill", {}, {"wanted_g": 2000 * KG, "min_fill_g": 1500 * KG}),
    ],
)
def test_what_stands_between_an_order_and_the_only_lot_is_named(
    code: str, lot: dict[str, object], bid: dict[str, object]
) -> None:
    (found,) = answered([listing(**lot)], [order(**bid)])
    wanted_g = order(**bid).wanted_g
    assert (found.who, found.unmatched_g) == (Who("order", "O1"), wanted_g)
    assert Reason(code, min(1200 * KG, wanted_g), 1) in found.reasons  # type: ignore[arg-type]


def test_a_pair_that_said_no_is_named() -> None:
    (found,) = answered([listing()], [order()], refused=[("L1", "O1")])
    assert [reason.code for reason in found.reasons] == ["declined"]
    assert found.fix is None, "no price makes a no a yes"


@pytest.mark.parametrize("lots", [[], [listing("L2")]], ids=["no lot", "another lot"])
def test_without_a_lot_there_is_no_supply_and_what_a_pin_shuts_out_is_none(lots: list[Listing]) -> None:
    (found,) = answered(lots, [order(listing_id="L9")])
    assert found.reasons == (Reason("no_supply", 500 * KG, 0),)
    assert found.fix is None


def test_what_the_only_lot_could_give_and_gave_leaves_no_supply() -> None:
    (found,) = answered([listing(kg=100)], [order(kg=500)])
    assert (found.unmatched_g, found.reasons) == (400 * KG, (Reason("no_supply", 400 * KG, 0),))


def test_a_lot_that_was_sold_before_is_outbid_and_one_it_had_itself_is_no_supply() -> None:
    sold = listing(kg=300)
    (found,) = answered([], [order(kg=500)], sold=[sold], own_g={("L1", "O1"): 100 * KG})
    assert found.reasons == (Reason("outbid", 200 * KG, 1),)
    (all_its_own,) = answered([], [order(kg=500)], sold=[sold], own_g={("L1", "O1"): 300 * KG})
    assert all_its_own.reasons == (Reason("no_supply", 500 * KG, 0),)


def test_a_lot_that_was_sold_before_and_could_not_have_been_its_own_says_why() -> None:
    (found,) = answered([], [order(min_grade="A")], sold=[listing(kg=300, grade="C")])
    assert found.reasons == (Reason("grade", 300 * KG, 1),)


def test_a_lot_that_is_sold_in_part_before_and_now_is_one_lot() -> None:
    bids = [order("O1", kg=500), order("O2", kg=500, ceiling_fen_per_kg=2700)]
    poor, _ = answered([listing(kg=300)], bids, sold=[listing(kg=200)])
    assert poor.reasons == (Reason("outbid", 500 * KG, 1),)


def test_who_was_outbid_hears_from_which_ceiling_it_would_win() -> None:
    bids = [order("O2", kg=500), order("O1", kg=500, ceiling_fen_per_kg=2700)]
    poor, rich = answered([listing(kg=500)], bids)
    assert (rich.unmatched_g, rich.reasons) == (0, ())
    assert poor.reasons == (Reason("outbid", 500 * KG, 1),)
    assert poor.fix == Fix("max_price_fen_per_kg", 2700, 500 * KG), "a draw, in which a fresh plan takes it"
    for ceiling, bought in ((2700, 500 * KG), (2699, 0)):
        assert bought_g([listing(kg=500)], [replace(bids[0], ceiling_fen_per_kg=ceiling), bids[1]], "O2") == bought


def test_the_ceiling_that_would_buy_is_the_lowest_that_does() -> None:
    (found,) = answered([listing()], [order(ceiling_fen_per_kg=1000)])
    assert found.reasons == (Reason("price_gap", 500 * KG, 1),)
    assert found.fix == Fix("max_price_fen_per_kg", 1652, 500 * KG), "1600 and 52 of freight"
    assert bought_g([listing()], [order(ceiling_fen_per_kg=1651)], "O1") == 0


def test_no_ceiling_is_beyond_what_an_order_may_pay() -> None:
    (found,) = answered([listing(floor_fen_per_kg=MAX_PRICE_FEN_PER_KG - 10)], [order()])
    assert found.fix is None


@given(*PROMISES)
def test_what_is_unmet_has_a_reason(lots: list[Listing], bids: list[Order]) -> None:
    for found in answered(lots[1:], bids, sold=lots[:1]):
        assert bool(found.reasons) == (found.unmatched_g > 0)
        assert all(0 < reason.quantity_g <= found.unmatched_g for reason in found.reasons)
        assert all(reason.count <= len(lots) for reason in found.reasons)


@given(*PROMISES)
def test_a_fix_does_what_it_says_and_a_lesser_one_does_nothing(lots: list[Listing], bids: list[Order]) -> None:
    for bid, found in zip(bids, answered(lots, bids), strict=True):
        if found.fix is None:
            continue
        had_g = bought_g(lots, bids, bid.id)
        assert bid.ceiling_fen_per_kg < found.fix.to <= MAX_PRICE_FEN_PER_KG

        def more_g(ceiling: int, bid: Order = bid, had_g: int = had_g) -> int:
            changed = [replace(each, ceiling_fen_per_kg=ceiling) if each.id == bid.id else each for each in bids]
            return bought_g(lots, changed, bid.id) - had_g

        assert more_g(found.fix.to) == found.fix.would_match_g > 0
        assert more_g(found.fix.to - 1) <= 0


@given(listings(), orders())
def test_who_is_told_of_no_price_would_get_nothing_whatever_it_paid(lots: list[Listing], bids: list[Order]) -> None:
    for bid, found in zip(bids, answered(lots, bids), strict=True):
        if found.unmatched_g < bid.wanted_g or found.fix is not None:
            continue
        others = [each for each in bids if each.id != bid.id]
        paying_all = [*others, replace(bid, ceiling_fen_per_kg=MAX_PRICE_FEN_PER_KG)]
        assert value_mfen(lots, paying_all) == value_mfen(lots, others)


def test_both_sides_are_answered_by_one_look_at_the_market() -> None:
    lots, bids = [listing(kg=500, floor_fen_per_kg=2700)], [order(kg=300)]
    market = Market.of(lots, bids)
    before = Promised({"listing": Market.of(lots, []), "order": Market.of([], bids)}, {})
    asked = [Who("order", "O1"), Who("listing", "L1"), Who("order", "O9")]
    found = explain(market, before, POLICY_1, NOW_US, asked)
    assert [each.who for each in found] == asked[:2], "who is not in the market has no explanation"
    assert [each.reasons[0].code for each in found] == ["price_gap", "price_gap"]
    assert [each.fix for each in found] == [
        Fix("max_price_fen_per_kg", 2752, 300 * KG),
        Fix("min_price_fen_per_kg", 2548, 300 * KG),
    ]
