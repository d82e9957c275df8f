"""From the plan without promises to one that keeps them, a few decided at a time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.dive import dive
from services.matching.optimiser.flow import Infeasible
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.promises import drop_broken
from services.matching.optimiser.transport import Solution, bought_g, sold_g, solve
from tests.services.matching.optimiser.factories import KG, every_arc, instance, listing, listings, order, orders


def resolve(of: Instance, arcs: Arcs, least_g: IntArray) -> Solution:
    return solve(of, arcs, least_g=least_g)


def dived(of: Instance) -> tuple[Arcs, IntArray]:
    arcs = every_arc(of)
    return arcs, dive(of, arcs, solve(of, arcs).flow_g, resolve)[0]


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 1000, 2500, 4000])))
def test_it_sells_no_more_than_there_is_and_buys_no_more_than_is_wanted(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    arcs, flow_g = dived(of)
    assert (flow_g >= 0).all()
    assert (sold_g(of, arcs, flow_g) <= of.market.listings.remaining_g).all()
    assert (bought_g(of, arcs, flow_g) <= of.market.orders.wanted_g).all()


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 1000, 2500, 4000])))
def test_in_so_small_a_market_it_leaves_nothing_broken(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    arcs, flow_g = dived(of)
    assert drop_broken(of, arcs, flow_g).tolist() == flow_g.tolist()


def test_a_whole_lot_is_not_left_with_who_goes_without() -> None:
    """It was given to an order in the same pass in which that was found to have too little."""
    lots = [replace(listing(name, kg=1), quantity_g=250, remaining_g=250, divisible=False) for name in ("L0", "L1")]
    short = replace(order("O0", kg=1, ceiling_fen_per_kg=3000), wanted_g=250, min_fill_g=1000)
    of = instance(*lots, short)
    arcs, flow_g = dived(of)
    assert flow_g.tolist() == drop_broken(of, arcs, flow_g).tolist() == [0] * len(flow_g)


def test_who_nearly_has_his_least_fill_gets_it_and_who_has_little_goes_without() -> None:
    bids = [
        order("O1", kg=60, ceiling_fen_per_kg=3000),
        order("O2", kg=80, ceiling_fen_per_kg=2900, min_fill_g=50 * KG),
        order("O3", kg=80),
    ]
    of = instance(listing(kg=100), *bids)
    arcs, flow_g = dived(of)
    assert dict(zip((of.market.orders.ids[row] for row in arcs.order), flow_g // KG, strict=True)) == {
        "O1": 50,
        "O2": 50,
        "O3": 0,
    }
    of = instance(listing(kg=70), *bids)  # 10 kg of 50
    arcs, flow_g = dived(of)
    assert dict(zip((of.market.orders.ids[row] for row in arcs.order), flow_g // KG, strict=True)) == {
        "O1": 60,
        "O2": 0,
        "O3": 10,
    }


def test_a_whole_lot_goes_to_who_has_most_of_it_and_has_room() -> None:
    lots = [listing("L1", kg=100, divisible=False), listing("L2", kg=90)]
    of = instance(*lots, order("O1", kg=140, ceiling_fen_per_kg=2700), order("O2", kg=50))
    arcs, flow_g = dived(of)
    whole = of.market.listings.ids.index("L1")
    assert flow_g[arcs.listing == whole].tolist() in ([100 * KG], [0])


def test_what_can_not_be_had_for_all_that_were_promised_it_goes_to_none_of_them() -> None:
    of = instance(listing(kg=100), *(order(f"O{n}", kg=60, min_fill_g=60 * KG) for n in (1, 2)))
    arcs = every_arc(of)
    tried: list[int] = []

    def at_most_one(of: Instance, arcs: Arcs, least_g: IntArray) -> Solution:
        tried.append(int((least_g > 0).sum()))
        if tried[-1]:
            raise Infeasible("as planned")
        return resolve(of, arcs, least_g)

    flow_g, _ = dive(of, arcs, np.array([60 * KG, 40 * KG]), at_most_one)
    assert tried[:2] == [1, 0]
    assert sorted(flow_g.tolist()) == [0, 60 * KG]


def test_where_nothing_can_be_had_it_ends_with_what_it_was_given() -> None:
    def never(of: Instance, arcs: Arcs, least_g: IntArray) -> Solution:
        raise Infeasible("as planned")

    of = instance(listing(kg=100), *(order(f"O{n}", kg=60, min_fill_g=60 * KG) for n in (1, 2)))
    given_g = np.array([60 * KG, 40 * KG])
    assert dive(of, every_arc(of), given_g, never)[0].tolist() == given_g.tolist()


def test_a_least_that_the_arcs_can_not_bring_is_said_so() -> None:
    of = instance(listing(kg=100), order(kg=200))
    with pytest.raises(Infeasible):
        solve(of, every_arc(of), least_g=np.array([150 * KG]))
    assert solve(of, every_arc(of), least_g=np.array([100 * KG])).flow_g.tolist() == [100 * KG]
