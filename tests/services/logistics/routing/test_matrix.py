"""Great circle distances against the textbook."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.routing.matrix import DETOUR, EARTH_RADIUS_M, great_circle
from services.logistics.routing.problem import Point

points = st.builds(Point, st.floats(73, 135), st.floats(18, 54))


def haversine_m(a: Point, b: Point) -> float:
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half = (
        math.sin((lat_a - lat_b) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(a.lon - b.lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


@given(st.lists(points, min_size=1, max_size=6))
def test_distances_are_the_haversine_times_the_detour_to_a_metre(places: list[Point]) -> None:
    metres = great_circle(places).distance_m
    for i, a in enumerate(places):
        for j, b in enumerate(places):
            assert metres[i, j] == pytest.approx(haversine_m(a, b) * DETOUR, abs=1.1)


@given(st.lists(points, min_size=1, max_size=6))
def test_the_way_there_is_the_way_back_and_staying_is_free(places: list[Point]) -> None:
    matrix = great_circle(places)
    assert np.array_equal(matrix.distance_m, matrix.distance_m.T)
    assert not matrix.distance_m.diagonal().any()
    assert not matrix.duration_s.diagonal().any()


def test_a_minute_is_a_kilometre_and_the_source_is_named() -> None:
    matrix = great_circle([Point(116.397, 39.908), Point(121.474, 31.230)])  # Beijing, Shanghai: 1,068 km
    assert matrix.distance_m[0, 1] == pytest.approx(1_068_000 * 1.3, rel=0.005)
    assert matrix.duration_s[0, 1] == math.ceil(matrix.distance_m[0, 1] * 60 / 1000)
    assert matrix.source == "great_circle"


def test_no_points_make_an_empty_matrix() -> None:
    assert great_circle([]).distance_m.shape == (0, 0)
