"""A piece of a market with all its promises: the choice is the solver's, the grams are the flow's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import exchange
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.exchange import Choice, better
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.neighbourhoods import Piece, Standing
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.promises import drop_broken
from services.matching.optimiser.transport import value_mfen
from tests.services.matching.optimiser.factories import (
    KG,
    NOW_US,
    every_arc,
    instance,
    listing,
    listings,
    order,
    orders,
)
from tests.services.matching.optimiser.oracle import promised_optimum


def whole_market(of: Instance) -> tuple[Piece, IntArray]:
    """All of it as one piece, and a plan of nothing."""
    arcs = every_arc(of)
    nothing = np.zeros(len(arcs), dtype=np.int64)
    return Standing(of, arcs, nothing).piece(np.arange(len(arcs))), nothing


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 0, 1000, 2500, 4000])))
def test_a_whole_small_market_comes_to_its_optimum_with_every_promise(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    piece, nothing = whole_market(of)
    if len(piece.arcs):
        found = better(piece, nothing)
        flow_g = nothing if found is None else found
        assert value_mfen(of, piece.arcs, flow_g) == promised_optimum(lots, bids, NOW_US)
        assert drop_broken(of, piece.arcs, flow_g).tolist() == flow_g.tolist()


def test_what_is_no_better_is_not_taken() -> None:
    piece, nothing = whole_market(instance(listing(kg=100, divisible=False), order(kg=100, min_fill_g=KG)))
    found = better(piece, nothing)
    assert found is not None
    assert found.tolist() == [100 * KG]
    assert better(piece, found) is None


def test_a_piece_without_arcs_has_nothing_better() -> None:
    of = instance(listing(kg=30, divisible=False), order("O1", kg=100), order("O2", kg=100))
    piece = Standing(of, every_arc(of), np.array([30 * KG, 0])).piece(np.array([1]))
    assert better(piece, np.zeros(0, dtype=np.int64)) is None


def test_an_order_bound_by_what_it_has_elsewhere_is_not_let_down_for_a_better_one() -> None:
    bids = [order("O1", kg=100, min_fill_g=50 * KG), order("O2", kg=30, ceiling_fen_per_kg=3000)]
    of = instance(listing("L1", kg=30), listing("L2", kg=31), *bids)
    arcs = every_arc(of)
    first = of.market.orders.ids.index("O1")
    flow_g = np.where(arcs.order == first, of.market.listings.remaining_g[arcs.listing], 0)
    second_lot = np.flatnonzero(arcs.listing == of.market.listings.ids.index("L2"))
    piece = Standing(of, arcs, flow_g).piece(second_lot)
    found = better(piece, flow_g[second_lot])
    assert found is not None
    assert found[arcs.order[second_lot] == first].tolist() == [20 * KG]


@pytest.mark.parametrize("choice", [None, "too much", "nothing for a promise"])
def test_a_choice_that_the_grams_do_not_bear_out_is_not_taken(
    choice: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots = [listing(f"L{n}", kg=60, divisible=False) for n in (1, 2)] + [listing("L3", kg=10)]
    piece, nothing = whole_market(instance(*lots, order("O1", kg=100, min_fill_g=90 * KG)))
    whole = ~piece.instance.market.listings.divisible[piece.arcs.listing]
    yes = np.ones(1, dtype=bool)
    choices = {None: None, "too much": Choice(yes, whole), "nothing for a promise": Choice(yes, whole & False)}
    monkeypatch.setattr(exchange, "_choice", lambda _: choices[choice])
    assert better(piece, nothing) is None
