"""Parts of a market: who could trade with whom, at once or through others, and what is solved in one piece."""

from collections.abc import Collection, Iterator

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import candidate_pairs
from services.matching.optimiser.transport import fits

BIN_ARCS = 8_000
"""Less than that is not worth a network of its own."""


def solved_together(arcs: Arcs, orders: int) -> Iterator[IntArray]:
    """Groups of these arcs that no listing and no order is in twice, each worth a solve; rows of `arcs`.

    Independent parts have an optimum each, and a network simplex on all of them at once is slower than on each.
    """
    part_of_arc = components(arcs, orders)[arcs.listing]
    by_part = np.argsort(part_of_arc, kind="stable")
    sizes = np.bincount(part_of_arc)
    sizes = sizes[sizes > 0]
    ends = np.cumsum(sizes)
    # A bin closes with the part that fills it.
    bin_of_part = (ends - sizes) // BIN_ARCS
    last_of_bin = np.flatnonzero(np.diff(bin_of_part, append=-1))
    yield from np.split(by_part, ends[last_of_bin][:-1])


def components(arcs: Arcs, orders: int) -> IntArray:
    """By listing that has an arc, the number of the part it is in: whoever any chain of these arcs leads to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    listings = int(arcs.listing.max(initial=-1)) + 1
    size = listings + orders
    ends = arcs.listing, arcs.order + listings
    graph = coo_array((np.ones(len(arcs), dtype=np.int8), ends), shape=(size, size))  # type: ignore[no-untyped-call]
    _, labels = connected_components(graph, directed=False)
    found: IntArray = labels[:listings].astype(np.int64)
    return found


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


def parts_of(instance: Instance) -> tuple[IntArray, IntArray]:
    """By listing and by order the part it is solved in: one part, unless the costs would overflow.

    Halves by longitude, again and again: neighbours stay together. The bound still asks pairs across parts, so
    the certified gap tells what the split may have lost.
    """
    market = instance.market
    listing_part = np.zeros(len(market.listings.ids), dtype=np.int64)
    order_part = np.zeros(len(market.orders.ids), dtype=np.int64)
    pending = [(np.arange(len(listing_part)), np.arange(len(order_part)))]
    parts = 0
    while pending:
        listings, orders = pending.pop()
        if len(listings) + len(orders) <= 2 or fits(instance, listings, orders):
            listing_part[listings] = order_part[orders] = parts
            parts += 1
        else:
            pending += _halves(instance, listings, orders)
    return listing_part, order_part


def within_parts(arcs: Arcs, parts: tuple[IntArray, IntArray]) -> BoolArray:
    """The arcs whose two ends are solved together."""
    together: BoolArray = parts[0][arcs.listing] == parts[1][arcs.order]
    return together


def _halves(instance: Instance, listings: IntArray, orders: IntArray) -> list[tuple[IntArray, IntArray]]:
    """The western half of either side together, and the eastern: so that neither part lacks a side."""
    lots = _by_longitude(instance.market.listings.unit_vector, listings)
    bids = _by_longitude(instance.market.orders.unit_vector, orders)
    of_lots, of_bids = len(lots) // 2, len(bids) // 2
    return [(lots[:of_lots], bids[:of_bids]), (lots[of_lots:], bids[of_bids:])]


def _by_longitude(unit_vectors: FloatArray, rows: IntArray) -> IntArray:
    longitude = np.arctan2(unit_vectors[rows, 1], unit_vectors[rows, 0])
    return rows[np.argsort(longitude, kind="stable")]
