"""One spelling of each phone number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from gateway.accounts.phones import masked, normalise

chinese_mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@given(
    chinese_mobiles, st.sampled_from(["", "+86", "0086", "86", "+86 ", "（+86）".translate({0xFF08: "(", 0xFF09: ")"})])
)
def test_every_spelling_of_a_chinese_mobile_is_one_number(number: str, prefix: str) -> None:
    assert normalise(prefix + number) == f"+86{number}"


@given(chinese_mobiles)
def test_blanks_and_dashes_do_not_matter(number: str) -> None:
    assert normalise(f" {number[:3]}-{number[3:7]} {number[7:]} ") == f"+86{number}"


def test_full_width_digits_are_digits() -> None:
    assert normalise("１３８１２３４５６７８") == "+8613812345678"


def test_a_number_abroad_keeps_its_country() -> None:
    assert normalise("+44 7911 123456") == "+447911123456"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1381234567",
        "138123456789",
        "12812345678",
        "+8612812345678",
        "mobile",
        "+0123456789",
        "+86",
        "13812345678\0",
    ],
)
def test_what_is_no_phone_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        normalise(text)
    assert len(text) < 5 or text not in str(refused.value)


@given(chinese_mobiles)
def test_a_masked_number_hides_its_middle(number: str) -> None:
    assert masked(f"+86{number}") == f"{number[:3]}****{number[7:]}"


def test_a_masked_number_abroad_hides_more() -> None:
    assert masked("+447911123456") == "+44****56"
