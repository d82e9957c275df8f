"""Routes as a drawing on a plain plane: no tiles and no borders, north is up.

Longitudes are drawn narrower by the cosine of the middle's latitude, so that a kilometre is as long in both ways.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from gateway.pages.carrier.spreading import Spot, spread

WIDTH_PX, HEIGHT_PX, MARGIN_PX = 480, 340, 24
COLOURS = 6
LEAST_DEG = 0.02
"""A plan within one place is not drawn larger than so much across."""
APART_PX = 24
"""Stops nearer than this are drawn beside each other."""
SHARES = (1.0, 0.8, 0.6, 0.4)
"""How large the map is drawn in the drawing, beside what the crowds on it take."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A stop: its number on the way, and where it is drawn."""

    number: int
    kind: str
    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True)
class Way:
    """Of one vehicle. `line`: the points of the polyline; `colour`: 1 to `COLOURS`, again from 1 after that."""

    name: str
    colour: int
    line: str
    depot_px: tuple[float, float]
    dots: Sequence[Dot]
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The ways of all vehicles, on a drawing of that size, which grows with the crowd; none where no vehicle moves."""

    ways: Sequence[Way]
    width_px: float = WIDTH_PX
    height_px: float = HEIGHT_PX


@dataclass(frozen=True, slots=True)
class _Plane:
    west: float
    north: float
    across: float
    px_per_deg: float
    left_px: float
    top_px: float

    def at(self, point: Mapping[str, float]) -> Spot:
        x = self.left_px + (point["lon"] - self.west) * self.across * self.px_per_deg
        y = self.top_px + (self.north - point["lat"]) * self.px_per_deg
        return x, y


def draw(routes: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Drawing:
    """`routes` as the API tells the vehicles of a plan; `names` of vehicles by id."""
    ends = list({_place(end): end for route in routes for end in (route["depot"], _start(route))}.values())
    stops = [stop for route in routes for stop in route["stops"]]
    points = [*ends, *stops]
    if not points:
        return Drawing([])
    plane = _plane_of(points)
    spots, width_px, height_px = _laid_out([plane.at(each) for each in points])
    of_ends = {_place(end): spot for end, spot in zip(ends, spots, strict=False)}
    of_stops = iter(spots[len(ends) :])
    ways = [
        _way(at, route, names, (of_ends[_place(_start(route))], of_ends[_place(route["depot"])]), of_stops)
        for at, route in enumerate(routes)
    ]
    return Drawing(ways, width_px, height_px)


def _way(
    at: int, route: Mapping[str, Any], names: Mapping[str, str], ends: tuple[Spot, Spot], of_stops: Iterator[Spot]
) -> Way:
    """`ends` are where it begins and ends; as many of the spots as it has stops are taken for them."""
    begin, end = ends
    dots = [Dot(number, stop["type"], *next(of_stops)) for number, stop in enumerate(route["stops"], start=1)]
    line = " ".join(f"{x},{y}" for x, y in (begin, *((dot.x_px, dot.y_px) for dot in dots), end))
    vehicle_id = route["vehicle_id"]
    return Way(names.get(vehicle_id, f"…{vehicle_id[-6:]}"), at % COLOURS + 1, line, end, dots, route)


def _start(route: Mapping[str, Any]) -> Mapping[str, float]:
    """Where it was when it was planned, or its depot."""
    return route.get("start") or route["depot"]  # type: ignore[no-any-return]


def _place(point: Mapping[str, float]) -> tuple[float, float]:
    return point["lon"], point["lat"]


def _laid_out(spots: Sequence[Spot]) -> tuple[list[Spot], float, float]:
    """Spread inside a drawing, and its width and height. Where a crowd would push others out the map is drawn smaller;
    where that is not enough, the drawing larger."""
    middle_x, middle_y = WIDTH_PX / 2, HEIGHT_PX / 2
    for share in SHARES:
        nearer = [(middle_x + share * (x - middle_x), middle_y + share * (y - middle_y)) for x, y in spots]
        moved = spread(nearer, APART_PX)
        width_px, left_px = _side([x for x, _ in moved], WIDTH_PX)
        height_px, top_px = _side([y for _, y in moved], HEIGHT_PX)
        if (width_px, height_px) == (WIDTH_PX, HEIGHT_PX):
            break
    return [(round(x + left_px, 1), round(y + top_px, 1)) for x, y in moved], width_px, height_px


def _side(places: Sequence[float], usual_px: float) -> tuple[float, float]:
    """How long it is, and by how much everything is moved along it: not at all where all are inside."""
    first, last = round(min(places), 1), round(max(places), 1)
    if first >= MARGIN_PX and last <= usual_px - MARGIN_PX:
        return usual_px, 0
    long_px = max(usual_px, last - first + 2 * MARGIN_PX)
    return long_px, (long_px - last - first) / 2


def _plane_of(points: Sequence[Mapping[str, float]]) -> _Plane:
    lons, lats = [each["lon"] for each in points], [each["lat"] for each in points]
    across = cos(radians((min(lats) + max(lats)) / 2))
    wide, high = (max(lons) - min(lons)) * across, max(lats) - min(lats)
    scale = min((WIDTH_PX - 2 * MARGIN_PX) / max(wide, LEAST_DEG), (HEIGHT_PX - 2 * MARGIN_PX) / max(high, LEAST_DEG))
    left, top = (WIDTH_PX - wide * scale) / 2, (HEIGHT_PX - high * scale) / 2
    return _Plane(min(lons), max(lats), across, scale, left, top)
