"""Places that are named: taken where the name says which, asked back where several go by it."""

import pytest

from gateway.pages import placing
from gateway.pages.ordering import NO_PLACE, SPELT_LIKE, WHICH_PLACE

GULOU = {"320106": "江苏省南京市鼓楼区", "320302": "江苏省徐州市鼓楼区"}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("泗阳", "321323"),
        ("南京", "320100"),
        ("江苏", "320000"),
        ("南京鼓楼", "320106"),
        ("朝阳市", "211300"),
        ("3213", "3213"),
        ("", None),
    ],
)
def test_a_part_of_the_country_is_a_county_or_a_whole_area(typed: str, code: str | None) -> None:
    assert placing.part(typed) == placing.Meant(code)


def test_a_code_of_no_place_is_none() -> None:
    assert placing.part("99") == placing.Meant(why=NO_PLACE)


@pytest.mark.parametrize(
    ("typed", "among"),
    [
        ("鼓楼区", GULOU),
        ("朝阳", {"211300": "辽宁省朝阳市", "110105": "北京市朝阳区"}),
        ("海南", {"460000": "海南省", "150303": "内蒙古自治区乌海市海南区"}),
    ],
)
def test_where_several_go_by_a_name_it_is_asked_which_and_the_answer_counts(typed: str, among: dict[str, str]) -> None:
    asked = placing.part(typed)
    assert (asked.code, asked.why) == (None, WHICH_PLACE)
    for code, name in among.items():
        assert asked.choices[code] == name
        answered = placing.part(typed, code)
        assert (answered.code, answered.why) == (code, None)
    assert placing.part(typed, "654321").code is None, "that was none of them"


def test_a_depot_is_in_one_county_and_never_in_an_area() -> None:
    assert placing.county("城关区").why is WHICH_PLACE
    assert placing.county("城关区", "620102").code == "620102"
    assert placing.county("南京").why is WHICH_PLACE
    assert (placing.county("泗洋县").why, placing.county("蓬莱仙岛").why) == (SPELT_LIKE, NO_PLACE)
