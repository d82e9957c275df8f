"""A first plan that keeps all promises: decide what is broken by what the linear programme nearly does, solve again.

An order that has most of its least fill shall have it, one that has little goes without; a whole lot goes to who has
most of it and room for all, if anybody. What the next solution breaks is decided next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.budget import DIVED_BY, UNLIMITED, Budget
from services.matching.optimiser.flow import Infeasible
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import Solution, bought_g

PASSES = 20

Resolve = Callable[[Instance, Arcs, IntArray], Solution]
"""The best plan over these arcs in which each order has at least so many grams; raises Infeasible."""


@dataclass(slots=True)
class _Decided:
    """What every pass adds to."""

    whole: BoolArray  # by arc: all of the lot goes over it
    lot: BoolArray  # by listing: it has been decided where it goes, if anywhere
    out: BoolArray  # by order
    least_g: IntArray  # by order


def dive(
    instance: Instance, arcs: Arcs, flow_g: IntArray, resolve: Resolve, budget: Budget = UNLIMITED
) -> tuple[IntArray, bool]:
    """From this flow to one that breaks few promises or none, by arc; and whether time ended that."""
    lots, bids = instance.market.listings, instance.market.orders
    decided = _Decided(
        np.zeros(len(arcs), dtype=bool),
        lots.divisible.copy(),
        np.zeros(len(bids.ids), dtype=bool),
        np.zeros_like(bids.wanted_g),
    )
    for _ in range(PASSES):
        broken_lots, broken_bids = _broken(instance, arcs, flow_g)
        if np.isnan(broken_lots).all() and np.isnan(broken_bids).all():
            break
        if budget.spent(DIVED_BY):
            return flow_g, True
        _decide_lots(instance, arcs, flow_g, decided, broken_lots)
        forced = _decide_orders(instance, decided, broken_bids)
        _free_lots_of_who_goes_without(arcs, decided)
        solved = _solved(instance, arcs, decided, resolve)
        if solved is None:
            decided.out |= forced
            decided.least_g[forced] = 0
            _free_lots_of_who_goes_without(arcs, decided)
            if budget.spent(DIVED_BY):
                return flow_g, True
            solved = _solved(instance, arcs, decided, resolve)
        if solved is None:  # what is decided of whole lots now leaves too little for who was promised before
            break
        flow_g = solved
    return flow_g, False


def _broken(instance: Instance, arcs: Arcs, flow_g: IntArray) -> tuple[FloatArray, FloatArray]:
    """By listing the greatest share of a whole lot that is divided, and by order the share of a least fill that is not
    reached; elsewhere nan."""
    lots, bids = instance.market.listings, instance.market.orders
    greatest_g = np.zeros(len(lots.ids), dtype=np.int64)
    np.maximum.at(greatest_g, arcs.listing, flow_g)
    divided = ~lots.divisible & (greatest_g > 0) & (greatest_g < lots.remaining_g)
    got_g = bought_g(instance, arcs, flow_g)
    short = (got_g > 0) & (bids.committed_g + got_g < bids.min_fill_g)
    return (
        np.where(divided, greatest_g / np.maximum(lots.remaining_g, 1), np.nan),
        np.where(short, (bids.committed_g + got_g) / np.maximum(bids.min_fill_g, 1), np.nan),
    )


def _decide_lots(instance: Instance, arcs: Arcs, flow_g: IntArray, decided: _Decided, share: FloatArray) -> None:
    lots, bids = instance.market.listings, instance.market.orders
    left_g = bids.wanted_g - bought_g(instance, arcs, np.where(decided.whole, lots.remaining_g[arcs.listing], 0))
    chosen = ~np.isnan(share)
    used = np.flatnonzero(chosen[arcs.listing] & (flow_g > 0) & ~decided.out[arcs.order])
    ranking = used[
        np.lexsort((arcs.order[used], arcs.listing[used], -flow_g[used] / lots.remaining_g[arcs.listing[used]]))
    ]
    for arc in ranking.tolist():
        listing, order = arcs.listing[arc], arcs.order[arc]
        if not decided.lot[listing] and lots.remaining_g[listing] <= left_g[order]:
            decided.whole[arc] = decided.lot[listing] = True
            left_g[order] -= lots.remaining_g[listing]
    decided.lot |= chosen


def _decide_orders(instance: Instance, decided: _Decided, share: FloatArray) -> BoolArray:
    """Those that shall now have their least fill."""
    bids = instance.market.orders
    forced = share >= 0.5
    decided.out |= share < 0.5
    decided.least_g[forced] = (bids.min_fill_g - bids.committed_g)[forced]
    return forced


def _free_lots_of_who_goes_without(arcs: Arcs, decided: _Decided) -> None:
    """A whole lot that was given to an order that goes without after all is to be decided again."""
    freed = decided.whole & decided.out[arcs.order]
    decided.whole[freed] = False
    decided.lot[arcs.listing[freed]] = False


def _solved(instance: Instance, arcs: Arcs, decided: _Decided, resolve: Resolve) -> IntArray | None:
    """The best flow with all that is decided; None where there is none."""
    lots, bids = instance.market.listings, instance.market.orders
    flow_g = np.where(decided.whole, lots.remaining_g[arcs.listing], 0)
    given_g = bought_g(instance, arcs, flow_g)
    wanted_g = bids.wanted_g - given_g
    least_g = np.where(decided.out, 0, np.maximum(decided.least_g - given_g, 0))
    free = ~decided.out[arcs.order] & np.where(
        lots.divisible[arcs.listing],
        True,
        ~decided.lot[arcs.listing] & (lots.remaining_g[arcs.listing] <= wanted_g[arcs.order]),
    )
    left = replace(instance, market=replace(instance.market, orders=replace(bids, wanted_g=wanted_g)))
    try:
        flow_g[free] = resolve(left, arcs.select(free), least_g).flow_g
    except Infeasible:
        return None
    # An order that none of these arcs leads to is not in their network, whatever it should have.
    return flow_g if (bought_g(instance, arcs, flow_g) >= np.where(decided.out, 0, decided.least_g)).all() else None
