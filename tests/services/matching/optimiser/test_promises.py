import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.optimiser import promises
from services.matching.optimiser.audit import audit
from services.matching.optimiser.certificate import Reach
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Listing, Market, Order, SetAside
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from tests.services.matching.optimiser.factories import KG, NOW_US, listing, listings, order, orders, quantities
from tests.services.matching.optimiser.oracle import promised_optimum


def cleared(lots: list[Listing], bids: list[Order], seconds: float | None = None) -> Plan:
    """The plan; the audit raises where a promise is broken."""
    market = Market.of(lots, bids)
    plan = clear(market, POLICY_1, NOW_US, Limits(seconds=seconds))
    assert audit(market, POLICY_1, NOW_US, plan) <= plan.certified_gap + 1e-12
    return plan


def scattered(seed: int, count: int) -> tuple[list[Listing], list[Order]]:
    """A market of that many lots, a fifth of them whole, and orders, a third of them with a least fill."""
    draw = random.Random(seed)

    def place() -> dict[str, float]:
        return {"lon": draw.uniform(112, 120), "lat": draw.uniform(28, 35)}

    lots = [
        listing(
            f"L{n:04}",
            kg=draw.randrange(1, 60) * 25,
            floor_fen_per_kg=draw.randrange(300, 1800),
            spoils_at_us=NOW_US + draw.randrange(40, 200) * HOUR_US,
            divisible=draw.random() >= 0.2,
            **place(),
        )
        for n in range(count)
    ]
    bids = [
        order(
            f"O{n:04}",
            kg=(kg := draw.randrange(1, 60) * 25),
            ceiling_fen_per_kg=draw.randrange(800, 2600),
            min_fill_g=draw.randrange(kg // 5, kg + 1) * KG if draw.random() < 1 / 3 else 0,
            **place(),
        )
        for n in range(count)
    ]
    return lots, bids


def test_an_order_whose_least_fill_is_beyond_what_is_offered_gets_nothing_and_costs_no_proof() -> None:
    plan = cleared([listing(kg=99)], [order("O1", kg=500, min_fill_g=100 * KG)])
    assert plan.matches == ()
    assert plan.set_aside == (SetAside("order", "O1", "min_fill"),)
    assert plan.certified_gap == 0


def test_what_was_agreed_in_earlier_rounds_counts_towards_the_least_fill() -> None:
    plan = cleared([listing(kg=99)], [order(kg=400, min_fill_g=100 * KG, committed_g=1 * KG)])
    assert quantities(plan) == {("L1", "O1"): 99}


def test_an_order_left_short_by_dearer_ones_steps_back_for_the_others() -> None:
    # O1 outbids: 60 kg. O2 would get the other 40 kg but needs 50, and pays too little for 10 kg of O1's. O3 gets them.
    bids = [
        order("O1", kg=60, ceiling_fen_per_kg=3000),
        order("O2", kg=80, ceiling_fen_per_kg=2610, min_fill_g=50 * KG),
        order("O3", kg=80),
    ]
    plan = cleared([listing(kg=100)], bids)
    assert quantities(plan) == {("L1", "O1"): 60, ("L1", "O3"): 40}
    assert plan.set_aside == (SetAside("order", "O2", "min_fill"),)
    assert plan.certified_gap > 0  # what the promise cost, or less, is told


def test_a_dearer_order_makes_room_for_a_least_fill_that_is_worth_it() -> None:
    # 10 kg from O1 to O2 cost 100 fen/kg; else O2's 50 kg would go to O3, at 300 fen/kg less, and only 40 of them.
    bids = [
        order("O1", kg=60, ceiling_fen_per_kg=3000),
        order("O2", kg=80, ceiling_fen_per_kg=2900, min_fill_g=50 * KG),
        order("O3", kg=80),
    ]
    plan = cleared([listing(kg=100)], bids)
    assert quantities(plan) == {("L1", "O1"): 50, ("L1", "O2"): 50}
    assert plan.set_aside == ()


def test_of_two_that_cannot_both_have_their_fill_one_does() -> None:
    bids = [order(f"O{n}", kg=80, ceiling_fen_per_kg=2600 + n, min_fill_g=80 * KG) for n in (1, 2)]
    plan = cleared([listing(kg=120)], bids)
    assert quantities(plan) == {("L1", "O2"): 80}


def test_an_order_that_is_offered_nothing_is_not_called_short_of_its_fill() -> None:
    plan = cleared([listing(floor_fen_per_kg=9000)], [order(min_fill_g=KG)])
    assert plan.set_aside == ()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_indivisible_lots_are_sold_whole_or_not_at_all(count: int) -> None:
    lots = [listing(f"L{n}", kg=300, divisible=False) for n in range(count)]
    plan = cleared(lots, [order(kg=500)])
    assert len(plan.matches) == 1
    assert plan.matches[0].quantity_g == 300 * KG


def test_a_lot_for_which_no_order_is_large_enough_is_never_tried() -> None:
    plan = cleared([listing(kg=600, divisible=False)], [order("O1", kg=500), order("O2", kg=500)])
    assert (plan.matches, plan.arcs, plan.certified_gap) == ((), 0, 0.0)


def test_an_indivisible_lot_between_two_orders_is_not_cut() -> None:
    lots = [listing("L1", kg=100, divisible=False), listing("L2", kg=60)]
    bids = [order("O1", kg=100), order("O2", kg=100, ceiling_fen_per_kg=2590)]
    plan = cleared(lots, bids)
    whole = [match for match in plan.matches if match.listing_id == "L1"]
    assert [match.quantity_g for match in whole] in ([], [100 * KG])
    assert plan.matched_g >= 60 * KG


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(
    listings(divisible=st.booleans()),
    orders(min_fill=st.sampled_from([0, 0, 1000, 2500, 4000])),
    st.sampled_from([0, 0, 1000]),
)
def test_a_small_market_with_promises_is_worth_its_optimum(
    lots: list[Listing], bids: list[Order], committed_g: int
) -> None:
    bids = [replace(bids[0], committed_g=committed_g), *bids[1:]]
    plan = cleared(lots, bids)
    assert plan.value_mfen == promised_optimum(lots, bids, NOW_US) <= plan.bound_mfen


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(
    listings(divisible=st.booleans()),
    orders(min_fill=st.sampled_from([0, 1000, 2500, 4000])),
    st.integers(1, 5),
    st.integers(1, 2),
)
def test_however_small_the_pieces_no_promise_is_broken(
    lots: list[Listing], bids: list[Order], size: int, nearest: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promises, "SIZE", size)
        patch.setattr(promises, "NEAREST", nearest)
        plan = cleared(lots, bids)
    assert plan.greedy_value_mfen <= plan.value_mfen <= promised_optimum(lots, bids, NOW_US) <= plan.bound_mfen


@pytest.mark.parametrize("seed", range(6))
def test_a_market_of_some_dozens_is_worth_nearly_its_optimum(seed: int) -> None:
    lots, bids = scattered(seed, 30)
    plan = cleared(lots, bids)
    assert plan.value_mfen >= 0.999 * promised_optimum(lots, bids, NOW_US)
    assert plan.greedy_value_mfen <= plan.value_mfen


def test_the_order_of_the_rows_and_their_ids_change_nothing_about_promises() -> None:
    lots, bids = scattered(21, 40)

    def deals(lots: list[Listing], bids: list[Order]) -> set[tuple[float, float, int]]:
        place = {lot.id: lot.lon for lot in lots} | {bid.id: bid.lon for bid in bids}
        plan = cleared(lots, bids)
        return {(place[match.listing_id], place[match.order_id], match.quantity_g) for match in plan.matches}

    renamed = (
        [replace(lot, id=f"{9999 - n}-lot") for n, lot in enumerate(lots)],
        [replace(bid, id=f"{9999 - n}-bid") for n, bid in enumerate(bids)],
    )
    assert deals(lots, bids) == deals(lots[::-1], bids[::-1]) == deals(*renamed)


def test_promises_are_kept_and_the_gap_is_true_when_there_is_time_for_few_pieces_or_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lots, bids = scattered(5, 60)
    best = cleared(lots, bids)
    for pieces, seconds in ((1, None), (0, None), (200, 0.0)):
        monkeypatch.setattr(promises, "PIECES", pieces)
        plan = cleared(lots, bids, seconds)
        assert plan.greedy_value_mfen <= plan.value_mfen <= best.value_mfen <= plan.bound_mfen


@pytest.mark.parametrize(("share", "better"), [("DIVED_BY", "dive"), ("BETTERED_BY", "promises")])
def test_each_step_begins_nothing_more_when_its_share_of_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, share: str, better: str
) -> None:
    lots, bids = scattered(4, 60)
    best = cleared(lots, bids, 60.0)
    assert best.matches == cleared(lots, bids).matches, "there was time enough"
    monkeypatch.setattr(f"services.matching.optimiser.{better}.{share}", 0.0)
    cut = cleared(lots, bids, 60.0)
    assert cut.bound_mfen == best.bound_mfen
    assert cut.greedy_value_mfen <= cut.value_mfen < best.value_mfen
    assert (best.stopped_early, cut.stopped_early) == (False, True), "the next round may find more"


def test_who_is_left_out_for_a_promise_is_named() -> None:
    lots, bids = scattered(8, 40)
    plan = cleared(lots, bids)
    sold, served = ({getattr(match, side) for match in plan.matches} for side in ("listing_id", "order_id"))
    whole = {lot.id for lot in lots if not lot.divisible}
    promised = {bid.id for bid in bids if bid.min_fill_g}
    for each in plan.set_aside:
        assert each.id in ((whole - sold) if each.reason == "indivisible" else (promised - served))
    assert plan.set_aside


def test_a_solver_that_finds_no_choice_leaves_the_plan_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    lots, bids = scattered(5, 30)
    monkeypatch.setattr("services.matching.optimiser.exchange.SECONDS", 0.0)
    plan = cleared(lots, bids)
    assert plan.greedy_value_mfen <= plan.value_mfen


def test_promises_hold_where_the_market_is_priced_out() -> None:
    lots, bids = scattered(13, 60)
    market = Market.of(lots, bids)
    plan = clear(market, POLICY_1, NOW_US, Limits(arcs=500, nearest=3, joining=Reach(3, 8), solves=40))
    assert np.isfinite(audit(market, POLICY_1, NOW_US, plan, Limits(arcs=500)))
    assert plan.value_mfen >= 0.97 * cleared(lots, bids).value_mfen
