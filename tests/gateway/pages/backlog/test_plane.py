"""Areas on the plane: each where its seat is, as large as what is at risk, all inside the drawing."""

import math

import pytest

from catalogue import places
from gateway.pages.backlog.plane import MARGIN_PX, RADIUS_LEAST_PX, RADIUS_MOST_PX, WIDTH_PX, frame_of, plane, seat_of
from tests.gateway.pages.backlog.test_views import an_item, rows

SIYANG, KASHGAR, MOHE = "321323", "653101", "232701"


def at(adcode: str, at_risk_kg: float = 100) -> dict[str, object]:
    name = next(each.name for each in places.all_places() if each.adcode == adcode)
    return an_item(area={"adcode": adcode, "name": name}, at_risk_kg=at_risk_kg)


def test_west_is_left_and_north_is_up_and_all_lie_inside() -> None:
    drawn = plane(rows(at(SIYANG), at(KASHGAR), at(MOHE)))
    siyang, kashgar, mohe = (next(dot for dot in drawn.dots if dot.adcode == each) for each in (SIYANG, KASHGAR, MOHE))
    assert kashgar.x_px < siyang.x_px
    assert mohe.y_px < siyang.y_px
    for each in (*drawn.dots, *drawn.marks):
        assert MARGIN_PX <= each.x_px <= WIDTH_PX - MARGIN_PX
        assert MARGIN_PX <= each.y_px <= drawn.frame.height_px - MARGIN_PX


def test_the_area_of_a_dot_is_what_is_at_risk_and_small_ones_lie_above() -> None:
    large, small = plane(rows(at(SIYANG, 100), at(KASHGAR, 400))).dots
    assert large.adcode == KASHGAR
    assert large.radius_px == RADIUS_MOST_PX
    grown = (small.radius_px - RADIUS_LEAST_PX) / (RADIUS_MOST_PX - RADIUS_LEAST_PX)
    assert grown == pytest.approx(math.sqrt(1 / 4), abs=0.01)


def test_the_produce_of_one_area_is_one_dot() -> None:
    (dot,) = plane(rows(at(SIYANG, 100), at(SIYANG, 50))).dots
    assert dot.sum.at_risk_kg == 150


def test_nothing_at_risk_is_drawn_small() -> None:
    (dot,) = plane(rows(at(SIYANG, 0))).dots
    assert dot.radius_px == RADIUS_LEAST_PX


def test_a_county_without_a_known_seat_is_not_drawn() -> None:
    unknown = next(place.adcode for place in places.all_places() if place.point is None)
    assert plane(rows(at(unknown), at(SIYANG))).dots[0].adcode == SIYANG
    assert len(plane(rows(at(unknown))).dots) == 0


def test_a_province_lies_in_the_middle_of_its_counties_and_its_own_frame_is_smaller() -> None:
    seat, frame, country = seat_of("320000"), frame_of("32"), frame_of("")
    assert seat is not None
    assert frame.west < seat.lon < frame.east
    assert frame.south < seat.lat < frame.north
    assert frame.px_per_deg > country.px_per_deg


def test_marks_are_the_provinces_or_what_lies_below_and_a_county_needs_none() -> None:
    assert {"江苏", "内蒙古", "广西", "北京"} <= {mark.name for mark in plane([]).marks}
    assert "宿迁" in {mark.name for mark in plane([], "32").marks}
    assert plane([], SIYANG).marks == []


def test_one_county_alone_has_a_frame_with_some_width() -> None:
    frame = frame_of(SIYANG)
    assert frame.east - frame.west == pytest.approx(0.5)
    assert frame.height_px < 5000
