"""A first plan that keeps all promises: decide a few by what the linear programme nearly does, solve the rest anew.

Each time the half of what is broken that is nearest to one or the other is decided: an order has most of its least
fill and shall have it, or has little and goes without; a whole lot goes to who has most of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.flow import Infeasible
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import Solution, bought_g

PASSES = 12

Resolve = Callable[[Instance, Arcs, IntArray], Solution]
"""The best plan over these arcs in which each order has at least so many grams; raises Infeasible."""


@dataclass(slots=True)
class _Decided:
    """What every pass adds to."""

    whole: BoolArray  # by arc: all of the lot goes over it
    lot: BoolArray  # by listing: it has been decided where it goes, if anywhere
    out: BoolArray  # by order
    least_g: IntArray  # by order


def dive(instance: Instance, arcs: Arcs, flow_g: IntArray, resolve: Resolve) -> IntArray:
    """From this flow to one that breaks few promises or none, by arc."""
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
        _decide_lots(instance, arcs, flow_g, decided, broken_lots)
        forced = _decide_orders(instance, decided, broken_bids)
        try:
            flow_g = _solved(instance, arcs, decided, resolve)
        except Infeasible:
            decided.out |= forced
            decided.least_g[forced] = 0
            flow_g = _solved(instance, arcs, decided, resolve)
    return flow_g


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
    chosen = np.zeros(len(share), dtype=bool)
    chosen[_first_half(-share)] = True
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
    chosen = np.zeros(len(share), dtype=bool)
    chosen[_first_half(-np.abs(share - 0.5))] = True
    forced = chosen & (share >= 0.5)
    decided.out |= chosen & ~forced
    decided.least_g[forced] = (bids.min_fill_g - bids.committed_g)[forced]
    return forced


def _first_half(key: FloatArray) -> IntArray:
    """Of those that have a key the half with the least, and one more."""
    ranking: IntArray = np.argsort(key, kind="stable")
    count = int((~np.isnan(key)).sum())
    return ranking[: min(count, count // 2 + 1)]


def _solved(instance: Instance, arcs: Arcs, decided: _Decided, resolve: Resolve) -> IntArray:
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
    flow_g[free] = resolve(left, arcs.select(free), least_g).flow_g
    return flow_g
