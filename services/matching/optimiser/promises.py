"""What a linear programme cannot promise: an order's least fill, and a lot that is sold whole or not at all.

What can never be kept is left out beforehand, which costs nothing. Of the solution without promises what it breaks is
decided and the rest solved again (`dive`); what still breaks one then is dropped. That plan keeps all promises and is
bettered piece by piece: around each that has less than before, a few lots and orders share out anew what they have,
exactly and with all promises (`exchange`). A market of few rows is one piece, and its plan the optimum. In a large one
that is a heuristic; the certified gap, reckoned before, includes what it may have lost.
"""

from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.budget import BETTERED_BY, UNLIMITED, Budget
from services.matching.optimiser.dive import Resolve, dive
from services.matching.optimiser.exchange import better
from services.matching.optimiser.market import BoolArray, SetAside
from services.matching.optimiser.neighbourhoods import Neighbours, Standing
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import Solution, bought_g, sold_g, value_mfen

NEAREST = 8  # arcs of each node that a few are decided by: a solve over so few is many times quicker
SIZE = 30  # nodes of a piece; branch and bound over twice as many takes ten times as long and gains 1e-5
PIECES = 200


@dataclass(frozen=True, slots=True)
class Participants:
    """Who still takes part in this round, by row."""

    listings: BoolArray
    orders: BoolArray

    @classmethod
    def all(cls, instance: Instance) -> "Participants":
        """Everybody."""
        market = instance.market
        return cls(np.ones(len(market.listings.ids), dtype=bool), np.ones(len(market.orders.ids), dtype=bool))

    def arcs(self, arcs: Arcs) -> BoolArray:
        """The arcs between those who take part."""
        taking: BoolArray = self.listings[arcs.listing] & self.orders[arcs.order]
        return taking


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan that keeps all promises. `cut`: by a limit, so that another round may find more."""

    flow_g: IntArray  # by arc
    taking: Participants  # whom it did not leave out for a promise
    pieces: int  # that were looked at
    cut: bool


def reachable(instance: Instance, everything: Arcs | None) -> BoolArray:
    """The orders whose least fill is within what they want and, where all arcs are known, what is offered them.

    An order that is offered nothing is not short of its fill: it has no supply.
    """
    orders = instance.market.orders
    most_g = orders.wanted_g.copy()
    if everything is not None:
        offered_g = bought_g(instance, everything, instance.market.listings.remaining_g[everything.listing])
        most_g = np.where(offered_g > 0, np.minimum(most_g, offered_g), most_g)
    within: BoolArray = (orders.min_fill_g == 0) | (orders.committed_g + most_g >= orders.min_fill_g)
    return within


def keep(
    instance: Instance,
    arcs: Arcs,
    solution: Solution,
    taking: Participants,
    resolve: Resolve,
    other_g: IntArray | None = None,
    budget: Budget = UNLIMITED,
) -> Kept:
    """A plan near this one that keeps all promises; it is worth no less than `other_g`, another that does."""
    if (drop_broken(instance, arcs, solution.flow_g) == solution.flow_g).all():
        return Kept(solution.flow_g, taking, pieces=0, cut=False)
    neighbours = Neighbours.of(instance, arcs, solution.order_price_fen_per_kg)
    near = neighbours.nearest(NEAREST) | (solution.flow_g > 0)
    dived_g = np.zeros_like(solution.flow_g)
    dived_g[near], cut = dive(instance, arcs.select(near), solution.flow_g[near], resolve, budget)
    kept_g = drop_broken(instance, arcs, dived_g)
    pieces, untried = _better(Standing(instance, arcs, kept_g), neighbours, solution.flow_g, budget)
    if other_g is not None and value_mfen(instance, arcs, other_g) > value_mfen(instance, arcs, kept_g):
        kept_g = other_g
    lots, bids = _left_out(instance, arcs, solution.flow_g, kept_g)
    return Kept(kept_g, Participants(taking.listings & ~lots, taking.orders & ~bids), pieces, cut or untried)


def drop_broken(instance: Instance, arcs: Arcs, flow_g: IntArray) -> IntArray:
    """This flow without all that breaks a promise, or then would."""
    lots, bids = instance.market.listings, instance.market.orders
    flow_g = flow_g.copy()
    while True:
        got_g = bought_g(instance, arcs, flow_g)
        short = (got_g > 0) & (bids.committed_g + got_g < bids.min_fill_g)
        part = ~lots.divisible[arcs.listing] & (flow_g < lots.remaining_g[arcs.listing])
        broken = (flow_g > 0) & (part | short[arcs.order])
        if not broken.any():
            return flow_g
        flow_g[broken] = 0


def left_out(instance: Instance, taking: Participants) -> list[SetAside]:
    """Those who do not take part, and why."""
    market = instance.market
    lots = np.flatnonzero(~taking.listings).tolist()
    bids = np.flatnonzero(~taking.orders).tolist()
    return [SetAside("listing", market.listings.ids[row], "indivisible") for row in lots] + [
        SetAside("order", market.orders.ids[row], "min_fill") for row in bids
    ]


def _better(standing: Standing, neighbours: Neighbours, relaxed_g: IntArray, budget: Budget) -> tuple[int, bool]:
    """Better the plan around each that has less than without promises; how many pieces that took, and whether a limit
    left others untried."""
    covered, tried = set[int](), 0
    for node in _short(standing, relaxed_g):
        if node in covered:
            continue
        if tried == PIECES or budget.spent(BETTERED_BY):
            return tried, True
        nodes = neighbours.around(node, SIZE)
        covered |= nodes
        piece = standing.piece(neighbours.arcs_between(nodes))
        found = better(piece, standing.flow_g[piece.rows])
        if found is not None:
            standing.take(piece, found)
        tried += 1
    return tried, False


def _short(standing: Standing, relaxed_g: IntArray) -> list[int]:
    """The ends, lots first, of arcs that carry less than without promises; those that were promised something first."""
    lots, bids = standing.instance.market.listings, standing.instance.market.orders
    less = standing.arcs.select(standing.flow_g < relaxed_g)
    nodes = np.unique(np.concatenate([less.listing, len(lots.ids) + less.order]))
    promised = np.concatenate([~lots.divisible, bids.min_fill_g > bids.committed_g])[nodes]
    ranked: list[int] = np.concatenate([nodes[promised], nodes[~promised]]).tolist()
    return ranked


def _left_out(instance: Instance, arcs: Arcs, relaxed_g: IntArray, flow_g: IntArray) -> tuple[BoolArray, BoolArray]:
    """By listing and by order: something was promised, and there is nothing of what it would have without promises."""
    lots, bids = instance.market.listings, instance.market.orders
    unsold = (sold_g(instance, arcs, relaxed_g) > 0) & (sold_g(instance, arcs, flow_g) == 0)
    unserved = (bought_g(instance, arcs, relaxed_g) > 0) & (bought_g(instance, arcs, flow_g) == 0)
    return ~lots.divisible & unsold, (bids.min_fill_g > bids.committed_g) & unserved
