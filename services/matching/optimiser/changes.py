"""What of a market changes can be of any consequence to: who could trade with whom has changed, through others, too."""

from collections.abc import Collection

import numpy as np

from services.matching.optimiser.arcs import Instance, compatible_arcs
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import candidate_pairs


def of_changed(instance: Instance, changed: Collection[str] | None) -> Instance:
    """What of a market has to be looked at for these changes; all of it when they are not known."""
    return instance if changed is None else instance.part(*reached(instance, *rows_of(instance, changed)))


def rows_of(instance: Instance, ids: Collection[str]) -> tuple[IntArray, IntArray]:
    """The rows of those of these listings and orders that are in the market."""
    sides = instance.market.listings.ids, instance.market.orders.ids
    listings, orders = (np.flatnonzero(np.fromiter((each in ids for each in side), bool, len(side))) for side in sides)
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
