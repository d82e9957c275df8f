"""How far a county can reach: no true point is refused, and what lies in another part of the country is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import places
from catalogue.geodesy import great_circle_km
from catalogue.reach import REACH_KM, REACH_OF_KM, reach_km, too_far_km

SEATED = [place for place in places.all_places() if place.point is not None]
UNSEATED = [place for place in places.all_places() if place.point is None]


@pytest.mark.parametrize(
    ("adcode", "lon", "lat"),
    [
        ("460300", 112.28, 3.97),  # Sansha: the Zengmu shoal
        ("441502", 116.72, 20.70),  # Shanwei, Cheng district: the Dongsha islands
        ("632801", 92.07, 33.59),  # Golmud: Tanggula, apart from the rest
        ("632724", 89.50, 35.60),  # Zhidoi: Hoh Xil
        ("620923", 97.00, 42.40),  # Subei: Mazongshan, apart from the rest
        ("652824", 88.30, 39.20),  # Ruoqiang
        ("150784", 121.00, 53.20),  # Ergun, at the Amur
        ("110116", 116.60, 41.00),  # Huairou, behind the wall
    ],
)
def test_the_far_ends_of_the_counties_that_reach_farthest_are_in_them(adcode: str, lon: float, lat: float) -> None:
    assert too_far_km(adcode, lon, lat) is None


@given(st.sampled_from(SEATED), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_nothing_near_a_seat_is_refused(place: places.Place, east: float, north: float) -> None:
    """A degree and a half is up to 236 km; 44 km is how far half of the counties reach."""
    assert place.point is not None
    assert too_far_km(place.adcode, place.point.lon + east, place.point.lat + north) is None


@given(st.sampled_from(SEATED), st.sampled_from(SEATED))
def test_a_seat_of_another_county_is_refused_exactly_when_it_lies_beyond_reach(
    mine: places.Place, other: places.Place
) -> None:
    assert mine.point is not None
    assert other.point is not None
    away_km = great_circle_km(mine.point.lon, mine.point.lat, other.point.lon, other.point.lat)
    expected = away_km if away_km > reach_km(mine.adcode) else None
    assert too_far_km(mine.adcode, other.point.lon, other.point.lat) == expected


@given(st.sampled_from(SEATED), st.floats(-20, 20), st.floats(-20, 20))
def test_a_point_is_refused_exactly_when_its_great_circle_is_too_long(
    place: places.Place, east: float, north: float
) -> None:
    assert place.point is not None
    lon, lat = place.point.lon + east, place.point.lat + north
    away_km = great_circle_km(place.point.lon, place.point.lat, lon, lat)
    assert too_far_km(place.adcode, lon, lat) == (away_km if away_km > reach_km(place.adcode) else None)


@pytest.mark.parametrize("place", UNSEATED, ids=lambda place: place.adcode)
def test_where_the_seat_is_not_known_nothing_can_be_said(place: places.Place) -> None:
    assert too_far_km(place.adcode, 0, 0) is None


def test_a_code_that_is_no_countys_is_for_others_to_refuse() -> None:
    assert too_far_km("999999", 0, 0) is None


def test_every_exception_is_an_area_that_reaches_farther_than_the_rest() -> None:
    for code, reach in REACH_OF_KM.items():
        assert any(place.adcode.startswith(code) for place in SEATED), code
        assert reach > REACH_KM
    assert (reach_km("460300"), reach_km("460105"), reach_km("540624")) == (2200, REACH_KM, 750)
