"""What comes in from outside and has to be in the catalogue."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from catalogue import places, produce
from catalogue.fields import AdcodeBeginning, CountyAdcode, PlaceIn, PointIn, ProduceSlug
from catalogue.geodesy import Point, gcj02_to_wgs84, great_circle_km

SLUG: TypeAdapter[str] = TypeAdapter(ProduceSlug)
ADCODE: TypeAdapter[str] = TypeAdapter(CountyAdcode)
BEGINNING: TypeAdapter[str] = TypeAdapter(AdcodeBeginning)


def sentence(adapter: TypeAdapter[Any], value: object) -> dict[str, str]:
    """What is said of the value, in both languages."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    (error,) = caught.value.errors()
    assert error["msg"] == error["ctx"]["en"]
    return error["ctx"]


@given(st.sampled_from(produce.all_produce()))
def test_every_slug_of_the_catalogue_is_taken(kind: produce.Produce) -> None:
    assert SLUG.validate_python(kind.slug) == kind.slug


@given(st.sampled_from(places.all_places()))
def test_every_county_is_taken_with_or_without_a_point(place: places.Place) -> None:
    assert ADCODE.validate_python(place.adcode) == place.adcode
    assert PlaceIn(adcode=place.adcode).to_wgs84() is None
    assert PlaceIn(adcode=place.adcode, lon=place.lon, lat=place.lat).to_wgs84() == place.point


def test_zero_is_a_point() -> None:
    assert places.get("133100").point is None, "a county that could be anywhere"  # type: ignore[union-attr]
    assert PlaceIn(adcode="133100", lon=0, lat=0).to_wgs84() == Point(0, 0)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02"])
@pytest.mark.parametrize(
    ("lon", "lat"), [(0, 0), (116.41, 39.93), (33.72, 88.69), (-118.69, 33.72), (180, -90)], ids=str
)
def test_a_point_that_cannot_be_in_the_county_is_refused_with_its_distance(lon: float, lat: float, crs: str) -> None:
    told = sentence(TypeAdapter(PlaceIn), {"adcode": "321323", "lon": lon, "lat": lat, "crs": crs})
    seat = places.get("321323").point  # type: ignore[union-attr]
    assert seat is not None
    away_km = f"{great_circle_km(seat.lon, seat.lat, lon, lat):.0f}"
    for words in told.values():
        assert all(part in words for part in (away_km, "adcode", "lon", "lat")), words


@pytest.mark.parametrize("slug", ["", "草莓", "Strawberry", "strawberry ", "unobtainium"])
def test_a_slug_is_exact_and_the_refusal_says_where_to_look(slug: str) -> None:
    told = sentence(SLUG, slug)
    assert "/v1/produce" in told["zh"]
    assert "/v1/produce" in told["en"]


@pytest.mark.parametrize("adcode", ["", "32", "320000", "321300", "999999", "３２１３２３", " 321323", "{en}"])
def test_only_a_county_is_taken_and_the_refusal_says_where_to_look(adcode: str) -> None:
    told = sentence(ADCODE, adcode)
    assert "/v1/places" in told["zh"]
    assert "/v1/places" in told["en"]


@given(st.sampled_from(places.all_places()), st.integers(2, 6))
def test_a_place_may_be_named_by_how_its_counties_begin(place: places.Place, digits: int) -> None:
    assert BEGINNING.validate_python(place.adcode[:digits]) == place.adcode[:digits]


@pytest.mark.parametrize("code", ["320000", "321300", "110000"])
def test_a_beginning_may_be_filled_up_with_zeros(code: str) -> None:
    assert BEGINNING.validate_python(code) == code


@pytest.mark.parametrize("code", ["99", "990000", "3299", "329999", "321399"])
def test_how_no_county_begins_is_refused_and_the_refusal_says_where_to_look(code: str) -> None:
    told = sentence(BEGINNING, code)
    assert "/v1/places" in told["zh"]
    assert "/v1/places" in told["en"]


@pytest.mark.parametrize("half", [{"lon": 118.7}, {"lat": 33.7}, {"lon": 118.7, "lat": None}])
def test_half_a_point_is_none(half: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        PlaceIn.model_validate({"adcode": "321323", **half})
    assert [error["type"] for error in caught.value.errors()] == ["half_a_point"]


@pytest.mark.parametrize(
    ("lon", "lat"), [(180.01, 0), (-180.01, 0), (0, 90.01), (0, -90.01), (float("nan"), 0), (0, float("inf"))]
)
@pytest.mark.parametrize("kind", [PointIn, PlaceIn])
def test_a_point_lies_on_the_globe(kind: type[PointIn | PlaceIn], lon: float, lat: float) -> None:
    adcode = {"adcode": "321323"} if kind is PlaceIn else {}
    with pytest.raises(ValidationError):
        kind.model_validate({**adcode, "lon": lon, "lat": lat})


@pytest.mark.parametrize(("lon", "lat"), [(180, 90), (-180, -90), (0, 0)])
def test_the_ends_of_the_globe_are_on_it(lon: float, lat: float) -> None:
    point = PointIn(lon=lon, lat=lat).to_wgs84()
    assert (point.lon, point.lat) == (lon, lat)


def test_unknown_members_are_refused() -> None:
    for kind, value in ((PointIn, {"lon": 1, "lat": 1}), (PlaceIn, {"adcode": "321323"})):
        with pytest.raises(ValidationError, match="extra_forbidden"):
            kind.model_validate({**value, "altitude": 5})


def test_what_is_declared_in_map_coordinates_is_converted_and_nothing_else() -> None:
    mapped = PlaceIn(adcode="321323", lon=118.69, lat=33.72, crs="gcj02").to_wgs84()
    assert mapped == gcj02_to_wgs84(118.69, 33.72)
    assert mapped is not None
    assert 0.1 < great_circle_km(118.69, 33.72, mapped.lon, mapped.lat) < 1.5
    assert PlaceIn(adcode="321323", lon=118.69, lat=33.72).to_wgs84() == Point(118.69, 33.72)


def test_another_system_is_refused() -> None:
    with pytest.raises(ValidationError, match="literal_error"):
        PointIn.model_validate_json(json.dumps({"lon": 1, "lat": 1, "crs": "bd09"}))


@pytest.mark.parametrize(
    ("code", "prefix"),
    [("32", "32"), ("320000", "32"), ("3213", "3213"), ("321300", "3213"), ("321323", "321323"), ("99", "99")],
)
def test_an_area_is_what_the_adcodes_in_it_begin_with(code: str, prefix: str) -> None:
    assert places.adcode_prefix(code) == prefix


@given(st.sampled_from(places.all_places()))
def test_a_county_lies_behind_the_prefix_of_each_of_its_areas(place: places.Place) -> None:
    for code in (place.adcode, place.adcode[:4] + "00", place.adcode[:2] + "0000"):
        named = places.area(code)
        if named is not None and place.adcode.startswith(named.prefix):
            assert place.adcode.startswith(places.adcode_prefix(code))


@given(st.text(max_size=8))
def test_any_other_code_is_its_own_prefix(code: str) -> None:
    assert places.adcode_prefix(code) in {code, code.removesuffix("00"), code.removesuffix("0000")}
