"""The committed tables hold together: what one names, the other has, and every figure can be."""

from datetime import timedelta
from itertools import pairwise

from catalogue import places, produce
from catalogue.tables import rows

CHINA_LON, CHINA_LAT = (73.0, 136.0), (3.0, 54.0)


def test_rows_come_with_the_names_of_their_columns() -> None:
    first = next(iter(rows("produce.csv")))
    assert {"slug", "name_zh", "name_en", "category", "life_ambient_days", "life_chilled_days"} <= first.keys()


def test_every_adcode_is_six_digits_once_and_in_order() -> None:
    adcodes = [place.adcode for place in places.all_places()]
    assert all(len(adcode) == 6 and adcode.isascii() and adcode.isdecimal() for adcode in adcodes)
    assert all(one < other for one, other in pairwise(adcodes))


def test_every_county_has_a_name_and_a_province() -> None:
    for place in places.all_places():
        assert place.name, place.adcode
        assert place.province, place.adcode
        assert place.full_name.endswith(place.name)


def test_every_known_seat_lies_in_the_country() -> None:
    for place in places.all_places():
        if place.point is not None:
            assert CHINA_LON[0] < place.point.lon < CHINA_LON[1], place.adcode
            assert CHINA_LAT[0] < place.point.lat < CHINA_LAT[1], place.adcode


def test_a_county_under_supervision_is_never_said_not_to_be_poor() -> None:
    assert all(place.poverty_832 is not False for place in places.all_places() if place.watch_52)


def test_poverty_is_yes_no_or_unknown_and_each_of_them_occurs() -> None:
    assert {place.poverty_832 for place in places.all_places()} == {True, False, None}


def test_a_former_name_is_never_the_present_one() -> None:
    for place in places.all_places():
        assert place.name not in place.former_names


def test_every_slug_is_a_slug_once() -> None:
    slugs = [kind.slug for kind in produce.all_produce()]
    assert len(slugs) == len(set(slugs))
    assert all(slug.isascii() and slug == slug.lower() and slug.replace("-", "").isalnum() for slug in slugs)


def test_every_life_is_days_to_years() -> None:
    for kind in produce.all_produce():
        for life in kind.life_by_class.values():
            assert life is None or timedelta(days=1) <= life <= timedelta(days=730), kind.slug


def test_every_kind_has_an_english_name_and_a_category() -> None:
    assert all(kind.name_en and kind.category for kind in produce.all_produce())


def test_no_alias_is_the_name_itself() -> None:
    for kind in produce.all_produce():
        assert kind.name_zh not in kind.aliases, kind.slug


def test_no_alias_leads_to_a_kind_without_a_life_unless_it_is_that_very_kind_s_other_name() -> None:
    """A lot of it would spoil with the most perishable of its category, when a kind beside it has a life of its own."""
    same = {"白菜": "chinese-cabbage", "洋姜": "jerusalem-artichoke", "豆角": "yardlong-bean"}
    same |= {"砂梨": "asian-pear", "亚洲梨": "asian-pear"}
    lifeless = {
        alias: kind.slug
        for kind in produce.all_produce()
        if not any(kind.life_by_class.values())
        for alias in kind.aliases
    }
    assert lifeless == same


def test_every_province_has_prefectures_and_counties() -> None:
    for province in places.provinces():
        assert any(place.adcode.startswith(province.prefix) for place in places.all_places()), province.name
    prefixes = {province.prefix for province in places.provinces()}
    assert {area.prefix[:2] for area in places.prefectures()} <= prefixes
