import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import candidates, parts
from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.audit import audit
from services.matching.optimiser.certificate import Reach
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Listing, Market, Order, SetAside
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from tests.services.matching.optimiser.factories import KG, NOW_US, listing, listings, order, orders, quantities
from tests.services.matching.optimiser.oracle import optimum


def cleared(lots: list[Listing], bids: list[Order], limits: Limits | None = None) -> Plan:
    """The plan, audited from outside."""
    market = Market.of(lots, bids)
    plan = clear(market, POLICY_1, NOW_US, limits)
    assert audit(market, POLICY_1, NOW_US, plan, limits) <= plan.certified_gap + 1e-12
    return plan


def scattered(seed: int, count: int) -> tuple[list[Listing], list[Order]]:
    """A market of that many lots and buyers over eastern China."""
    draw = random.Random(seed)
    lots = [
        listing(
            f"L{n:03}",
            kg=draw.randrange(1, 40) * 25,
            floor_fen_per_kg=draw.randrange(300, 1800),
            lon=draw.uniform(105, 121),
            lat=draw.uniform(25, 40),
            spoils_at_us=NOW_US + draw.randrange(40, 200) * HOUR_US,
        )
        for n in range(count)
    ]
    bids = [
        order(
            f"O{n:03}",
            kg=draw.randrange(1, 40) * 25,
            ceiling_fen_per_kg=draw.randrange(800, 2600),
            lon=draw.uniform(105, 121),
            lat=draw.uniform(25, 40),
        )
        for n in range(count)
    ]
    return lots, bids


@given(listings(), orders())
def test_a_round_is_worth_what_highs_finds_over_all_pairs_and_says_so(lots: list[Listing], bids: list[Order]) -> None:
    plan = cleared(lots, bids)
    assert (plan.value_mfen, plan.matched_g) == optimum(lots, bids, NOW_US)
    assert plan.certified_gap == 0
    assert plan.bound_mfen == plan.value_mfen
    assert plan.greedy_value_mfen <= plan.value_mfen


@given(listings(), orders(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(lots: list[Listing], bids: list[Order], draw: random.Random) -> None:
    plan = cleared(lots, bids)
    draw.shuffle(lots)
    draw.shuffle(bids)
    again = cleared(lots, bids)
    assert again.matches == plan.matches
    assert again.order_price_fen_per_kg.tolist() == plan.order_price_fen_per_kg.tolist()


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 0, 1000, 4000])))
def test_no_promise_is_broken_and_the_bound_is_the_relaxations_at_most(lots: list[Listing], bids: list[Order]) -> None:
    plan = cleared(lots, bids)  # the audit raises if a promise is broken
    assert plan.greedy_value_mfen <= plan.value_mfen <= plan.bound_mfen <= optimum(lots, bids, NOW_US)[0]


def test_greedy_takes_the_best_pair_and_loses() -> None:
    # L1 suits both orders, L2 the first alone; the best single pair is L1 → O1.
    lots = [listing("L1", kg=100, floor_fen_per_kg=1000), listing("L2", kg=100, floor_fen_per_kg=1100, grade="C")]
    bids = [order("O1", kg=100, min_grade="C"), order("O2", kg=100, ceiling_fen_per_kg=2500, min_grade="A")]
    plan = cleared(lots, bids)
    assert quantities(plan) == {("L1", "O2"): 100, ("L2", "O1"): 100}
    assert plan.greedy_value_mfen < plan.value_mfen


def test_a_match_carries_the_price_by_policy_1() -> None:
    (match,) = cleared([listing()], [order()]).matches
    assert match.quantity_g == 500 * KG
    assert (match.surplus_fen_per_kg, match.price_fen_per_kg, match.freight_fen_per_kg) == (948, 2074, 52)
    assert match.delivered_price_fen_per_kg == 2126
    assert match.amount_fen == 500 * 2074
    assert match.arrives_at_us + match.remaining_life_us == NOW_US + 72 * HOUR_US
    assert match.value_fen_per_kg == 948


def test_the_value_is_that_of_the_matches_and_the_quarters() -> None:
    plan = cleared([listing()], [order()])
    assert plan.value_mfen == (500 * 948 + 300 * 40 + 200 * 25) * KG


def test_nothing_on_either_side_is_a_plan_of_nothing() -> None:
    for lots, bids in (([], []), ([listing()], []), ([], [order()])):
        plan = cleared(lots, bids)
        assert (plan.matches, plan.value_mfen, plan.certified_gap, plan.arcs) == ((), 0, 0.0, 0)


def test_one_odd_row_never_stops_a_market() -> None:
    plan = cleared([listing("L1"), listing("L2", lon=float("nan"))], [order("O1"), order("O2", wanted_g=-5)])
    assert quantities(plan) == {("L1", "O1"): 500}
    assert plan.set_aside == (
        SetAside("listing", "L2", "place_unknown"),
        SetAside("order", "O2", "quantity_out_of_range"),
    )


def test_lots_whose_poverty_status_is_unknown_are_reported() -> None:
    plan = cleared([listing("L1", poverty_832=None), listing("L2", poverty_832=False)], [order()])
    assert plan.priority_unknown == ("L1",)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pricing_out_from_a_few_neighbours_ends_at_the_same_value(seed: int) -> None:
    lots, bids = scattered(seed, 60)
    whole = cleared(lots, bids)
    priced = cleared(lots, bids, Limits(arcs=700, nearest=3, joining=Reach(3, 8), solves=60))
    assert priced.arcs < whole.arcs
    assert priced.solves > 1
    assert (priced.value_mfen, priced.matched_g, priced.certified_gap) == (whole.value_mfen, whole.matched_g, 0.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_market_cut_into_pieces_is_stitched_to_the_same_value(seed: int) -> None:
    lots, bids = scattered(seed, 60)
    whole = cleared(lots, bids)
    few = Reach(each=2, near_fen_per_kg=1)
    stitched = cleared(lots, bids, Limits(whole=300, piece_rows=12, first=few, joining=few))
    assert stitched.solves > 1, "the pieces alone were not enough"
    assert (stitched.value_mfen, stitched.matched_g, stitched.certified_gap) == (whole.value_mfen, whole.matched_g, 0.0)
    assert (stitched.arcs, stitched.greedy_value_mfen) == (whole.arcs, whole.greedy_value_mfen)


def test_a_market_at_one_place_is_one_piece() -> None:
    lots, bids = [listing(f"L{n}", kg=10 + n) for n in range(9)], [order(f"O{n}", kg=9 + n) for n in range(9)]
    lots = [replace(lot, lon=bids[0].lon, lat=bids[0].lat) for lot in lots]
    plan = cleared(lots, bids, Limits(whole=10, piece_rows=4))
    assert plan.value_mfen == cleared(lots, bids).value_mfen


@given(listings(), orders(), st.integers(1, 9), st.integers(1, 4))
def test_with_room_for_few_arcs_the_bound_still_holds_over_all_pairs(
    lots: list[Listing], bids: list[Order], room: int, solves: int
) -> None:
    plan = cleared(lots, bids, Limits(arcs=room, nearest=1, joining=Reach(1, 0), solves=solves))
    best, _ = optimum(lots, bids, NOW_US)
    assert plan.value_mfen <= best <= plan.bound_mfen
    if plan.certified_gap == 0:
        assert plan.value_mfen == best


def test_stopped_early_the_gap_is_what_is_lost_or_more() -> None:
    lots, bids = scattered(4, 60)
    best = cleared(lots, bids).value_mfen
    plan = cleared(lots, bids, Limits(arcs=200, nearest=2, solves=1))
    assert plan.value_mfen < best
    assert plan.certified_gap >= (best - plan.value_mfen) / plan.value_mfen


def test_pairs_hidden_from_the_solver_leave_a_gap_or_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lots, bids = scattered(5, 40)
    best = cleared(lots, bids).value_mfen

    def half(instance: Instance, limit: int) -> Arcs | None:
        arcs = candidates.all_arcs(instance, limit)
        assert arcs is not None
        return arcs.select(np.arange(len(arcs)) % 2 == 0)

    monkeypatch.setattr("services.matching.optimiser.clear.all_arcs", half)
    hidden = clear(Market.of(lots, bids), POLICY_1, NOW_US, Limits(solves=1))
    assert hidden.value_mfen < best
    assert hidden.certified_gap > 0
    found = clear(Market.of(lots, bids), POLICY_1, NOW_US)
    assert (found.value_mfen, found.certified_gap) == (best, 0.0)


def test_a_market_too_heavy_for_one_solve_is_split_and_the_gap_stays_true(monkeypatch: pytest.MonkeyPatch) -> None:
    lots, bids = scattered(6, 30)
    whole = cleared(lots, bids)
    monkeypatch.setattr(parts, "fits", lambda _, lots, bids: len(lots) + len(bids) <= 20)
    split = cleared(lots, bids)
    assert 0 < split.value_mfen <= whole.value_mfen
    assert split.bound_mfen >= whole.value_mfen
    assert split.certified_gap > 0


def test_ten_thousand_tonnes_a_lot_at_odd_grams_are_split_and_cleared() -> None:
    lots = [listing(f"L{n:03}", quantity_g=10**10 - 1, remaining_g=10**10 - 1) for n in range(90)]
    bids = [order(f"O{n:03}", wanted_g=10**10 - 3, ceiling_fen_per_kg=10**6) for n in range(90)]
    plan = cleared(lots, bids)
    assert plan.matched_g == 90 * (10**10 - 3)
    assert plan.certified_gap < 1e-4


def test_ids_drawn_otherwise_change_nothing_but_ids() -> None:
    """A tie on purpose: many equal listings and orders but for their mass, in a market of degenerate optima."""
    lots = [listing(f"L{n}", kg=10 + n) for n in range(12)]
    bids = [order(f"O{n}", kg=7 + 2 * n) for n in range(12)]

    def deals(rename: dict[str, str]) -> set[tuple[int, int, int]]:
        renamed_lots = [replace(lot, id=rename[lot.id]) for lot in lots]
        renamed_bids = [replace(bid, id=rename[bid.id]) for bid in bids]
        mass = {each.id: each.remaining_g for each in renamed_lots} | {each.id: each.wanted_g for each in renamed_bids}
        plan = clear(Market.of(renamed_lots, renamed_bids), POLICY_1, NOW_US)
        return {(mass[match.listing_id], mass[match.order_id], match.quantity_g) for match in plan.matches}

    names = [each.id for each in [*lots, *bids]]
    forwards = deals({name: name for name in names})
    assert forwards == deals({name: f"{99 - place:02d}" for place, name in enumerate(names)})
    assert len(forwards) > 12
