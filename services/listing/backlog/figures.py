"""What may be asked of the lots that stand, and what is told. Apart from `standing`, which needs numpy: an API begins
without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """Which lots: of a produce, of counties whose codes begin so, of these counties alone, of all but these."""

    produce: str | None = None
    adcode: str | None = None
    among: Sequence[int] | None = None
    not_among: Sequence[int] | None = None


class Area(NamedTuple):
    """A produce in an area. `evidence`: 2 where the forecast comes of its own sales, 1 of others', 0 of nothing."""

    key: str
    area: str
    produce: str
    open_g: int
    at_risk_g: int
    listings: int
    evidence: int
    hours_left_median: float


class Lot(NamedTuple):
    """A lot and its forecast: `unsold_g` of what remains, `unsold_share` of it, are not expected to be sold in time."""

    key: str
    id: UUID
    remaining_g: int
    unsold_g: int
    hours_left: float
    unsold_share: float
    evidence: int


Behind = tuple[int, str]
"""The grams and the key of the last one of the page before."""
