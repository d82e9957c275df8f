"""Problems: one form, two languages, every field named."""

from decimal import Decimal

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request

from chassis.fields import Instant, Kg, PriceFenPerKg, RequestModel, kg_of, to_grams
from chassis.problems import InvalidInput, NotFound, Problem, Text, from_validation, invalid, language_of
from duijie import databases


def request(accept_language: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-language", accept_language.encode())]})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, zh;q=0.4, en;q=0.2", "zh-CN"),
        ("en;q=0.1, zh-Hans;q=0.9", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("zh;q=x", "en"),
    ],
)
def test_the_language_is_the_weightiest_of_ours(header: str, language: str) -> None:
    assert language_of(request(header)) == language


def test_every_problem_is_drawn_whole_in_both_languages() -> None:
    for database in databases.DATABASES.values():
        _ = database.metadata  # importing the models draws their problems
    for slug, problem in Problem.known().items():
        assert 400 <= problem.status <= 599, slug
        for text in (problem.title, problem.detail):
            assert text.zh, slug
            assert text.en, slug
            assert text.zh != text.en, slug


class Inner(RequestModel):
    amount: Kg


class Outer(RequestModel):
    inner: Inner
    many: tuple[Inner, ...] = ()


def errors_of(value: object) -> list[dict[str, object]]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    located = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    problem = from_validation(RequestValidationError(located))
    assert isinstance(problem, InvalidInput)
    return list(problem.body("zh-CN")["errors"])


def test_a_pointer_leads_to_the_field_however_deep() -> None:
    errors = errors_of({"inner": {}, "many": [{"amount": 1}, {"amount": "x", "a/b~c": 1}]})
    assert [error["pointer"] for error in errors] == ["#/inner/amount", "#/many/1/amount", "#/many/1/a~1b~0c"]
    assert errors[0]["detail"] == "缺少此项。"


def test_a_malformed_id_in_the_path_is_not_found() -> None:
    error = RequestValidationError([{"type": "uuid_parsing", "loc": ("path", "id"), "msg": "", "input": "x"}])
    assert isinstance(from_validation(error), NotFound)


def test_braces_that_came_with_the_input_are_not_read_as_fields() -> None:
    error = invalid("x", Text("不好 {value}", "bad {value}"), value="{gt} {0}")
    assert error.message() == "bad {gt} {0}"


@given(st.integers(1, 10**10))
def test_grams_go_out_as_kilograms_and_come_back(grams: int) -> None:
    kg = kg_of(grams)
    assert to_grams(TypeAdapter(Kg).validate_python(Decimal(str(kg)))) == grams
    assert len(str(kg).partition(".")[2]) <= 3


@pytest.mark.parametrize("value", [0, -1, "1", True, None, 0.0001, 10_000_000.001, float("nan"), float("inf"), [1]])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Kg).validate_python(value)


@pytest.mark.parametrize("value", [-1, 1_000_001, 1.5, "1", True])
def test_what_is_no_price_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PriceFenPerKg).validate_python(value)


@pytest.mark.parametrize("value", ["2026-11-23", "2026-11-23T00:00:00", "1999-01-01T00:00:00Z", 1700000000, "x"])
def test_what_is_no_instant_is_refused(value: object) -> None:
    class Holder(BaseModel):
        at: Instant

    with pytest.raises(ValidationError):
        Holder.model_validate({"at": value})


@pytest.mark.parametrize(
    ("kind", "context", "sent", "zh", "en"),
    [
        (
            "too_short",
            {"field_type": "Value", "min_length": 1},
            "",
            "至少 1 个字符。",
            "It must have 1 characters or more.",
        ),
        ("too_short", {"field_type": "List", "min_length": 1}, [], "至少 1 项。", "It must have 1 items or more."),
        ("less_than_equal", {"le": 90.0}, 133, "必须不大于 90。", "It must be 90 or less."),
        ("literal_error", {"expected": "'A' or 'B'"}, "C", "只能是 'A', 'B' 之一。", "It must be one of 'A', 'B'."),
        ("never_heard_of", {}, 1, "此值无效。", "This value is not valid."),
    ],
)
def test_a_rule_of_pydantic_is_told_in_our_words(
    kind: str, context: dict[str, object], sent: object, zh: str, en: str
) -> None:
    told = from_validation(
        RequestValidationError([{"type": kind, "loc": ("body", "x"), "msg": "", "input": sent, "ctx": context}])
    )
    assert [told.body(language)["errors"][0]["detail"] for language in ("zh-CN", "en")] == [zh, en]
