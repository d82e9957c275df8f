"""The baseline a round is compared with: take the best pair, then the next best, as a market hall would."""

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.policy import IntArray


def greedy(instance: Instance, arcs: Arcs) -> IntArray:
    """Grams by arc, best value per kg first (the spread as it stands at the start), ties by listing and order.

    A whole lot goes to who takes all of it. That an order has its least fill is not looked at.
    """
    lots, bids = instance.market.listings, instance.market.orders
    first = (lots.quarter_g > 0).argmax(axis=1)
    spread = np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)[first]
    worth = arcs.value_fen_per_kg + spread[arcs.listing]
    ranking = np.lexsort((arcs.order, arcs.listing, -worth))
    whole = (~lots.divisible).tolist()
    left, wanted = lots.remaining_g.tolist(), bids.wanted_g.tolist()
    flow_g = [0] * len(arcs)
    # Plain numbers: a loop over numpy scalars would be ten times slower.
    pairs = zip(ranking.tolist(), arcs.listing[ranking].tolist(), arcs.order[ranking].tolist(), strict=True)
    for arc, listing, order in pairs:
        taken = min(left[listing], wanted[order])
        if whole[listing] and taken < left[listing]:
            continue
        flow_g[arc] = taken
        left[listing] -= taken
        wanted[order] -= taken
    return np.array(flow_g, dtype=np.int64)
