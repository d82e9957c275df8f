"""Routes as a drawing on a plain plane: no tiles and no borders, north is up.

Longitudes are drawn narrower by the cosine of the middle's latitude, so that a kilometre is as long in both ways.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

WIDTH_PX, HEIGHT_PX, MARGIN_PX = 480, 340, 24
COLOURS = 6
LEAST_DEG = 0.02
"""A plan within one place is not drawn larger than so much across."""
APART_PX = 24
"""Stops nearer than this are drawn beside each other."""


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
    """The ways of all vehicles, on a drawing of that size; none where no vehicle moves."""

    ways: Sequence[Way]
    width_px: int = WIDTH_PX
    height_px: int = HEIGHT_PX


@dataclass(frozen=True, slots=True)
class _Plane:
    west: float
    north: float
    across: float
    px_per_deg: float
    left_px: float
    top_px: float

    def at(self, point: Mapping[str, float]) -> tuple[float, float]:
        x = self.left_px + (point["lon"] - self.west) * self.across * self.px_per_deg
        y = self.top_px + (self.north - point["lat"]) * self.px_per_deg
        return round(x, 1), round(y, 1)


def draw(routes: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Drawing:
    """`routes` as the API tells the vehicles of a plan; `names` of vehicles by id."""
    points = [point for route in routes for point in _points(route)]
    if not points:
        return Drawing([])
    plane = _plane_of(points)
    taken = [plane.at(route["depot"]) for route in routes]
    return Drawing([_way(at, route, names, plane, taken) for at, route in enumerate(routes)])


def _way(
    at: int,
    route: Mapping[str, Any],
    names: Mapping[str, str],
    plane: _Plane,
    taken: list[tuple[float, float]],
) -> Way:
    dots = []
    for number, stop in enumerate(route["stops"], start=1):
        x, y = _free(plane.at(stop), taken)
        dots.append(Dot(number, stop["type"], x, y))
    begin, end = plane.at(route.get("start") or route["depot"]), plane.at(route["depot"])
    line = " ".join(f"{x},{y}" for x, y in (begin, *((dot.x_px, dot.y_px) for dot in dots), end))
    vehicle_id = route["vehicle_id"]
    return Way(names.get(vehicle_id, f"…{vehicle_id[-6:]}"), at % COLOURS + 1, line, end, dots, route)


def _free(wanted: tuple[float, float], taken: list[tuple[float, float]]) -> tuple[float, float]:
    """There, or beside what is drawn there already: so that no number hides another."""
    x, y = wanted
    while any(abs(x - other) < APART_PX and abs(y - above) < APART_PX for other, above in taken):
        x += APART_PX
        if x > WIDTH_PX - MARGIN_PX / 2:
            x, y = wanted[0], y + (APART_PX if wanted[1] < HEIGHT_PX / 2 else -APART_PX)
    taken.append((x, y))
    return x, y


def _points(route: Mapping[str, Any]) -> list[Mapping[str, float]]:
    return [route["depot"], *([route["start"]] if route.get("start") else []), *route["stops"]]


def _plane_of(points: Sequence[Mapping[str, float]]) -> _Plane:
    lons, lats = [each["lon"] for each in points], [each["lat"] for each in points]
    across = cos(radians((min(lats) + max(lats)) / 2))
    wide, high = (max(lons) - min(lons)) * across, max(lats) - min(lats)
    scale = min((WIDTH_PX - 2 * MARGIN_PX) / max(wide, LEAST_DEG), (HEIGHT_PX - 2 * MARGIN_PX) / max(high, LEAST_DEG))
    left, top = (WIDTH_PX - wide * scale) / 2, (HEIGHT_PX - high * scale) / 2
    return _Plane(min(lons), max(lats), across, scale, left, top)
