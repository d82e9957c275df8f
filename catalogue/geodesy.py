"""Distance on the globe, and the two coordinate systems in use in China. Degrees in, degrees or km out."""

from dataclasses import dataclass
from math import asin, cos, pi, radians, sin, sqrt

# Mean radius R1 = (2a + b) / 3 of the WGS-84 ellipsoid: H. Moritz, "Geodetic Reference System 1980",
# Journal of Geodesy 74 (2000), 128-133.
MEAN_EARTH_RADIUS_KM = 6371.0088

# Semi-major axis (m) and squared eccentricity of the Krasovsky 1940 ellipsoid, which GCJ-02 is made with.
_KRASOVSKY_A_M = 6378245.0
_KRASOVSKY_E2 = 0.00669342162296594323

# GCJ-02 is defined for this box alone; it is wider than the country.
_BOX_LON = (72.004, 137.8347)
_BOX_LAT = (0.8293, 55.8271)

_INVERSE_TOLERANCE_DEG = 1e-9  # 0.1 mm on the ground
_INVERSE_STEPS = 20  # 4 are usual: each step leaves about 1 % of the error


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the globe: WGS-84 longitude and latitude, degrees."""

    lon: float
    lat: float


def great_circle_km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Great-circle distance in km by the haversine formula (R. W. Sinnott, Sky & Telescope 68, 1984).

    On a sphere of the mean radius: at most 0.56 % off the distance on the ellipsoid.
    """
    half_lat = radians(lat2 - lat1) / 2
    half_lon = radians(lon2 - lon1) / 2
    haversine = sin(half_lat) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(half_lon) ** 2
    # Between antipodes rounding may lift it above 1, where asin has no value.
    return 2 * MEAN_EARTH_RADIUS_KM * asin(min(1.0, sqrt(haversine)))


def wgs84_to_gcj02(lon: float, lat: float) -> Point:
    """The GCJ-02 map coordinates of a WGS-84 point; a point outside China is given back unchanged.

    The state's algorithm is not published; this is the formula in general use since 2010, as in
    https://github.com/googollee/eviltransform and https://github.com/wandergis/coordtransform.
    """
    if not _in_box(lon, lat):
        return Point(lon, lat)
    offset_lon, offset_lat = _gcj02_offset(lon, lat)
    return Point(lon + offset_lon, lat + offset_lat)


def gcj02_to_wgs84(lon: float, lat: float) -> Point:
    """The WGS-84 point of GCJ-02 map coordinates; a point outside China is given back unchanged.

    The offset has no closed inverse. It changes by less than 1 % of the way moved, so that the fixed point of
    ``wgs = gcj - offset(wgs)`` is reached in a few steps (eviltransform's ``gcj2wgs_exact``).
    """
    if not _in_box(lon, lat):
        return Point(lon, lat)
    wgs_lon, wgs_lat = lon, lat
    for _ in range(_INVERSE_STEPS):
        offset_lon, offset_lat = _gcj02_offset(wgs_lon, wgs_lat)
        last_lon, last_lat = wgs_lon, wgs_lat
        wgs_lon, wgs_lat = lon - offset_lon, lat - offset_lat
        if max(abs(wgs_lon - last_lon), abs(wgs_lat - last_lat)) < _INVERSE_TOLERANCE_DEG:
            break
    return Point(wgs_lon, wgs_lat)


def _in_box(lon: float, lat: float) -> bool:
    return _BOX_LON[0] <= lon <= _BOX_LON[1] and _BOX_LAT[0] <= lat <= _BOX_LAT[1]


def _gcj02_offset(lon: float, lat: float) -> tuple[float, float]:
    """What GCJ-02 adds to a WGS-84 point, in degrees of longitude and of latitude."""
    x, y = lon - 105.0, lat - 35.0
    lat_radians = radians(lat)
    w2 = 1 - _KRASOVSKY_E2 * sin(lat_radians) ** 2
    meridian_radius_m = _KRASOVSKY_A_M * (1 - _KRASOVSKY_E2) / (w2 * sqrt(w2))
    parallel_radius_m = _KRASOVSKY_A_M / sqrt(w2) * cos(lat_radians)
    east_m, north_m = _east_m(x, y), _north_m(x, y)
    return east_m / parallel_radius_m * 180 / pi, north_m / meridian_radius_m * 180 / pi


def _east_m(x: float, y: float) -> float:
    drift = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    waves = 20 * sin(6 * pi * x) + 20 * sin(2 * pi * x)
    waves += 20 * sin(pi * x) + 40 * sin(pi * x / 3)
    waves += 150 * sin(pi * x / 12) + 300 * sin(pi * x / 30)
    return drift + waves * 2 / 3


def _north_m(x: float, y: float) -> float:
    drift = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    waves = 20 * sin(6 * pi * x) + 20 * sin(2 * pi * x)
    waves += 20 * sin(pi * y) + 40 * sin(pi * y / 3)
    waves += 160 * sin(pi * y / 12) + 320 * sin(pi * y / 30)
    return drift + waves * 2 / 3
