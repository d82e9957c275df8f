"""Parts of a market: what is solved by itself, and what together."""

from collections.abc import Iterator

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import fits

BIN_ARCS = 8_000
"""Less than that is not worth a network of its own."""


def solved_together(arcs: Arcs, orders: int) -> Iterator[IntArray]:
    """Groups of these arcs that no listing and no order is in twice, each worth a solve; rows of `arcs`.

    Independent parts have an optimum each, and a network simplex on all of them at once is slower than on each.
    """
    if len(arcs) <= BIN_ARCS:
        yield np.arange(len(arcs))
        return
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
