import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.names import normalise, short_names


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("泗阳县", "泗阳"),
        ("旬阳市", "旬阳"),
        ("玄武区", "玄武"),
        ("土默特左旗", "土默特左"),
        ("江苏省", "江苏"),
        ("和田地区", "和田"),
        ("锡林郭勒盟", "锡林郭勒"),
        ("恭城瑶族自治县", "恭城"),
        ("积石山保安族东乡族撒拉族自治县", "积石山"),
        ("龙胜各族自治县", "龙胜"),
        ("木垒哈萨克自治县", "木垒"),
        ("克孜勒苏柯尔克孜自治州", "克孜勒苏"),
        ("莫力达瓦达斡尔族自治旗", "莫力达瓦"),
        ("新疆维吾尔自治区", "新疆"),
        ("西藏自治区", "西藏"),
        ("管城回族区", "管城"),
    ],
)
def test_the_suffix_is_left_out(name: str, short: str):
    assert short_names(name) == (short,)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("长白朝鲜族自治县", "长白"),  # 白 is also a people
        ("彭水苗族土家族自治县", "彭水"),  # and so is 水
        ("内蒙古自治区", "内蒙古"),
        ("东乡族自治县", "东乡"),
        ("鄂伦春自治旗", "鄂伦春"),
        ("鄂温克族自治旗", "鄂温克"),
    ],
)
def test_a_place_keeps_what_only_looks_like_its_people(name: str, short: str):
    assert short_names(name) == (short,)


def test_a_compound_suffix_may_be_left_out_whole_or_by_its_last_character():
    assert short_names("神农架林区") == ("神农架林", "神农架")
    assert short_names("浦东新区") == ("浦东新", "浦东")
    assert short_names("碑林区") == ("碑林",)


def test_a_name_without_a_suffix_has_no_short_form():
    assert short_names("泗阳") == ()
    assert short_names("县") == ()
    assert short_names("") == ()


def test_width_case_blanks_and_punctuation_make_no_difference():
    assert normalise(" Ｓtar-Fruit（FRESH) ") == "starfruitfresh"


@given(st.text())
def test_a_normalised_name_holds_nothing_but_letters_and_digits(text: str):
    assert all(character.isalnum() for character in normalise(text))
