"""Pieces of a market: who is in one, and what the rest of the plan leaves to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.neighbourhoods import Neighbours, Standing
from services.matching.optimiser.transport import bought_g, sold_g, solve, value_mfen
from tests.services.matching.optimiser.factories import KG, every_arc, instance, listing, listings, order, orders


def test_a_piece_grows_along_the_arcs_that_lose_least() -> None:
    of = instance(listing("L1"), order("O1", ceiling_fen_per_kg=2600), order("O2", ceiling_fen_per_kg=2500))
    arcs, free = every_arc(of), np.zeros(2, dtype=np.int64)
    neighbours = Neighbours.of(of, arcs, free)
    first = 1 + of.market.orders.ids.index("O1")
    assert neighbours.around(0, 2) == {0, first}
    assert neighbours.around(0, 9) == {0, 1, 2}
    dearer = np.where(np.arange(2) == first - 1, 500, 0)
    assert Neighbours.of(of, arcs, dearer).around(0, 2) == {0, 3 - first}


def test_no_arc_leads_out_of_a_part_of_the_market() -> None:
    of = instance(listing("L1"), listing("L2", grade="C"), order("O1"), order("O2", listing_id="L2", min_grade="C"))
    neighbours = Neighbours.of(of, every_arc(of), np.zeros(2, dtype=np.int64))
    lot = of.market.listings.ids.index("L2")
    assert neighbours.around(lot, 9) == {lot, 2 + of.market.orders.ids.index("O2")}


@given(listings(), orders(), st.data())
def test_a_piece_has_the_arcs_between_its_nodes_and_what_the_others_leave(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    solution = solve(of, arcs)
    node = data.draw(st.integers(0, len(lots) + len(bids) - 1))
    nodes = Neighbours.of(of, arcs, solution.order_price_fen_per_kg).around(node, data.draw(st.integers(1, 9)))
    rows = Neighbours.of(of, arcs, solution.order_price_fen_per_kg).arcs_between(nodes)
    both = {row for row, (i, j) in enumerate(zip(arcs.listing, arcs.order, strict=True)) if {i, len(lots) + j} <= nodes}
    assert set(rows.tolist()) == both

    standing = Standing(of, arcs, solution.flow_g.copy())
    piece = standing.piece(rows)
    outside = solution.flow_g.copy()
    outside[rows] = 0
    left_g = of.market.listings.remaining_g - sold_g(of, arcs, outside)
    assert piece.instance.market.listings.quarter_g.sum(axis=1).tolist() == left_g.tolist()
    assert (piece.instance.market.orders.wanted_g == of.market.orders.wanted_g - bought_g(of, arcs, outside)).all()

    # The optimum of the whole is the optimum of every piece, to the fen: nothing is lost between the two.
    mine = value_mfen(piece.instance, piece.arcs, solve(piece.instance, piece.arcs).flow_g)
    elsewhere = value_mfen(of, arcs, outside)
    assert elsewhere + mine == value_mfen(of, arcs, solution.flow_g)
    standing.take(piece, np.zeros(len(piece.rows), dtype=np.int64))
    assert standing.sold_g.tolist() == sold_g(of, arcs, outside).tolist()
    assert standing.bought_g.tolist() == bought_g(of, arcs, outside).tolist()


def test_what_an_order_has_elsewhere_counts_towards_its_least_fill_and_binds_it() -> None:
    of = instance(listing("L1", kg=30), listing("L2", kg=31), order(kg=100, min_fill_g=50 * KG))
    standing = Standing(of, every_arc(of), np.array([30 * KG, 20 * KG]))
    piece = standing.piece(np.array([1]))
    assert (piece.need_g.tolist(), piece.bound.tolist()) == ([20 * KG], [True])
    whole = standing.piece(np.array([0, 1]))
    assert (whole.need_g.tolist(), whole.bound.tolist()) == ([50 * KG], [False])


def test_a_whole_lot_that_is_sold_elsewhere_is_not_in_the_piece() -> None:
    of = instance(listing(kg=30, divisible=False), order("O1", kg=100), order("O2", kg=100))
    standing = Standing(of, every_arc(of), np.array([30 * KG, 0]))
    assert standing.piece(np.array([1])).rows.tolist() == []
    assert standing.piece(np.array([0, 1])).rows.tolist() == [0, 1]
