"""What validation finds: every field named, in words of ours."""

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from chassis.fields import Kg, RequestModel
from chassis.problems import InvalidInput, NotFound, Text
from chassis.validation import from_validation, invalid


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


@pytest.mark.parametrize(("language", "detail"), [("zh-CN", "请求须有正文。"), ("en", "The request needs a body.")])
def test_a_body_that_is_not_there_is_no_field_of_it(language: str, detail: str) -> None:
    problem = from_validation(RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "", "input": None}]))
    assert problem.body(language)["errors"] == [{"pointer": "#", "detail": detail}]


def test_a_malformed_id_in_the_path_is_not_found() -> None:
    error = RequestValidationError([{"type": "uuid_parsing", "loc": ("path", "id"), "msg": "", "input": "x"}])
    assert isinstance(from_validation(error), NotFound)


def test_braces_that_came_with_the_input_are_not_read_as_fields() -> None:
    error = invalid("x", Text("不好 {value}", "bad {value}"), value="{gt} {0}")
    assert error.message() == "bad {gt} {0}"


@pytest.mark.parametrize(
    ("kind", "context", "sent", "zh", "en"),
    [
        (
            "too_short",
            {"field_type": "Value", "min_length": 1},
            "",
            "至少 1 个字符。",
            "It must have 1 character or more.",
        ),
        ("too_short", {"field_type": "List", "min_length": 1}, [], "至少 1 项。", "It must have 1 item or more."),
        ("too_long", {"field_type": "List", "max_length": 1}, [1, 2], "最多 1 项。", "It may have 1 item at most."),
        ("string_too_short", {"min_length": 11}, "x", "至少 11 个字符。", "It must have 11 characters or more."),
        ("decimal_max_places", {"decimal_places": 1}, 1.23, "最多 1 位小数。", "It may have 1 decimal at most."),
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
