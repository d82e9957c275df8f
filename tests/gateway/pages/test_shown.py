"""Money, mass and time as a person reads them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import Language
from gateway.pages.shown import about_kg, by_name, clock, day, filled, for_long, for_long_words, kg, period, prose, yuan


@given(st.integers(-(10**15), 10**15))
def test_yuan_loses_no_fen(fen: int) -> None:
    assert int(yuan(fen).replace(",", "").replace(".", "")) == fen


def test_yuan_groups_thousands() -> None:
    assert [yuan(fen) for fen in (0, 5, -5, 123456, 50_000_000_000)] == [
        "0.00",
        "0.05",
        "-0.05",
        "1,234.56",
        "500,000,000.00",
    ]


@pytest.mark.parametrize(("quantity", "shown"), [(1200, "1,200"), (0.125, "0.125"), (700.5, "700.5"), (0, "0")])
def test_kg_has_no_digit_that_says_nothing(quantity: float, shown: str) -> None:
    assert kg(quantity) == shown


@pytest.mark.parametrize(
    ("quantity", "shown"), [(1_677_953.5, "1,677,954"), (427.305, "427"), (0.4, "<1"), (1.2, "1"), (0, "0")]
)
def test_what_is_reckoned_is_told_in_whole_kilograms(quantity: float, shown: str) -> None:
    assert about_kg(quantity) == shown


def test_names_are_in_the_order_of_their_pinyin_and_those_without_chinese_stand_last() -> None:
    named = ["草莓", "Feijoa", "桃子", "asian pear", "白菜"]
    assert sorted(named, key=by_name) == ["白菜", "草莓", "桃子", "asian pear", "Feijoa"]


def test_clocks_are_those_of_china() -> None:
    late = "2026-11-28T17:05:00Z"
    assert (clock(late), day(late)) == ("11-29 01:05", "2026-11-29")
    assert day(datetime(2026, 11, 28, 17, tzinfo=UTC)) == "2026-11-29"


def test_a_period_is_told_by_its_days_and_by_instants_where_those_are_within_one() -> None:
    midnight = "2026-11-30T16:00:00Z"
    assert period(midnight, "2026-12-01T16:00:00Z") == "2026-12-01"
    assert period(midnight, "2026-12-02T16:00:00Z") == "2026-12-01 – 2026-12-02"
    assert period(midnight, "2026-12-01T01:00:00Z") == "2026-12-01 00:00 – 2026-12-01 09:00"


@pytest.mark.parametrize(
    ("language", "hours", "said"),
    [
        ("zh-CN", 5.5, "5.5 小时"),
        ("en", 9.94, "9.9 h"),
        ("en", 47.9, "47 h"),
        ("zh-CN", 48, "2 天"),
        ("en", 75.6, "3 d 4 h"),
        ("en", 239, "9 d 23 h"),
        ("zh-CN", 5310.6, "221 天"),
        ("en", 0, "over"),
        ("zh-CN", -2, "已过期"),
    ],
)
def test_how_long_is_left(language: Language, hours: float, said: str) -> None:
    assert for_long(language, hours) == said


def test_a_script_is_given_the_words_with_their_blanks() -> None:
    assert for_long_words("en") == {
        "hours": "{hours} h",
        "days": "{days} d",
        "days_hours": "{days} d {hours} h",
        "over": "over",
    }
    assert filled(for_long_words("zh-CN")["days_hours"], {"days": 3, "hours": 4}) == for_long("zh-CN", 76)


def test_blanks_are_filled_once_and_what_nothing_is_told_of_stays() -> None:
    assert filled("{a} of {b}, {c}", {"a": "{b}", "b": 2}) == "{b} of 2, {c}"


def test_prose_marks_code_and_escapes_everything() -> None:
    assert prose("a `b<c` <d>") == "a <code>b&lt;c</code> &lt;d&gt;"
