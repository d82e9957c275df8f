"""Road metres between places, where somebody has measured them; everywhere else the great circle has to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.tables import FloatArray

LONGEST_M = 10**8  # more than twice around the Earth: a longer one is a mistake, and its time could overflow
UNKNOWN = -1

Place = tuple[float, float]
"""Longitude and latitude, just as the row says them."""


class _Placed(Protocol):
    """Rows with a place each, in columns."""

    @property
    def lon(self) -> FloatArray: ...

    @property
    def lat(self) -> FloatArray: ...


@dataclass(frozen=True, slots=True, eq=False)
class Roads:
    """From each origin to each destination. Nothing is taken for granted of them: a road may be shorter than the great
    circle, longer than the way over a third place, and not the same there and back."""

    origins: Sequence[Place]
    destinations: Sequence[Place]
    metres: IntArray  # (origins, destinations); what is negative or longer than LONGEST_M is not known

    def __post_init__(self) -> None:
        """Raises ValueError where the matrix does not fit its places."""
        if self.metres.shape != (len(self.origins), len(self.destinations)):
            raise ValueError("metres must have a row for each origin and a column for each destination")
        if self.metres.dtype != np.int64:
            raise ValueError("metres must be whole metres, int64")


@dataclass(frozen=True, slots=True)
class RoadColumns:
    """The roads of one market. The last row and the last column are those of all other places, and unknown."""

    metres: IntArray
    origin: IntArray  # by listing
    destination: IntArray  # by order

    @classmethod
    def of(cls, roads: Roads, listings: _Placed, orders: _Placed) -> "RoadColumns":
        """These roads, for rows in this order."""
        known = (roads.metres >= 0) & (roads.metres <= LONGEST_M)
        metres = np.pad(np.where(known, roads.metres, UNKNOWN), ((0, 1), (0, 1)), constant_values=UNKNOWN)
        return cls(metres, _indices(roads.origins, listings), _indices(roads.destinations, orders))

    def part(self, listings: IntArray, orders: IntArray) -> "RoadColumns":
        """Those of these rows."""
        return RoadColumns(self.metres, self.origin[listings], self.destination[orders])

    def between(self, listing: IntArray, order: IntArray) -> IntArray:
        """Metres of these pairs, or UNKNOWN."""
        found: IntArray = self.metres[self.origin[listing], self.destination[order]]
        return found


def _indices(places: Sequence[Place], rows: _Placed) -> IntArray:
    index = {place: number for number, place in enumerate(places)}
    here = zip(rows.lon.tolist(), rows.lat.tolist(), strict=True)
    return np.array([index.get(place, len(places)) for place in here], dtype=np.int64)
