"""Why a lot does not sell, and that what is said to sell it does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import compatible_arcs
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.explain import Explanation, Fix, Promised, Reason, explain
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.obstacles import Obstacles
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.optimiser.sides import Side, Who
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

URUMQI = {"lon": 87.6, "lat": 43.8}


def explained(
    lots: Sequence[Listing],
    bids: Sequence[Order],
    *,
    side: Side = "listing",
    refused: Sequence[tuple[str, str]] = (),
    promised: Sequence[Order] = (),
    sold: Sequence[Listing] = (),
    own_g: Mapping[tuple[str, str], int] | None = None,
) -> list[Explanation]:
    """Of each of the lots, or of each of the orders."""
    before = Market.of(lots, promised, refused) if side == "listing" else Market.of(sold, bids, refused)
    asked = [Who(side, each.id) for each in (lots if side == "listing" else bids)]
    return explain(Market.of(lots, bids, refused), Promised({side: before}, own_g or {}), POLICY_1, NOW_US, asked)


def sold_g(lots: Sequence[Listing], bids: Sequence[Order], listing_id: str) -> int:
    """By the whole market's own best plan."""
    plan = clear(Market.of(lots, bids), POLICY_1, NOW_US)
    return sum(match.quantity_g for match in plan.matches if match.listing_id == listing_id)


@given(listings(divisible=st.booleans()), orders(), st.integers(0, 4), st.integers(0, 4))
def test_nothing_stands_between_exactly_those_that_are_compatible(
    lots: list[Listing], bids: list[Order], refused_lot: int, refused_bid: int
) -> None:
    of = instance(*lots, *bids, excluded=((f"L{refused_lot}", f"O{refused_bid}"),))
    count = len(of.market.orders.ids)
    for row in range(len(of.market.listings.ids)):
        pairs = np.full(count, row), np.arange(count)
        arcs = compatible_arcs(of, *pairs)
        seen = Obstacles.of(of, *pairs)
        free = seen.asks.copy()
        for hindered in seen.by_code.values():
            free &= ~hindered
        assert np.flatnonzero(free).tolist() == np.flatnonzero(seen.none).tolist() == arcs.order.tolist()


@pytest.mark.parametrize(
    ("code", "lot", "bid"),
    [
        ("price_gap", {"floor_fen_per_kg": 2601}, {}),
        ("too_far", {"floor_fen_per_kg": 2590}, {}),
        ("too_far", {}, {**URUMQI, "min_remaining_life_us": 0, "deliver_by_us": NOW_US + 30 * HOUR_US}),
        ("spoils_before_arrival", {"spoils_at_us": NOW_US + 30 * HOUR_US}, {}),
        ("grade", {"grade": "C"}, {}),
        ("window", {"available_until_us": NOW_US - 1}, {}),
        ("window", {"available_from_us": NOW_US + 40 * HOUR_US}, {"deliver_by_us": NOW_US + 42 * HOUR_US}),
        ("min_fill", {"divisible": False}, {}),
        ("min_fill", {}, {"wanted_g": 2000 * KG, "min_fill_g": 1500 * KG}),
    ],
)
def test_what_stands_between_a_lot_and_the_only_order_is_named(
    code: str, lot: dict[str, object], bid: dict[str, object]
) -> None:
    (found,) = explained([listing(**lot)], [order(**bid)])
    wanted_g = order(**bid).wanted_g
    assert found.unmatched_g == 1200 * KG
    assert Reason(code, min(1200 * KG, wanted_g), 1) in found.reasons  # type: ignore[arg-type]


def test_a_pair_that_said_no_is_named() -> None:
    (found,) = explained([listing()], [order()], refused=[("L1", "O1")])
    assert [reason.code for reason in found.reasons] == ["declined"]
    assert found.fix is None, "no price makes a no a yes"


def test_all_that_apply_are_named() -> None:
    (found,) = explained([listing(floor_fen_per_kg=2700, grade="C")], [order()])
    assert {reason.code for reason in found.reasons} == {"price_gap", "grade"}


def test_without_a_buyer_there_is_no_demand_and_a_pin_to_another_is_none() -> None:
    for bids in ([], [order(listing_id="L9")]):
        (found,) = explained([listing()], bids)
        assert found.reasons == (Reason("no_demand", 1200 * KG, 0),)
        assert found.fix is None


def test_who_was_outbid_hears_by_how_much_and_from_which_floor_it_would_win() -> None:
    lots = [listing("L1", kg=500), listing("L2", kg=500, floor_fen_per_kg=1500)]
    dear, cheap = explained(lots, [order(kg=500)])
    assert cheap.unmatched_g == 0
    assert cheap.reasons == ()
    assert dear.reasons == (Reason("outbid", 500 * KG, 1),)
    # 1500 for the last quarter of the other, which earns no spread any more, and 40 for the first of its own
    assert dear.fix == Fix("min_price_fen_per_kg", 1539, 125 * KG)


def test_what_was_promised_before_is_outbid_and_no_price_brings_it_back() -> None:
    taken = order("O2", kg=300)
    (found,) = explained([listing()], [], promised=[taken], own_g={("L1", "O2"): 100 * KG})
    assert found.reasons == (Reason("outbid", 200 * KG, 1),)
    assert found.fix is None
    (all_its_own,) = explained([listing()], [], promised=[taken], own_g={("L1", "O2"): 300 * KG})
    assert all_its_own.reasons == (Reason("no_demand", 1200 * KG, 0),)


def test_the_floor_that_would_sell_is_the_highest_that_does() -> None:
    (found,) = explained([listing(floor_fen_per_kg=2600)], [order()])
    assert found.fix == Fix("min_price_fen_per_kg", 2548, 500 * KG), "2600 less 52 of freight"
    assert sold_g([listing(floor_fen_per_kg=2549)], [order()], "L1") == 0


def test_only_what_is_unsold_has_reasons() -> None:
    (found,) = explained([listing()], [order(kg=500), order("O2", kg=400, ceiling_fen_per_kg=1000)])
    assert found.unmatched_g == 700 * KG
    assert found.reasons == (Reason("price_gap", 400 * KG, 1),)


@given(*PROMISES)
def test_what_is_unsold_has_a_reason(lots: list[Listing], bids: list[Order]) -> None:
    for found in explained(lots, bids[1:], promised=bids[:1]):
        assert bool(found.reasons) == (found.unmatched_g > 0)
        assert all(0 < reason.quantity_g <= found.unmatched_g for reason in found.reasons)
        assert all(reason.count <= len(bids) for reason in found.reasons)


@given(*PROMISES)
def test_a_fix_does_what_it_says_and_a_lesser_one_does_nothing(lots: list[Listing], bids: list[Order]) -> None:
    for lot, found in zip(lots, explained(lots, bids), strict=True):
        if found.fix is None:
            continue
        had_g = sold_g(lots, bids, lot.id)
        assert 0 <= found.fix.to < lot.floor_fen_per_kg

        def more_g(floor: int, lot: Listing = lot, had_g: int = had_g) -> int:
            changed = [replace(each, floor_fen_per_kg=floor) if each.id == lot.id else each for each in lots]
            return sold_g(changed, bids, lot.id) - had_g

        assert more_g(found.fix.to) == found.fix.would_match_g > 0
        assert more_g(found.fix.to + 1) <= 0


@given(listings(), orders())
def test_who_is_told_of_no_price_would_win_nothing_if_it_were_given_away(
    lots: list[Listing], bids: list[Order]
) -> None:
    for lot, found in zip(lots, explained(lots, bids), strict=True):
        if found.unmatched_g < lot.remaining_g or found.fix is not None:
            continue
        others = [each for each in lots if each.id != lot.id]
        given_away = value_mfen([*others, replace(lot, floor_fen_per_kg=0)], bids)
        assert given_away == value_mfen(others, bids), "at most it draws with another"


def test_a_lot_that_is_sold_in_part_hears_from_which_floor_it_sells_more() -> None:
    lots = [listing("L1", kg=1000), listing("L2", kg=500, floor_fen_per_kg=1500)]
    partly, _ = explained(lots, [order(kg=1000)])
    assert partly.unmatched_g == 500 * KG
    assert partly.fix == Fix("min_price_fen_per_kg", 1510, 125 * KG), (
        "a draw: its third quarter has 10 of spread, the last of the other none"
    )


def test_a_buyer_whose_least_fill_can_t_be_met_does_not_hide_another() -> None:
    lots = [listing("L1", kg=100, floor_fen_per_kg=2700)]
    bids = [order("O1", kg=500, min_fill_g=300 * KG), order("O2", kg=100, ceiling_fen_per_kg=2500)]
    (found,) = explained(lots, bids)
    assert found.fix == Fix("min_price_fen_per_kg", 2448, 100 * KG)


def test_two_lots_may_meet_a_least_fill_together() -> None:
    lots = [listing("L1", kg=200, floor_fen_per_kg=2600), listing("L2", kg=300)]
    dear, _ = explained(lots, [order(kg=500, min_fill_g=400 * KG)])
    assert dear.fix == Fix("min_price_fen_per_kg", 2548, 200 * KG), "2600 less 52 of freight"


def test_reasons_are_told_without_a_fix_when_the_market_is_too_large_or_has_promises_and_there_is_no_time() -> None:
    rich = order("O2", ceiling_fen_per_kg=3000, kg=1, min_fill_g=1)
    market = Market.of([listing(floor_fen_per_kg=2600)], [order(), rich])
    before = Promised({"listing": Market.of([listing(floor_fen_per_kg=2600)], [])}, {})
    for limits, within_s in ((Limits(arcs=0), 5.0), (None, 0.0)):
        (found,) = explain(market, before, POLICY_1, NOW_US, [Who("listing", "L1")], limits, within_s)
        assert found.reasons
        assert found.fix is None


def test_the_time_for_fixes_begins_before_the_plan_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    dear, rich = listing(floor_fen_per_kg=2600), order("O2", ceiling_fen_per_kg=3000, kg=1, min_fill_g=1)
    market, before = Market.of([dear], [order(), rich]), Promised({"listing": Market.of([dear], [])}, {})
    (found,) = explain(market, before, POLICY_1, NOW_US, [Who("listing", "L1")], fixes_within_s=20)
    assert found.fix is not None, "there is one, given time"
    monkeypatch.setattr("services.matching.optimiser.explain.perf_counter", lambda: perf_counter() - 30)
    (found,) = explain(market, before, POLICY_1, NOW_US, [Who("listing", "L1")], fixes_within_s=20)
    assert found.reasons
    assert found.fix is None


def test_an_order_that_was_filled_before_and_could_not_have_had_it_says_why() -> None:
    (found,) = explained([listing(grade="C")], [], promised=[order("O2", kg=300, min_grade="A")])
    assert found.reasons == (Reason("grade", 300 * KG, 1),)


def test_an_order_promised_in_part_is_one_order() -> None:
    lots = [listing("L1", kg=500), listing("L2", kg=500, floor_fen_per_kg=1500)]
    dear, _ = explained(lots, [order("O1", kg=300)], promised=[order("O1", kg=200)])
    assert dear.reasons == (Reason("outbid", 500 * KG, 1),)
