"""Types of the public surface: kilograms to the gram, whole fen, moments with an offset, text, pages."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chassis.fields import (
    PRICE_MAX_FEN_PER_KG,
    QUANTITY_MAX_KG,
    AmountFen,
    Instant,
    Kg,
    KgOrNone,
    KgOut,
    LongText,
    Page,
    PriceFenPerKg,
    RequestModel,
    ShortText,
    kg_of,
    no_nul,
    to_grams,
)

KG: TypeAdapter[Decimal] = TypeAdapter(Kg)
KG_OR_NONE: TypeAdapter[Decimal] = TypeAdapter(KgOrNone)
KG_OUT: TypeAdapter[int] = TypeAdapter(KgOut)
INSTANT: TypeAdapter[Any] = TypeAdapter(Instant)


def refused(kind: Any, value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return [error["type"] for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("value", "grams"),
    [
        (1, 1000),
        (0.001, 1),
        (1.1, 1100),
        (0.1 + 0.2 - 0.3 + 1, 1000),
        (Decimal("1200.125"), 1_200_125),
        (Decimal("1.5000"), 1500),
        (Decimal("1E+3"), 1_000_000),
        (QUANTITY_MAX_KG, 10_000_000_000),
        (Decimal("9999999.999"), 9_999_999_999),
    ],
)
def test_kilograms_are_read_to_the_gram(value: Any, grams: int) -> None:
    if isinstance(value, float) and value != round(value, 3):
        assert refused(Kg, value) == ["kg_precision"], "what a float adds up to is not corrected behind one's back"
    else:
        assert to_grams(KG.validate_python(value)) == grams


@pytest.mark.parametrize(
    "value", [Decimal("1E-4"), Decimal("1E-999999"), Decimal("1E+999999"), Decimal("NaN"), Decimal("Infinity"), 10**400]
)
def test_no_number_however_strange_is_more_than_refused(value: Any) -> None:
    assert refused(Kg, value)


def test_nothing_is_a_quantity_only_where_it_may_be() -> None:
    assert refused(Kg, 0) == ["greater_than"]
    assert KG_OR_NONE.validate_python(0) == 0
    assert refused(KgOrNone, -0.001) == ["greater_than_equal"]
    assert refused(KgOrNone, 0.0001) == ["kg_precision"]


@pytest.mark.parametrize(
    ("grams", "told"), [(0, b"0"), (1, b"0.001"), (1000, b"1"), (1_200_125, b"1200.125"), (10**10, b"10000000")]
)
def test_grams_go_out_as_a_json_number_of_kilograms(grams: int, told: bytes) -> None:
    assert KG_OUT.dump_json(grams) == told


def test_the_ends_of_prices_and_amounts_are_in_them() -> None:
    price, amount = TypeAdapter(PriceFenPerKg), TypeAdapter(AmountFen)
    assert [price.validate_python(each) for each in (0, PRICE_MAX_FEN_PER_KG)] == [0, 1_000_000]
    assert [amount.validate_python(each) for each in (1, 2**53 - 1)] == [1, 2**53 - 1]
    assert refused(AmountFen, 0) == ["greater_than"]
    assert refused(AmountFen, 2**53) == ["less_than_equal"]


@pytest.mark.parametrize("value", [Decimal(5), 5.0, "5", None, True])
def test_money_is_an_integer_and_nothing_that_looks_like_one(value: object) -> None:
    assert refused(AmountFen, value)


@given(st.integers(1, 10**10))
def test_grams_go_out_as_kilograms_and_come_back(grams: int) -> None:
    kg = kg_of(grams)
    assert to_grams(KG.validate_python(Decimal(str(kg)))) == grams
    assert len(str(kg).partition(".")[2]) <= 3


@pytest.mark.parametrize("value", [0, -1, "1", True, None, 0.0001, 10_000_000.001, float("nan"), float("inf"), [1]])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    assert refused(Kg, value)


@pytest.mark.parametrize("value", [-1, 1_000_001, 1.5, "1", True])
def test_what_is_no_price_is_refused(value: object) -> None:
    assert refused(PriceFenPerKg, value)


@pytest.mark.parametrize("value", ["2026-11-23", "2026-11-23T00:00:00", "1999-01-01T00:00:00Z", 1700000000, "x"])
def test_what_is_no_instant_is_refused(value: object) -> None:
    assert refused(Instant, value)


@pytest.mark.parametrize("value", ["2000-01-01T00:00:00Z", "2100-12-31T23:59:59+08:00", "2026-11-23T08:00:00.000001Z"])
def test_a_moment_between_2000_and_2100_is_taken(value: str) -> None:
    assert INSTANT.validate_python(value).tzinfo is not None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1999-12-31T23:59:59Z", "time_range"),
        ("2101-01-01T00:00:00Z", "time_range"),
        ("2026-11-23T08:00:00", "timezone_aware"),
        (1_700_000_000, "time_text"),
        (True, "time_text"),
        (None, "time_text"),
    ],
)
def test_every_other_is_refused_by_its_reason(value: object, kind: str) -> None:
    assert refused(Instant, value) == [kind]


@given(st.text())
def test_text_with_a_nul_is_refused_and_any_other_is_left_as_it_is(text: str) -> None:
    if "\0" in text:
        with pytest.raises(Exception, match="U\\+0000"):
            no_nul(text)
    else:
        assert no_nul(text) == text


def test_texts_have_their_lengths_in_characters() -> None:
    for kind, length in ((ShortText, 200), (LongText, 4000)):
        assert TypeAdapter(kind).validate_python("汉" * length)
        assert refused(kind, "汉" * (length + 1)) == ["string_too_long"]


class Body(RequestModel):
    name: str


def test_a_body_loses_the_blanks_around_its_texts_and_takes_no_unknown_field() -> None:
    assert Body(name=" 王五 ").name == "王五"
    assert refused(Body, {"name": "x", "nmae": "y"}) == ["extra_forbidden"]
    assert refused(Body, {"name": 5}) == ["string_type"]


@given(st.lists(st.uuids(), max_size=30), st.integers(1, 30))
def test_a_page_points_on_exactly_when_there_is_more(items: list[UUID], limit: int) -> None:
    page = Page[UUID].of(items[: limit + 1], limit, lambda last: last)
    assert page.items == items[:limit]
    assert page.next == (str(items[limit - 1]) if len(items) > limit else None)


@given(st.lists(st.integers(), unique=True, max_size=40).map(sorted), st.integers(1, 7))
def test_pages_joined_are_the_whole(items: list[int], limit: int) -> None:
    seen: list[int] = []
    after: str | None = None
    while True:
        rest = [each for each in items if after is None or each > int(after)]
        page = Page[int].of(rest[: limit + 1], limit, lambda last: last)
        seen += page.items
        if page.next is None:
            break
        after = page.next
    assert seen == items
