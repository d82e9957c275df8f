"""Forms: what people type becomes what the API takes, and what was refused is shown beside its field."""

from typing import Any

import pytest

from chassis.problems import FieldError, InvalidInput, Text
from gateway.pages.asking import Told
from gateway.pages.forms import Tried, end_of_day, fen, given, instant, number, wrong_of


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("12.5", 1250),
        ("1,234.56", 123_456),
        ("0.01", 1),
        ("1.005", "1.005"),
        ("much", "much"),
        ("NaN", "NaN"),
        ("1e99", "1e99"),
        (None, None),
    ],
)
def test_yuan_become_fen_exactly_and_what_is_no_amount_goes_on_as_it_is(typed: str | None, amount: Any) -> None:
    assert fen(typed) == amount


@pytest.mark.parametrize(
    ("typed", "ends"),
    [
        ("2026-12-31", "2027-01-01T00:00:00+08:00"),
        ("2026-12-31T12:00", "2026-12-31T12:00:00+08:00"),
        ("9999-12-31", "9999-12-31T00:00:00+08:00"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_a_last_day_is_whole(typed: str | None, ends: str | None) -> None:
    assert end_of_day(typed) == ends


@pytest.mark.parametrize(("typed", "read"), [("3", 3), ("3.5", 3.5), ("three", "three"), (None, None)])
def test_numbers_are_read_and_what_is_none_goes_on_as_it_is(typed: str | None, read: Any) -> None:
    assert (number(typed), type(number(typed))) == (read, type(read))


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2026-11-29", "2026-11-29T00:00:00+08:00"),
        ("2026-11-29T14:05", "2026-11-29T14:05:00+08:00"),
        ("2026-11-29T14:05:00Z", "2026-11-29T14:05:00+00:00"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_days_and_times_are_those_of_china(typed: str | None, at: str | None) -> None:
    assert instant(typed) == at


def test_what_was_left_empty_is_not_sent_but_nothing_and_false_are() -> None:
    assert given(a="", b=None, c=[], d={}, e=0, f=False) == {"e": 0, "f": False}


def test_a_fault_is_found_by_its_pointer_or_by_what_lies_under_it() -> None:
    errors = [{"pointer": "#/eligibility/adcodes/0", "detail": "none such"}, {"pointer": "#/rate_fen", "detail": "no"}]
    told = Told(422, {"title": "bad", "errors": errors}, None)
    tried = Tried("rules", {"rate": "x"}, told)
    assert (tried.fault("rules", "eligibility.adcodes"), tried.fault("rules", "rate_fen")) == ("none such", "no")
    assert (tried.value("rules", "rate"), tried.value("topup", "rate", 7)) == ("x", "7")
    assert (tried.fault("topup", "rate_fen"), tried.problem("topup"), tried.status) == ("", None, 422)


def test_what_stands_beside_a_field_is_not_said_again_above_the_form() -> None:
    pointers = ("#/eligibility/adcodes/0", "#/eligibility/adcodes/1", "#/rate_fen", "#/odd")
    told = Told(422, {"errors": [{"pointer": each, "detail": each} for each in pointers]}, None)
    tried = Tried("rules", {}, told)
    assert tried.faults_beside_none("rules", "rate_fen", "eligibility.adcodes", "caps") == [pointers[1], pointers[3]]
    assert tried.faults_beside_none("topup", "rate_fen") == []


def test_a_fault_stands_beside_its_field_and_above_the_form_where_it_has_none() -> None:
    refusal = InvalidInput(errors=[FieldError("#/phone", Text("不对", "wrong"))])
    beside = wrong_of("en", refusal, "phone")
    assert (beside.faults, beside.above) == ({"phone": "wrong"}, None)
    above = wrong_of("zh-CN", refusal, "code")
    assert (above.faults, above.above) == ({}, refusal.body("zh-CN"))
    unnamed = wrong_of("en", InvalidInput(), "phone")
    assert (unnamed.faults, unnamed.above) == ({}, InvalidInput().body("en"))
