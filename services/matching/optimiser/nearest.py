"""The nearest rows of the other side where roads were measured: no tree of points knows them, so all are looked at."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.matching.optimiser.arcs import MEAN_EARTH_RADIUS_M, Instance
from services.matching.optimiser.market import FloatArray
from services.matching.optimiser.policy import IntArray

BLOCK_PAIRS = 1 << 20

Float32 = npt.NDArray[np.float32]
Ends = tuple[IntArray, IntArray]


def nearest_by_road(instance: Instance, count: int) -> tuple[Ends, Ends]:
    """``count`` pairs of each listing (listing, order), and as many of each order (order, listing).

    In single precision, and by the chord where no road was measured: a plan begins with these pairs, no proof rests on
    them.
    """
    lots, bids, roads = instance.market.listings, instance.market.orders, instance.market.roads
    assert roads is not None, "only where roads were measured"
    m_per_chord, metres = instance.policy.detour * MEAN_EARTH_RADIUS_M, roads.metres.astype(np.float32)
    here, there = _Side.of(lots.unit_vector, roads.origin), _Side.of(bids.unit_vector, roads.destination)
    return (
        _nearest(here, there, metres, m_per_chord, count),
        _nearest(there, here, metres.T, m_per_chord, count),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """Where the rows of one side are; many are at the same spot, and have the same neighbours."""

    unit_vector: Float32  # by row
    place: IntArray  # by row
    first: IntArray  # row at each spot
    spot: IntArray  # by row

    @classmethod
    def of(cls, unit_vector: FloatArray, place: IntArray) -> "_Side":
        keys = np.column_stack([unit_vector.view(np.int64), place])
        _, first, spot = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        return cls(unit_vector.astype(np.float32), place, first, spot.reshape(-1))


def _nearest(here: _Side, there: _Side, metres: Float32, m_per_chord: float, count: int) -> Ends:
    count = min(count, len(there.place))
    found = [np.zeros((0, count), dtype=np.int64)]
    spots_a_block = max(1, BLOCK_PAIRS // max(len(there.place), 1))
    for start in range(0, len(here.first), spots_a_block):
        rows = here.first[start : start + spots_a_block]
        # Chord² = 2 − 2 cos; rounding may bring it just below zero.
        cosine = here.unit_vector[rows] @ there.unit_vector.T
        distance = m_per_chord * np.sqrt(np.maximum(2 - 2 * cosine, 0))
        road = np.take(metres[here.place[rows]], there.place, axis=1)
        np.copyto(distance, road, where=road >= 0)
        found.append(np.argpartition(distance, count - 1, axis=1)[:, :count].astype(np.int64))
    nearest = np.concatenate(found)[here.spot]
    return np.repeat(np.arange(len(nearest)), count), nearest.reshape(-1)
