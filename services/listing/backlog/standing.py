"""All open lots at one moment with their forecasts, and what is asked of them. Data in, data out.

Columns, so that a question about 100,000 lots costs some ten milliseconds: sums are over runs of a sorted key, in
integers, to the gram.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.listing.backlog.figures import Area, Behind, Lot, Part

ADCODE_DIGITS: Final = 6
RECORD: Final = np.dtype(
    [
        ("id", ">u8", 2),
        ("produce", ">i4"),
        ("adcode", ">i4"),
        ("remaining_g", ">i8"),
        ("unsold_g", ">i8"),
        ("hours_left", ">f8"),
        ("unsold_share", ">f8"),
    ]
)
"""As PostgreSQL packs it; `produce` is the place of a name."""


class Standing:
    """The lots of one moment. `names` are the produce, in order; `evidence` stands beside each."""

    def __init__(self, names: Sequence[str], evidence: Sequence[int], records: bytes) -> None:
        rows = np.frombuffer(records, RECORD)
        self._names = list(names)
        self._evidence = list(evidence)
        self._id = rows["id"].astype(np.uint64)
        self._produce = rows["produce"].astype(np.int64)
        self._adcode = rows["adcode"].astype(np.int64)
        self._remaining_g = rows["remaining_g"].astype(np.int64)
        self._unsold_g = rows["unsold_g"].astype(np.int64)
        self._hours_left = rows["hours_left"].astype(np.float64)
        self._unsold_share = rows["unsold_share"].astype(np.float64)

    def __len__(self) -> int:
        return len(self._produce)

    def areas(self, digits: int, part: Part, behind: Behind | None, limit: int) -> list[Area]:
        """The areas of so many digits, the most at risk first."""
        chosen = self._chosen(part)
        cell = self._adcode[chosen] // 10 ** (ADCODE_DIGITS - digits) * len(self._names) + self._produce[chosen]
        order = np.lexsort((self._hours_left[chosen], cell))
        chosen, cell = chosen[order], cell[order]
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        if not len(starts):
            return []
        listings = np.diff(starts, append=len(cell))
        upto_g = np.cumsum(self._remaining_g[chosen])
        open_g, at_risk_g = (np.add.reduceat(of[chosen], starts) for of in (self._remaining_g, self._unsold_g))
        # the first lot of a cell with which half of its grams are reached
        half = np.searchsorted(upto_g, upto_g[starts] - self._remaining_g[chosen[starts]] + (open_g + 1) // 2)

        def key(place: int) -> str:
            area, produce = divmod(int(cell[starts[place]]), len(self._names))
            return f"{area}:{self._names[produce]}"

        def told(place: int) -> Area:
            named = key(place)
            area, _, produce = named.partition(":")
            figures = int(open_g[place]), int(at_risk_g[place]), int(listings[place])
            evidence = self._evidence[self._names.index(produce)]
            return Area(named, area, produce, *figures, evidence, float(self._hours_left[chosen[half[place]]]))

        return [told(place) for place in _worst(at_risk_g, key, behind, limit)]  # cells are in the order of their keys

    def lots(self, part: Part, behind: Behind | None, limit: int) -> list[Lot]:
        """The lots, most at risk first."""
        chosen = self._chosen(part)
        chosen = chosen[np.lexsort((self._id[chosen, 1], self._id[chosen, 0]))]
        places = _worst(self._unsold_g[chosen], lambda place: str(self._uuid(chosen[place])), behind, limit)
        return [self._lot(chosen[place]) for place in places]

    def _lot(self, row: Any) -> Lot:
        lot_id, produce = self._uuid(row), int(self._produce[row])
        grams = int(self._remaining_g[row]), int(self._unsold_g[row])
        shares = float(self._hours_left[row]), float(self._unsold_share[row])
        return Lot(str(lot_id), lot_id, *grams, *shares, self._evidence[produce])

    def _uuid(self, row: Any) -> UUID:
        high, low = (int(each) for each in self._id[row])
        return UUID(int=high << 64 | low)

    def _chosen(self, part: Part) -> NDArray[np.int64]:
        mask = np.ones(len(self), np.bool_)
        if part.produce is not None:
            mask &= self._produce == (self._names.index(part.produce) if part.produce in self._names else -1)
        if part.adcode is not None:
            mask &= self._adcode // 10 ** (ADCODE_DIGITS - len(part.adcode)) == int(part.adcode)
        if part.among is not None:
            mask &= np.isin(self._adcode, part.among)
        if part.not_among is not None:
            mask &= ~np.isin(self._adcode, part.not_among)
        return np.flatnonzero(mask)


def _worst(grams: NDArray[np.int64], key: Callable[[Any], str], behind: Behind | None, limit: int) -> list[int]:
    """The places of the greatest, of equal ones by their keys, in whose order they come; those `behind` alone."""
    places = np.arange(len(grams))
    if behind is not None:
        last_g, last_key = behind
        equal = np.flatnonzero(grams == last_g)
        places = np.concatenate([equal[_first_behind(equal, key, last_key) :], np.flatnonzero(grams < last_g)])
        places.sort()
    if len(places) > limit:
        least_g = -np.partition(-grams[places], limit - 1)[limit - 1]
        places = places[grams[places] >= least_g]
    return [int(each) for each in places[np.argsort(-grams[places], kind="stable")][:limit]]


def _first_behind(places: NDArray[np.int64], key: Callable[[Any], str], last_key: str) -> int:
    """How many of these, which are in the order of their keys, do not come behind that one."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if key(places[middle]) > last_key else (middle + 1, high)
    return low
