"""Which arcs a round starts from, and the parts of a market too large for one solve."""

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.certificate import join, no_arcs
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.nearest import nearest_by_road
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import candidate_pairs
from services.matching.optimiser.transport import fits


def all_arcs(instance: Instance, limit: int) -> Arcs | None:
    """Every compatible pair, or None where there are more than ``limit``."""
    parts, total = [no_arcs()], 0
    for listing, order in candidate_pairs(instance):
        parts.append(compatible_arcs(instance, listing, order))
        total += len(parts[-1])
        if total > limit:
            return None
    return join(*parts)


def nearest_arcs(instance: Instance, count: int) -> Arcs:
    """The compatible ones among the ``count`` nearest orders of each listing and nearest listings of each order."""
    lots, bids = instance.market.listings.unit_vector, instance.market.orders.unit_vector
    if instance.market.roads is None:
        (listing, order), (order_back, listing_back) = _nearest(lots, bids, count), _nearest(bids, lots, count)
    else:
        (listing, order), (order_back, listing_back) = nearest_by_road(instance, count)
    codes = np.concatenate([listing * len(bids) + order, listing_back * len(bids) + order_back])
    listing, order = np.divmod(np.unique(codes), len(bids))
    return compatible_arcs(instance, listing, order)


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


def _nearest(here: FloatArray, there: FloatArray, count: int) -> tuple[IntArray, IntArray]:
    from scipy.spatial import KDTree

    count = min(count, len(there))
    _, found = KDTree(there).query(here, k=count)  # type: ignore[no-untyped-call]
    return np.repeat(np.arange(len(here)), count), found.reshape(-1).astype(np.int64)


def _halves(instance: Instance, listings: IntArray, orders: IntArray) -> list[tuple[IntArray, IntArray]]:
    """The western half of either side together, and the eastern: so that neither part lacks a side."""
    lots = _by_longitude(instance.market.listings.unit_vector, listings)
    bids = _by_longitude(instance.market.orders.unit_vector, orders)
    of_lots, of_bids = len(lots) // 2, len(bids) // 2
    return [(lots[:of_lots], bids[:of_bids]), (lots[of_lots:], bids[of_bids:])]


def _by_longitude(unit_vectors: FloatArray, rows: IntArray) -> IntArray:
    longitude = np.arctan2(unit_vectors[rows, 1], unit_vectors[rows, 0])
    return rows[np.argsort(longitude, kind="stable")]
