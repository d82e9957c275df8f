"""Finding things as people write them: properties over the whole catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import places, produce
from catalogue.names import normalise, short_names

PLACES = st.sampled_from(places.all_places())
KINDS = st.sampled_from(produce.all_produce())


@given(KINDS)
def test_every_kind_is_found_first_by_its_slug_and_found_by_each_of_its_names(kind: produce.Produce) -> None:
    assert produce.search(kind.slug)[0] == kind
    for name in (kind.name_zh, kind.name_en, *kind.aliases):
        assert name is None or kind in produce.search(name, limit=200), name


@given(KINDS, st.sampled_from([str.upper, str.lower, lambda name: f" {name} "]))
def test_case_and_blanks_hide_no_kind(kind: produce.Produce, write: object) -> None:
    assert callable(write)
    assert kind in produce.search(write(kind.name_en), limit=200)


@given(st.text(max_size=12), st.integers(0, 10))
def test_no_search_gives_more_than_was_asked_for_or_the_same_twice(q: str, limit: int) -> None:
    for found in (produce.search(q, limit), places.search(q, limit)):
        assert len(found) <= limit
        assert len(set(found)) == len(found)


@given(PLACES)
def test_every_county_is_found_by_its_code_alone(place: places.Place) -> None:
    assert places.search(place.adcode) == (place,)
    assert places.resolve(place.adcode) == place
    assert places.resolve(f" {place.adcode} ") == place


@given(PLACES, st.integers(2, 5))
def test_the_beginning_of_a_code_gives_all_that_begins_so(place: places.Place, digits: int) -> None:
    found = places.search(place.adcode[:digits], limit=5000)
    assert place in found
    prefix = places.adcode_prefix(place.adcode[:digits])
    assert all(each.adcode.startswith(prefix) for each in found)


@given(PLACES)
def test_a_county_resolves_by_its_full_name_with_its_province_or_not_at_all(place: places.Place) -> None:
    assert places.resolve(place.name, province=place.province) in {place, None}


def test_a_former_name_means_the_place_of_today() -> None:
    assert [(place.adcode, place.name) for place in [places.resolve("旬阳县")] if place] == [("610981", "旬阳市")]


@given(PLACES)
def test_a_short_name_is_shorter_and_never_empty(place: places.Place) -> None:
    for short in short_names(place.name):
        assert 0 < len(short) < len(place.name)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once).isalnum() or normalise(once) == ""
    assert places.search(text) == places.search(text)


@given(PLACES, st.sampled_from(list(places.Level)))
def test_the_area_of_each_level_holds_the_county_and_carries_its_name(place: places.Place, level: places.Level) -> None:
    area = places.area_of(place.adcode, level)
    assert area is not None
    assert place.adcode.startswith(area.prefix)
    assert area == places.area(area.prefix)


@given(PLACES)
def test_where_a_county_is_stands_for_every_distance(place: places.Place) -> None:
    located = places.point_of(place.adcode)
    assert located is not None
    assert located.exact == (place.point is not None)
    assert place.point is None or located.point == place.point


@given(KINDS, st.sampled_from(list(produce.TemperatureClass)))
def test_a_life_is_the_catalogues_own_or_the_categorys_and_says_whose(
    kind: produce.Produce, temperature_class: produce.TemperatureClass
) -> None:
    life = produce.shelf_life(kind, temperature_class)
    known = kind.life_by_class[temperature_class]
    if known is not None:
        assert life == produce.ShelfLife(known, "catalogue")
    elif life is not None:
        assert life == produce.ShelfLife(life.duration, "category")
        assert life.duration == produce.shortest_life_of_category(kind.category)
    assert temperature_class is not produce.TemperatureClass.FROZEN or life is None


@given(st.text(max_size=30).filter(lambda slug: not slug.isascii()))
def test_what_is_no_slug_is_no_produce(slug: str) -> None:
    assert produce.get(slug) is None


@given(st.text(max_size=30).filter(lambda adcode: len(adcode) != 6))
def test_what_is_no_adcode_is_no_place_and_lies_nowhere(adcode: str) -> None:
    assert places.get(adcode) is None
    assert places.point_of(adcode) is None
    assert places.area_of(adcode, places.Level.PROVINCE) is None


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [
        ("南京", ["3201"]),
        ("江苏省 南京市", ["3201"]),
        ("吉林", ["22"]),  # the city of that name lies in it
        ("吉林市", ["2202"]),
        ("海南", ["46", "6325"]),
        ("泗阳", []),
        ("南京鼓楼", []),
        ("", []),
    ],
)
def test_areas_go_by_their_names_full_or_short_and_what_names_more_is_none(name: str, prefixes: list[str]) -> None:
    assert [area.prefix for area in places.areas_named(name)] == prefixes
