"""The baseline a round is compared with: take the best pair, then the next best, as a market hall would."""

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import IntArray

AT_ONCE = 50_000
"""After so many arcs, those of whoever has nothing left are dropped: most of a large market's."""


def greedy(instance: Instance, arcs: Arcs) -> IntArray:
    """Grams by arc, best value per kg first (the spread as it stands at the start), ties by listing and order.

    A whole lot goes to who takes all of it. That an order has its least fill is not looked at.
    """
    lots, bids = instance.market.listings, instance.market.orders
    first = (lots.quarter_g > 0).argmax(axis=1)
    spread = np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)[first]
    worth = arcs.value_fen_per_kg + spread[arcs.listing]
    ranking = np.lexsort((arcs.order, arcs.listing, -worth))
    left_g, wanted_g = lots.remaining_g.copy(), bids.wanted_g.copy()
    flow_g = np.zeros(len(arcs), dtype=np.int64)
    while len(ranking):
        some, ranking = ranking[:AT_ONCE], ranking[AT_ONCE:]
        flow_g[some] = _taken(arcs.select(some), ~lots.divisible, left_g, wanted_g)
        ranking = ranking[(left_g[arcs.listing[ranking]] > 0) & (wanted_g[arcs.order[ranking]] > 0)]
    return flow_g


def _taken(ranked: Arcs, whole: BoolArray, left_g: IntArray, wanted_g: IntArray) -> list[int]:
    """Grams by arc, the best first, as far as the two ends go; these have so much less then. Plain numbers: a loop over
    numpy scalars would be ten times slower."""
    left, wanted, undivided = left_g.tolist(), wanted_g.tolist(), whole.tolist()
    taken_g = []
    for listing, order in zip(ranked.listing.tolist(), ranked.order.tolist(), strict=True):
        taken = min(left[listing], wanted[order])
        if undivided[listing] and taken < left[listing]:
            taken = 0
        taken_g.append(taken)
        left[listing] -= taken
        wanted[order] -= taken
    left_g[:], wanted_g[:] = left, wanted
    return taken_g
