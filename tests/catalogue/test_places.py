import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import places
from catalogue.geodesy import great_circle_km


def names(q: str, limit: int = 20) -> list[str]:
    return [place.full_name for place in places.search(q, limit)]


@pytest.mark.parametrize(
    "q",
    [
        "泗阳县",
        "泗阳",
        "泗阳市",
        "江苏 泗阳",
        "江苏省宿迁市泗阳县",
        "宿迁泗阳县",
        "宿迁市，泗阳",
        "泗阳 江苏",
        " 泗 阳 ",
        "321323",
        "３２１３２３",
        "泗阳县众兴镇",
        "江苏省宿迁市泗阳县众兴镇",
    ],
)
def test_siyang_is_found_however_it_is_written(q: str):
    assert names(q)[0] == "江苏省宿迁市泗阳县"


@pytest.mark.parametrize(
    ("former", "today"),
    [("旬阳县", "旬阳市"), ("滦县", "滦州市"), ("芜湖县", "湾沚区"), ("户县", "鄠邑区"), ("宜宾县", "叙州区")],
)
def test_a_former_name_resolves_to_todays(former: str, today: str):
    place = places.resolve(former)
    assert place is not None
    assert place.name == today


def test_a_former_name_resolves_without_its_suffix_where_no_area_is_called_so():
    place = places.resolve("渌口")
    assert place == places.resolve("株洲县")
    assert places.resolve("株洲") is None


def test_every_place_is_found_by_its_full_name_and_by_its_province_with_its_short_one():
    for place in places.all_places()[::41]:
        assert places.search(place.full_name)[0] == place
        assert place in places.search(f"{place.province} {place.name.removesuffix('县')}", limit=5)


def test_every_former_name_finds_its_place():
    renamed = [place for place in places.all_places() if place.former_names]
    assert len(renamed) == 92
    for place in renamed:
        assert places.search(f"{place.province}{place.former_names[0]}")[0] == place


def test_the_exact_name_comes_first_then_the_suffix_then_the_beginning_then_the_middle():
    found = names("东乡", limit=5)
    assert found[:2] == ["江西省抚州市东乡区", "甘肃省临夏回族自治州东乡族自治县"]
    assert found[2] == "甘肃省临夏回族自治州积石山保安族东乡族撒拉族自治县"
    assert [name[-3:] for name in names("北京朝阳区")] == ["朝阳区"]


def test_names_borne_by_several_places_give_all_of_them():
    assert len(names("鼓楼区")) == 4
    assert names("南京鼓楼") == ["江苏省南京市鼓楼区"]


def test_the_name_of_an_area_gives_what_lies_in_it():
    assert len(names("宿迁市")) == 5
    assert names("宿迁") == names("3213") == names("321300") == names("江苏省宿迁市")
    assert all(name.startswith("辽宁省朝阳市") for name in names("朝阳市")[:7])
    assert len(places.search("32", limit=500)) == 96
    assert {place.province for place in places.search("吉林市")} == {"吉林省"}


def test_an_area_narrows_and_never_widens():
    assert {place.prefecture for place in places.search("南京 鼓楼")} == {"南京市"}
    assert names("浙江 泗阳") == []


@pytest.mark.parametrize("q", ["", "  ", "，", "中国", "xyz", "999999", "00"])
def test_what_is_no_place_is_not_found(q: str):
    assert places.search(q) == ()
    assert places.resolve(q) is None


def test_a_limit_is_kept():
    assert len(places.search("县", limit=3)) == 3


def test_a_name_without_its_suffix_resolves():
    for name in ("泗阳", "泗阳县", "321323", "泗阳市"):
        place = places.resolve(name)
        assert place is not None
        assert place.adcode == "321323"


def test_a_name_borne_twice_resolves_only_with_its_province():
    assert places.resolve("朝阳区") is None
    for province, adcode in {"北京": "110105", "北京市": "110105", "吉林省": "220104"}.items():
        place = places.resolve("朝阳区", province)
        assert place is not None
        assert place.adcode == adcode
    assert places.resolve("朝阳区", "江苏") is None
    assert places.resolve("321323", "浙江省") is None


@pytest.mark.parametrize("area", ["海南", "河南", "大同", "长治", "长治市", "朝阳市", "江苏", "吉林市"])
def test_the_name_of_an_area_is_not_taken_for_a_county(area: str):
    assert places.resolve(area) is None


def test_a_county_named_like_the_area_it_lies_in_resolves():
    place = places.resolve("恩施")
    assert place is not None
    assert place.name == "恩施市"


def test_half_a_name_does_not_resolve():
    assert places.search("泗")[0].name == "泗县"
    assert places.resolve("呼和浩") is None


@given(st.text(alphabet="泗阳县市区江苏省宿迁北京朝,， 自治族州1320", max_size=12))
@settings(max_examples=60)
def test_any_text_is_answered_by_distinct_places_and_the_resolved_one_is_among_them(q: str):
    found = places.search(q, limit=3000)
    assert len({place.adcode for place in found}) == len(found)
    resolved = places.resolve(q)
    assert resolved is None or resolved in found


def test_a_known_seat_is_exact():
    located = places.point_of("321323")
    assert located is not None
    assert located.exact
    # 众兴镇, Siyang's seat, is at 118.70 E, 33.72 N
    assert great_circle_km(located.point.lon, located.point.lat, 118.70, 33.72) < 5


def test_an_unknown_seat_lies_amid_its_prefecture_and_is_not_exact():
    longhua = places.point_of("440309")
    assert longhua is not None
    assert not longhua.exact
    siblings = [place.point for place in places.all_places() if place.adcode[:4] == "4403" and place.point]
    assert longhua.point.lon == pytest.approx(sum(seat.lon for seat in siblings) / len(siblings))
    assert longhua.point.lat == pytest.approx(sum(seat.lat for seat in siblings) / len(siblings))


def test_an_unknown_seat_without_a_prefecture_lies_amid_its_province():
    xiongan, beitun = places.point_of("133100"), places.point_of("659005")
    assert xiongan is not None
    assert not xiongan.exact
    assert beitun is not None
    assert places.point_of("659007") == beitun
    hebei = [place.point for place in places.all_places() if place.adcode[:2] == "13" and place.point]
    assert xiongan.point.lon == pytest.approx(sum(seat.lon for seat in hebei) / len(hebei))


def test_every_place_has_some_point_and_an_unknown_adcode_has_none():
    located = [places.point_of(place.adcode) for place in places.all_places()]
    assert sum(1 for spot in located if spot and spot.exact) == 2826
    assert sum(1 for spot in located if spot and not spot.exact) == 29
    assert places.point_of("999999") is None


def test_the_import_reads_no_file_and_needs_nothing_but_the_standard_library():
    code = (
        "import sys, catalogue.places as p, catalogue.produce\n"
        "from catalogue.divisions import all_places\n"
        "assert all_places.cache_info().currsize == 0\n"
        "top = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'__main__'}\n"
        "print(sorted(name for name in top if name in {'pydantic', 'numpy', 'scipy', 'sqlalchemy', 'fastapi'}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(("former", "today"), [("610928", "旬阳市"), ("130223", "滦州市"), ("130428", "肥乡区")])
def test_a_former_code_finds_the_place_of_today(former: str, today: str):
    assert [place.name for place in places.search(former)] == [today]


def test_no_former_code_hides_a_place_of_today():
    for place in places.all_places():
        assert not set(place.former_adcodes) & {each.adcode for each in places.all_places()}


def test_a_name_with_one_character_wrong_is_found_by_its_likeness() -> None:
    assert "321323" in [place.adcode for place in places.spelt_like("泗洋县")]
    assert [place.adcode for place in places.spelt_like("江苏泗洋县")] == ["321323", "321324"]
    assert "321323" in [place.adcode for place in places.spelt_like("泗洋", limit=50)]
    assert "341324" not in [place.adcode for place in places.spelt_like("四县", limit=50)], (
        "its first character is right"
    )
    assert places.spelt_like("完全不像任何地方") == places.spelt_like("泗") == places.spelt_like("") == ()
