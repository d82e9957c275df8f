"""Which of the known arcs a solve is over: a few at first, then those that its prices ask for.

A network simplex over all arcs of a large market takes far longer than a few over the twentieth of them that can matter
(column generation; Ahuja, Magnanti, Orlin: Network Flows, 1993, ch. 17.4). Over the known arcs prices are looked at in
memory; pairs that nobody knows of yet are the certificate's affair.
"""

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.certificate import Reach, first_of_each, gain_fen_per_kg, listing_prices
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import Prices


def first_arcs(known: Arcs, each: int) -> BoolArray:
    """So many of the best value and so many of the nearest, of each listing and of each order."""
    chosen = np.zeros(len(known), dtype=bool)
    for merit in (known.value_fen_per_kg, -known.distance_m):
        for side in (known.listing, known.order):
            chosen |= first_of_each(side, merit, each)
    return chosen


def missing_arcs(
    instance: Instance, known: Arcs, solving: BoolArray, order_price: IntArray, takes_part: BoolArray, reach: Reach
) -> BoolArray:
    """Those of the known arcs outside the solve that would improve its result, and the near ones with them; none when
    none would improve it."""
    missing = np.zeros(len(known), dtype=bool)
    prices = Prices(listing_prices(instance, known.select(solving), order_price, takes_part), order_price)
    gain = gain_fen_per_kg(known, prices)
    outside = np.flatnonzero(~solving & (gain > -reach.near_fen_per_kg) & takes_part[known.order])
    if (gain[outside] > 0).any():
        near = known.select(outside)
        wanted = first_of_each(near.listing, gain[outside], reach.each)
        wanted |= first_of_each(near.order, gain[outside], reach.each)
        missing[outside[wanted]] = True
    return missing


def worth_keeping(
    instance: Instance, arcs: Arcs, flow_g: IntArray, order_price: IntArray, takes_part: BoolArray, room: int
) -> BoolArray:
    """The arcs that carry something, and of the others those nearest to it, as far as there is room."""
    if len(arcs) <= room:
        return np.ones(len(arcs), dtype=bool)
    prices = Prices(listing_prices(instance, arcs, order_price, takes_part), order_price)
    ranking = np.lexsort((-gain_fen_per_kg(arcs, prices), flow_g == 0))
    keeping: BoolArray = flow_g > 0
    keeping[ranking[: max(room, 0)]] = True
    return keeping
