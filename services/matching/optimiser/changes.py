"""What of a market changes can be of any consequence to: who could trade with whom has changed, through others, too."""

from collections.abc import Collection

import numpy as np

from services.matching.optimiser.arcs import Instance, compatible_arcs
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import candidate_pairs


def of_changed(instance: Instance, changed: Collection[str] | None) -> Instance:
    """What of a market has to be looked at for these changes; all of it when they are not known."""
    return instance if changed is None else instance.part(*reached(instance, *touched(instance, changed)))


def touched(instance: Instance, changed: Collection[str]) -> tuple[IntArray, IntArray]:
    """The rows of these listings and orders, and of whoever waits for a promise to be kept: a least fill not reached, a
    lot that nobody took whole. To those a repair may have done no justice (see `promises`)."""
    lots, bids = instance.market.listings, instance.market.orders
    has_changed = [np.fromiter((each in changed for each in side.ids), bool, len(side.ids)) for side in (lots, bids)]
    waits = ~lots.divisible, bids.min_fill_g > bids.committed_g
    listings, orders = (np.flatnonzero(mine | also) for mine, also in zip(has_changed, waits, strict=True))
    return listings, orders


def reached(instance: Instance, listings: IntArray, orders: IntArray) -> tuple[IntArray, IntArray]:
    """These rows and all that any chain of compatible pairs leads to from them, ascending."""
    everyone = np.arange(len(instance.market.listings.ids)), np.arange(len(instance.market.orders.ids))
    seen = tuple(np.zeros(len(each), dtype=bool) for each in everyone)
    new = listings, orders
    while len(new[0]) or len(new[1]):
        for mark, rows in zip(seen, new, strict=True):
            mark[rows] = True
        of_listings = _ends(instance, new[0], everyone[1][~seen[1]])[1]
        of_orders = _ends(instance, everyone[0][~seen[0]], new[1])[0]
        new = of_orders, of_listings
    return np.flatnonzero(seen[0]), np.flatnonzero(seen[1])


def _ends(instance: Instance, listings: IntArray, orders: IntArray) -> tuple[IntArray, IntArray]:
    """Which of these listings are compatible with any of these orders, and which of the orders with any listing."""
    if not len(listings) or not len(orders):
        return listings[:0], orders[:0]
    block = instance.part(listings, orders)
    has_listing, has_order = np.zeros(len(listings), dtype=bool), np.zeros(len(orders), dtype=bool)
    for pairs in candidate_pairs(block):
        arcs = compatible_arcs(block, *pairs)
        has_listing[arcs.listing] = has_order[arcs.order] = True
    return listings[has_listing], orders[has_order]
