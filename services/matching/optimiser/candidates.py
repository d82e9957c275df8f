"""Which arcs a round knows: all of them, or where there are too many the nearest."""

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.certificate import join, no_arcs
from services.matching.optimiser.market import FloatArray
from services.matching.optimiser.nearest import nearest_by_road
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import candidate_pairs


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


def _nearest(here: FloatArray, there: FloatArray, count: int) -> tuple[IntArray, IntArray]:
    from scipy.spatial import KDTree

    count = min(count, len(there))
    _, found = KDTree(there).query(here, k=count)  # type: ignore[no-untyped-call]
    return np.repeat(np.arange(len(here)), count), found.reshape(-1).astype(np.int64)
