from math import cos, pi, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.geodesy import (
    MEAN_EARTH_RADIUS_KM,
    Point,
    gcj02_to_wgs84,
    great_circle_km,
    wgs84_to_gcj02,
)

HALF_ROUND_KM = pi * MEAN_EARTH_RADIUS_KM

points = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))
points_in_china = st.builds(Point, st.floats(73, 135.5), st.floats(3.5, 53.6))


def km(a: Point, b: Point) -> float:
    return great_circle_km(a.lon, a.lat, b.lon, b.lat)


def test_a_degree_of_a_meridian_is_an_arc_of_the_mean_radius():
    assert great_circle_km(118.7, 33, 118.7, 34) == pytest.approx(111.195, abs=0.001)


def test_beijing_to_shanghai_is_as_far_as_the_atlas_says():
    # 1,067 km between the two city centres on the WGS-84 ellipsoid
    assert great_circle_km(116.3913, 39.9075, 121.4737, 31.2304) == pytest.approx(1067, rel=0.0056)


def test_antipodes_are_half_the_circumference_apart():
    assert great_circle_km(0, 0, 180, 0) == pytest.approx(HALF_ROUND_KM)
    assert great_circle_km(118.69, 33.72, 118.69 - 180, -33.72) == pytest.approx(HALF_ROUND_KM)


@given(points, points)
def test_distance_is_symmetric_and_within_half_the_circumference(a: Point, b: Point):
    assert km(a, b) == pytest.approx(km(b, a), abs=1e-9)
    assert 0 <= km(a, b) <= HALF_ROUND_KM + 1e-9


@given(points)
def test_a_point_is_nowhere_but_where_it_is(a: Point):
    assert km(a, a) == 0


@given(points, points, points)
def test_no_detour_is_shorter_than_the_way(a: Point, b: Point, c: Point):
    # haversine loses half its digits near antipodes: a metre in 20,000 km
    assert km(a, c) <= km(a, b) + km(b, c) + 1e-3


def test_gcj02_is_what_coordtransform_says_to_the_last_digit():
    gcj = wgs84_to_gcj02(116.404, 39.915)  # the example of its README
    assert gcj.lon == pytest.approx(116.41024449916938, abs=1e-12)
    assert gcj.lat == pytest.approx(39.91640428150164, abs=1e-12)


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        (Point(121.5272106, 31.1774276), Point(121.531541859215, 31.17530398364597)),
        (Point(113.912316, 22.543847), Point(113.9171764808363, 22.540796131694766)),
        (Point(116.377817, 39.911954), Point(116.38404722455657, 39.91334545536069)),
    ],
)
def test_gcj02_is_within_a_metre_of_what_eviltransform_tests_itself_with(wgs: Point, gcj: Point):
    assert km(wgs84_to_gcj02(wgs.lon, wgs.lat), gcj) < 0.001
    assert km(gcj02_to_wgs84(gcj.lon, gcj.lat), wgs) < 0.001


@given(points_in_china)
def test_a_point_comes_back_from_gcj02_within_a_centimetre(wgs: Point):
    gcj = wgs84_to_gcj02(wgs.lon, wgs.lat)
    back = gcj02_to_wgs84(gcj.lon, gcj.lat)
    assert back.lon == pytest.approx(wgs.lon, abs=1e-7)
    assert back.lat == pytest.approx(wgs.lat, abs=1e-7)


@given(points_in_china)
def test_map_coordinates_come_back_from_wgs84_within_a_centimetre(gcj: Point):
    wgs = gcj02_to_wgs84(gcj.lon, gcj.lat)
    back = wgs84_to_gcj02(wgs.lon, wgs.lat)
    assert back.lon == pytest.approx(gcj.lon, abs=1e-7)
    assert back.lat == pytest.approx(gcj.lat, abs=1e-7)


@given(points_in_china)
def test_the_shift_is_metres_to_a_kilometre_and_a_half(wgs: Point):
    shift_km = km(wgs, wgs84_to_gcj02(wgs.lon, wgs.lat))
    assert 0.001 < shift_km < 1.5


@given(points.filter(lambda p: not (72 < p.lon < 138 and 0.8 < p.lat < 55.9)))
def test_a_point_outside_china_is_left_alone(abroad: Point):
    assert wgs84_to_gcj02(abroad.lon, abroad.lat) == abroad
    assert gcj02_to_wgs84(abroad.lon, abroad.lat) == abroad


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-89, 89))
def test_a_parallel_is_never_the_shorter_way(lon1: float, lon2: float, lat: float):
    turn = abs(lon1 - lon2) % 360
    along_parallel_km = radians(min(turn, 360 - turn)) * cos(radians(lat)) * MEAN_EARTH_RADIUS_KM
    assert great_circle_km(lon1, lat, lon2, lat) <= along_parallel_km + 1e-3
