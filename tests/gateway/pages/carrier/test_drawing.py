"""Routes on a plane: true to each other, inside the drawing, no number on another."""

from itertools import combinations
from typing import Any

import pytest

from gateway.pages.carrier.drawing import APART_PX, HEIGHT_PX, MARGIN_PX, WIDTH_PX, draw

SIYANG, NANJING, BEIJING = (118.7, 33.72), (118.8, 32.05), (116.4, 39.9)


def point(at: tuple[float, float]) -> dict[str, float]:
    return {"lon": at[0], "lat": at[1]}


def route(name: str, depot: tuple[float, float], *stops: tuple[float, float], **more: Any) -> dict[str, Any]:
    told = [{"type": "pickup", **point(each)} for each in stops]
    return {"vehicle_id": name, "depot": point(depot), "stops": told, **more}


def test_north_is_up_and_east_is_right() -> None:
    (way,) = draw([route("a", NANJING, SIYANG, BEIJING)], {"a": "苏N"}).ways
    siyang, beijing = way.dots
    assert (way.name, way.colour, [dot.number for dot in way.dots]) == ("苏N", 1, [1, 2])
    assert beijing.y_px < siyang.y_px < way.depot_px[1]
    assert beijing.x_px < siyang.x_px < way.depot_px[0]


def test_a_kilometre_is_as_long_to_the_east_as_to_the_north() -> None:
    (way,) = draw([route("a", (100.0, 60.0), (102.0, 60.0), (100.0, 61.0))], {}).ways
    east, north = way.dots
    assert east.x_px - way.depot_px[0] == pytest.approx(way.depot_px[1] - north.y_px, rel=0.02)


def test_it_begins_where_the_vehicle_was_and_ends_at_its_depot() -> None:
    (way,) = draw([route("a", NANJING, SIYANG, start=point(BEIJING))], {}).ways
    first, *_, last = way.line.split()
    assert last == f"{way.depot_px[0]},{way.depot_px[1]}"
    assert first != last


def test_no_number_hides_another_or_a_depot_and_all_lie_inside() -> None:
    ways = draw([route("a", SIYANG, *[SIYANG] * 20), route("b", NANJING, *[NANJING] * 5)], {}).ways
    drawn = [(dot.x_px, dot.y_px) for way in ways for dot in way.dots] + [way.depot_px for way in ways]
    for (x, y), (other, above) in combinations(drawn, 2):
        assert abs(x - other) >= APART_PX - 0.2 or abs(y - above) >= APART_PX - 0.2
    assert all(0 <= x <= WIDTH_PX and 0 <= y <= HEIGHT_PX for x, y in drawn)


def test_a_crowd_that_no_drawing_of_the_usual_size_holds_lies_inside_a_larger_one() -> None:
    drawing = draw([route("a", SIYANG, *[SIYANG] * 400)], {})
    assert drawing.height_px > HEIGHT_PX
    for dot in drawing.ways[0].dots:
        assert MARGIN_PX - 0.1 <= dot.x_px <= drawing.width_px - MARGIN_PX + 0.1
        assert MARGIN_PX - 0.1 <= dot.y_px <= drawing.height_px - MARGIN_PX + 0.1


def test_stops_beside_a_crowded_depot_stay_on_their_side_of_it() -> None:
    """Of a city's districts, on a map of half the country."""
    sides = {"west": (118.69, 33.72), "east": (118.71, 33.72), "south": (118.70, 33.71), "north": (118.70, 33.73)}
    (way,) = draw([route("a", SIYANG, *sides.values(), BEIJING)], {}).ways
    west, east, south, north, beijing = way.dots
    depot_x, depot_y = way.depot_px
    assert beijing.x_px < west.x_px < depot_x < east.x_px
    assert beijing.y_px < north.y_px < depot_y < south.y_px


def test_vehicles_of_one_depot_begin_and_end_at_one_square() -> None:
    one, other = draw([route("a", SIYANG, NANJING), route("b", SIYANG, BEIJING)], {}).ways
    assert one.depot_px == other.depot_px
    assert other.line.startswith(f"{one.depot_px[0]},{one.depot_px[1]} ")


def test_a_plan_without_vehicles_draws_nothing_and_one_place_is_drawn_in_the_middle() -> None:
    assert draw([], {}).ways == []
    (way,) = draw([route("0123456789", SIYANG)], {}).ways
    assert (way.name, way.depot_px) == ("…456789", (WIDTH_PX / 2, HEIGHT_PX / 2))
