"""Where vehicles stand, told by the county."""

from dataclasses import dataclass
from functools import lru_cache

from catalogue import places
from catalogue.geodesy import great_circle_km

DEPOTS_REMEMBERED = 2000
AT_SEAT_KM = 0.1
"""Nearer than this a depot is where its county was named for it."""


@dataclass(frozen=True, slots=True)
class Depot:
    """Where a vehicle stands: the county whose seat is nearest, and whether it stands at that."""

    county: str
    is_there: bool


@lru_cache(maxsize=DEPOTS_REMEMBERED)
def depot_at(lon: float, lat: float) -> Depot:
    """It takes a millisecond or two to look at every county."""
    seats = [(each, each.point) for each in places.all_places() if each.point is not None]
    away = ((great_circle_km(lon, lat, seat.lon, seat.lat), each.full_name) for each, seat in seats)
    distance_km, name = min(away)
    return Depot(name, distance_km < AT_SEAT_KM)
