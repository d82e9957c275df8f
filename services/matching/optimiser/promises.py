"""What a linear programme cannot promise: an order's least fill, and a lot that is sold whole or not at all.

What can never be kept is left out beforehand, which costs nothing. What the solution breaks is repaired: the half
that comes least near is taken out of the round and the rest solved again, until nothing is broken. That is a
heuristic; the certified gap, reckoned before the repair, includes what it may have lost.
"""

from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import BoolArray, FloatArray, SetAside
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import bought_g

PATIENCE = 12  # passes in halves; after these, everything broken goes at once


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

    def same_as(self, other: "Participants") -> bool:
        """Whether both are the same rows."""
        return bool((self.listings == other.listings).all() and (self.orders == other.orders).all())


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


def repair(instance: Instance, arcs: Arcs, flow_g: IntArray, taking: Participants, passes: int) -> Participants:
    """Those who take part in the next solve: the same, if no promise is broken."""
    orders_kept = _kept_fill(instance, bought_g(instance, arcs, flow_g))
    listings_kept = _kept_whole(instance, arcs, flow_g)
    share = 1.0 if passes >= PATIENCE else 0.5
    return Participants(
        taking.listings & ~_worst(listings_kept, share),
        taking.orders & ~_worst(orders_kept, share),
    )


def left_out(instance: Instance, taking: Participants) -> list[SetAside]:
    """Those who do not, and why."""
    market = instance.market
    lots = np.flatnonzero(~taking.listings).tolist()
    bids = np.flatnonzero(~taking.orders).tolist()
    return [SetAside("listing", market.listings.ids[row], "indivisible") for row in lots] + [
        SetAside("order", market.orders.ids[row], "min_fill") for row in bids
    ]


def _kept_fill(instance: Instance, got_g: IntArray) -> FloatArray:
    """By order the share of its least fill it would have; 1 where nothing is promised or nothing given."""
    orders = instance.market.orders
    promised = (got_g > 0) & (orders.min_fill_g > 0)
    share = (orders.committed_g + got_g) / np.maximum(orders.min_fill_g, 1)
    return np.where(promised, np.minimum(share, 1.0), 1.0)


def _kept_whole(instance: Instance, arcs: Arcs, flow_g: IntArray) -> FloatArray:
    """By listing the greatest share of it that goes to one order; 1 where it may be divided or is not sold."""
    listings = instance.market.listings
    greatest_g = np.zeros(len(listings.ids), dtype=np.int64)
    np.maximum.at(greatest_g, arcs.listing, flow_g)
    whole_or_none = listings.divisible | (greatest_g == 0)
    return np.where(whole_or_none, 1.0, greatest_g / np.maximum(listings.remaining_g, 1))


def _worst(kept: FloatArray, share: float) -> BoolArray:
    """The broken ones that are least near to being kept, that share of them and at least one."""
    broken = np.flatnonzero(kept < 1.0)
    ranking = broken[np.argsort(kept[broken], kind="stable")]
    worst = np.zeros(len(kept), dtype=bool)
    worst[ranking[: int(np.ceil(len(broken) * share))]] = True
    return worst
