"""Areas as points on a plain plane: longitude and latitude, without tiles and without borders. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from catalogue import places
from catalogue.divisions import NO_PREFECTURE
from catalogue.geodesy import Point
from catalogue.places import Level
from gateway.pages.backlog.views import Row, Sum, grouped

WIDTH_PX, MARGIN_PX = 960, 40
RADIUS_LEAST_PX, RADIUS_MOST_PX = 4, 30
SPAN_LEAST_DEG = 0.5


@dataclass(frozen=True, slots=True)
class Dot:
    """An area with something open. `x_px`, `y_px` and `radius_px` are for the drawing that needs no script."""

    adcode: str
    name: str
    lon: float
    lat: float
    sum: Sum
    x_px: float
    y_px: float
    radius_px: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A name that tells the reader where on the plane they are."""

    name: str
    lon: float
    lat: float
    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the world that is shown; a degree of longitude is shortened as in its middle."""

    west: float
    south: float
    east: float
    north: float

    @property
    def squeeze(self) -> float:
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def px_per_deg(self) -> float:
        return (WIDTH_PX - 2 * MARGIN_PX) / ((self.east - self.west) * self.squeeze)

    @property
    def height_px(self) -> int:
        return round((self.north - self.south) * self.px_per_deg) + 2 * MARGIN_PX

    def at(self, point: Point) -> tuple[float, float]:
        x_px = MARGIN_PX + (point.lon - self.west) * self.squeeze * self.px_per_deg
        return round(x_px, 1), round(MARGIN_PX + (self.north - point.lat) * self.px_per_deg, 1)


@dataclass(frozen=True, slots=True)
class Plane:
    """What is drawn: dots for areas, marks for the reader's bearings, in a frame of that width."""

    frame: Frame
    dots: Sequence[Dot]
    marks: Sequence[Mark]
    width_px: int = WIDTH_PX


def plane(rows: Iterable[Row], within: str = "") -> Plane:
    """The areas of these rows, the largest first, so that the small ones lie above. `within` is a prefix of adcodes.

    An area without a known seat is not shown: the table has it.
    """
    frame = frame_of(within)
    areas = grouped(rows, lambda row: (row.adcode, row.area))
    most_g = max((each.at_risk_g for each in areas.values()), default=0)
    dots = []
    for (adcode, name), each in areas.items():
        point = seat_of(adcode)
        if point is not None:
            dots.append(Dot(adcode, name, point.lon, point.lat, each, *frame.at(point), _radius_px(each, most_g)))
    return Plane(frame, dots, _marks(frame, within))


def _radius_px(each: Sum, most_g: int) -> float:
    """The area of the dot is what is at risk there."""
    part = math.sqrt(each.at_risk_g / most_g) if most_g else 0.0
    return round(RADIUS_LEAST_PX + (RADIUS_MOST_PX - RADIUS_LEAST_PX) * part, 1)


@cache
def seat_of(code: str) -> Point | None:
    """A county's seat; the middle of the seats of a prefecture or province; None where nobody knows."""
    county = places.get(code)
    seats = _seats(places.adcode_prefix(code)) if county is None else [county.point] if county.point else []
    if not seats:
        return None
    return Point(sum(seat.lon for seat in seats) / len(seats), sum(seat.lat for seat in seats) / len(seats))


@cache
def frame_of(within: str) -> Frame:
    """Around all seats whose adcodes begin so; around all of China where there is none."""
    seats = _seats(within) or _seats("")
    west, east = min(seat.lon for seat in seats), max(seat.lon for seat in seats)
    south, north = min(seat.lat for seat in seats), max(seat.lat for seat in seats)
    lon_deg, lat_deg = max(0.0, SPAN_LEAST_DEG - (east - west)) / 2, max(0.0, SPAN_LEAST_DEG - (north - south)) / 2
    return Frame(west - lon_deg, south - lat_deg, east + lon_deg, north + lat_deg)


def _seats(prefix: str) -> list[Point]:
    within = (place for place in places.all_places() if place.adcode.startswith(prefix))
    return [place.point for place in within if place.point is not None]


def _short(name: str) -> str:
    """As maps write it: 内蒙古, 广西."""
    return (
        name[:3] if name.startswith(("内蒙古", "黑龙江")) else name[:2] if name.endswith("区") else name.rstrip("省市")
    )


def _marks(frame: Frame, within: str) -> list[Mark]:
    """The provinces, or what lies next below `within`."""
    inside = places.prefectures(within) if within else places.provinces()
    if len(within) >= Level.PREFECTURE.digits:
        return []
    found = ((area.name, seat_of(area.prefix)) for area in inside if area.name != NO_PREFECTURE)
    return [Mark(_short(name), point.lon, point.lat, *frame.at(point)) for name, point in found if point is not None]
