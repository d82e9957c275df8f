"""Numbers as people type them."""

from decimal import Decimal

import pytest

from gateway.pages.farm import form
from gateway.pages.forms import fen, number
from gateway.pages.numbers import decimal, decimals, json_number, kg, yuan
from gateway.pages.ordering import fen_typed, kg_typed

ENDLESS = ["1e1000000", "1e5000", "-1e1000000", "1e-1000000", "9" * 2000, "1e99999999999999999999", "٣" * 40]
"""A few characters each: written out they would take the process for minutes, or be no JSON."""


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1,200.50", "1200.5"),
        ("１２００", "1200"),
        (" 1 200 ", "1200"),
        ("1.5000", "1.5"),
        ("0", "0"),
        ("-1", "-1"),
        ("0e999999", "0"),
    ],
)
def test_a_number_is_read_as_people_write_it(typed: str, read: str) -> None:
    assert decimal(typed) == Decimal(read)


@pytest.mark.parametrize("typed", ["", "x", "NaN", "Infinity", "1e15", "1e-21", *ENDLESS])
def test_what_is_no_number_that_anybody_means(typed: str) -> None:
    assert decimal(typed) is None


@pytest.mark.parametrize("typed", ENDLESS)
def test_no_form_writes_out_a_number_without_end(typed: str) -> None:
    assert (form.number(typed), form.fen(typed)) == (typed, typed)
    assert (number(typed), fen(typed)) == (typed, typed)
    assert (kg_typed(typed), fen_typed(typed)) == (None, None)


@pytest.mark.parametrize(("typed", "places"), [("1.5000", 1), ("100", 0), ("1e3", 0), ("0.001", 3)])
def test_decimals_are_those_that_say_something(typed: str, places: int) -> None:
    read = decimal(typed)
    assert read is not None
    assert decimals(read) == places


@pytest.mark.parametrize(("told", "read"), [("3", 3), ("1E+3", 1000), ("3.5", 3.5)])
def test_whole_numbers_are_whole_in_json(told: str, read: float) -> None:
    assert (json_number(Decimal(told)), type(json_number(Decimal(told)))) == (read, type(read))


@pytest.mark.parametrize("typed", ["16", "16元", "¥16", "￥16.00", "１６元", "16 元/公斤", "16.00元/kg", "16块"])
def test_what_people_write_about_a_price_is_read_as_such(typed: str) -> None:
    assert yuan(typed) == 16


@pytest.mark.parametrize("typed", ["", "元", "16元元", "16元/斤", "16公斤", "十六"])
def test_what_is_no_price_is_none(typed: str) -> None:
    assert yuan(typed) is None


@pytest.mark.parametrize(("typed", "read"), [("300公斤", 300), ("300 kg", 300), ("300斤", None), ("300元", None)])
def test_of_masses_the_kilogram_alone_is_read(typed: str, read: int | None) -> None:
    assert kg(typed) == read
