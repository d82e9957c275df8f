from collections import Counter

import pytest

from catalogue import divisions
from catalogue.divisions import Area, Level


def test_every_row_of_the_source_is_there():
    places = divisions.all_places()
    assert len(places) == 2855
    assert len({place.adcode for place in places}) == 2855
    assert [place.adcode for place in places] == sorted(place.adcode for place in places)
    assert sum(place.point is not None for place in places) == 2826


def test_siyang_is_a_county_of_jiangsu():
    siyang = divisions.get("321323")
    assert siyang is not None
    assert (siyang.name, siyang.prefecture, siyang.province) == ("泗阳县", "宿迁市", "江苏省")
    assert siyang.full_name == "江苏省宿迁市泗阳县"
    assert siyang.level == "county"


def test_xuanwu_is_a_district_of_nanjing():
    xuanwu = divisions.get("320102")
    assert xuanwu is not None
    assert xuanwu.full_name == "江苏省南京市玄武区"


def test_a_full_name_repeats_no_municipality_and_names_no_stand_in_for_a_prefecture():
    names = {code: place.full_name for code in ("110105", "429021") if (place := divisions.get(code))}
    assert names == {"110105": "北京市朝阳区", "429021": "湖北省神农架林区"}


def test_a_seat_that_is_not_known_is_none_and_never_the_gulf_of_guinea():
    unknown = [place for place in divisions.all_places() if place.point is None]
    assert len(unknown) == 29
    assert all(place.lon is None and place.lat is None for place in unknown)
    seats = [place.point for place in divisions.all_places() if place.point]
    assert all(73 < seat.lon < 136 and 3 < seat.lat < 54 for seat in seats)


def test_an_unknown_poverty_status_is_none():
    status = Counter(place.poverty_832 for place in divisions.all_places())
    assert status == {False: 1629, True: 759, None: 467}


def test_unknown_poverty_status_lies_in_eight_provinces_which_say_so():
    unknown = {place.province for place in divisions.all_places() if place.poverty_832 is None}
    assert len(unknown) == 8
    incomplete = {area.name for area in divisions.provinces() if not divisions.poverty_is_complete(area.name)}
    assert unknown == incomplete


def test_fifty_two_counties_are_watched_and_nothing_says_they_are_not_poor():
    watched = [place for place in divisions.all_places() if place.watch_52]
    assert len(watched) == 52
    assert all(place.poverty_832 is not False for place in watched)


def test_a_renamed_county_keeps_its_former_name():
    xunyang = divisions.get("610981")
    assert xunyang is not None
    assert (xunyang.name, xunyang.former_names) == ("旬阳市", ("旬阳县",))
    assert all(place.name not in place.former_names for place in divisions.all_places())


def test_provinces_and_prefectures_are_prefixes_with_names():
    assert len(divisions.provinces()) == 31
    assert len(divisions.prefectures()) == 343
    assert divisions.area("32") == Area("32", "江苏省", Level.PROVINCE, "江苏省")
    assert divisions.area("3213") == Area("3213", "宿迁市", Level.PREFECTURE, "江苏省")
    assert divisions.area("321323") == Area("321323", "泗阳县", Level.COUNTY, "江苏省")
    assert divisions.prefectures("32")[0].name == "南京市"
    assert len(divisions.prefectures("32")) == 13


@pytest.mark.parametrize(("code", "prefix"), [("320000", "32"), ("321300", "3213"), ("133100", "133100")])
def test_a_full_code_of_an_area_is_its_prefix(code: str, prefix: str):
    area = divisions.area(code)
    assert area is not None
    assert area.prefix == prefix


@pytest.mark.parametrize("code", ["", "99", "9901", "999999", "00", "3", "泗阳"])
def test_a_code_in_which_nothing_lies_is_no_area(code: str):
    assert divisions.area(code) is None


@pytest.mark.parametrize("code", ["32", "320000", "321", "3213", "32132", "321323", "4290"])
def test_counties_lie_behind_an_areas_code_and_behind_how_theirs_begin(code: str):
    assert divisions.has_counties(code)


@pytest.mark.parametrize("code", ["", "3", "99", "990000", "3299", "329900", "329999", "3213231", "江苏"])
def test_no_county_lies_behind_any_other_code(code: str):
    assert not divisions.has_counties(code)


def test_every_county_lies_in_one_area_of_each_level():
    for place in divisions.all_places():
        areas = [divisions.area_of(place.adcode, level) for level in Level]
        assert [area.name for area in areas if area] == [place.province, place.prefecture, place.name]
        assert all(area and place.adcode.startswith(area.prefix) for area in areas)


def test_an_unknown_adcode_lies_nowhere():
    assert divisions.get("999999") is None
    assert divisions.area_of("329999", Level.PROVINCE) is None


def test_the_table_names_its_day():
    assert divisions.REVISION == "2025-12-31"
