"""What validation finds wrong, told field by field in zh-CN and en: pydantic's errors in words of ours."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from starlette.datastructures import FormData

from chassis.problems import FieldError, InvalidInput, MalformedJson, NotFound, Problem, Text

_TIME = Text("不是有效的时间（RFC 3339）。", "It is no valid time (RFC 3339).")
_DATE = Text("不是有效的日期（YYYY-MM-DD）。", "It is no valid date (YYYY-MM-DD).")
_ID = Text("不是有效的标识。", "It is no valid id.")
_INTEGER = Text("必须是整数。", "It must be an integer.")
_NUMBER = Text("必须是数字。", "It must be a number.")
_BOOLEAN = Text("必须是 true 或 false。", "It must be true or false.")
_ARRAY = Text("必须是数组。", "It must be an array.")
_OBJECT = Text("必须是对象。", "It must be an object.")

SAID: dict[str, Text] = {
    "missing": Text("缺少此项。", "Field required."),
    "extra_forbidden": Text("没有这一项。", "There is no such field."),
    "greater_than": Text("必须大于 {gt}。", "It must be more than {gt}."),
    "greater_than_equal": Text("必须不小于 {ge}。", "It must be {ge} or more."),
    "less_than": Text("必须小于 {lt}。", "It must be less than {lt}."),
    "less_than_equal": Text("必须不大于 {le}。", "It must be {le} or less."),
    "decimal_max_places": Text("最多 {decimal_places} 位小数。", "It may have {decimal_places} decimals at most."),
    "string_too_long": Text("最多 {max_length} 个字符。", "It may have {max_length} characters at most."),
    "string_too_short": Text("至少 {min_length} 个字符。", "It must have {min_length} characters or more."),
    "string_pattern_mismatch": Text("格式不符。", "It has another form."),
    "enum": Text("只能是 {expected} 之一。", "It must be one of {expected}."),
    "union_tag_invalid": Text("只能是 {expected_tags} 之一。", "It must be one of {expected_tags}."),
    "literal_error": Text("只能是 {expected} 之一。", "It must be one of {expected}."),
    "too_long": Text("最多 {max_length} 项。", "It may have {max_length} items at most."),
    "too_short": Text("至少 {min_length} 项。", "It must have {min_length} items or more."),
    "timezone_aware": Text("时间必须带时区。", "The time needs its zone, such as Z or +08:00."),
    "datetime_from_date_parsing": _TIME,
    "datetime_parsing": _TIME,
    "datetime_type": _TIME,
    "date_from_datetime_parsing": _DATE,
    "date_parsing": _DATE,
    "uuid_parsing": _ID,
    "uuid_type": _ID,
    "int_type": _INTEGER,
    "int_from_float": _INTEGER,
    "int_parsing": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": Text("必须是有限的数字。", "It must be a finite number."),
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "string_type": Text("必须是文本。", "It must be a text."),
    "string_unicode": Text("不是有效的 Unicode 文本。", "It is no valid Unicode text."),
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "json_invalid": Text("不是有效的 JSON。", "It is no valid JSON."),
}
"""What pydantic says, by its error type, in words of ours; the rest falls back to one honest sentence."""
_DIGITS_TO_6 = Text("须为 2 至 6 位数字。", "It must be 2 to 6 digits.")
PATTERNS: dict[str, Text] = {
    r"^[0-9]{2,6}$": _DIGITS_TO_6,
    r"^\d{2,6}$": _DIGITS_TO_6,
    r"^[0-9]{1,6}$": Text("须为 1 至 6 位数字。", "It must be 1 to 6 digits."),
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": Text("须为 HH:MM，如 08:30。", "It must be HH:MM, such as 08:30."),
}
"""What a pattern wants, in words."""
_ONE = re.compile(r"(?<![\d.,])1 (character|item|decimal)s\b")
"""English counts: one of them has no plural."""
_FIXED = Text("此项不能更改。", "It can't be changed.")
_NO_BODY = Text("请求须有正文。", "The request needs a body.")


def invalid(code: str, text: Text, **fields: object) -> PydanticCustomError:
    """What a validator of a schema raises: one rule of the field, in both languages."""
    filled = Text(text.zh.format(**fields), text.en.format(**fields))
    # pydantic formats the message with the context, so braces that came with the input must not be read again
    return PydanticCustomError(code, "{en}", {"zh": filled.zh, "en": filled.en})


def _field_error(error: Mapping[str, Any]) -> FieldError:
    place, *path = error["loc"]
    steps = [_step(step) for step in path]
    pointer = "#" + "".join(f"/{step}" for step in (steps if place == "body" else [str(place), *steps]))
    context = error.get("ctx", {})
    if error["type"] == "missing" and not path:
        return FieldError(pointer, _NO_BODY)
    if "zh" in context:
        return FieldError(pointer, Text(context["zh"], context["en"]))
    if context.get("pattern") in PATTERNS:
        return FieldError(pointer, PATTERNS[context["pattern"]])
    said = SAID.get(_kind(error), Text("此值无效。", "This value is not valid."))
    filled = {name: _shown(value) for name, value in context.items()}
    return FieldError(pointer, Text(said.zh.format(**filled), _ONE.sub(r"1 \1", said.en.format(**filled))))


def _kind(error: Mapping[str, Any]) -> str:
    """A text that was changed before its length was looked at is a value to pydantic, and its characters are items."""
    kind = str(error["type"])
    is_text = isinstance(error.get("input"), str) and error.get("ctx", {}).get("field_type") == "Value"
    return f"string_{kind}" if is_text and kind in {"too_long", "too_short"} else kind


def _shown(value: object) -> object:
    """A bound as people write it, and a choice of names in either language."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace(" or ", ", ") if isinstance(value, str) else value


def from_validation(error: RequestValidationError, route: object = None) -> Problem:
    """A malformed id in the path is simply not found; everything else names its fields, each once."""
    errors = error.errors()
    if any(each["loc"][0] == "path" for each in errors):
        return NotFound()
    if any(each["type"] == "json_invalid" for each in errors):
        return MalformedJson()
    found = [*(_fixed(each, route) or _field_error(each) for each in errors), *_of_no_form(error.body, route)]
    return InvalidInput(errors=list(dict.fromkeys(found)))


def _fixed(error: Mapping[str, Any], route: object) -> FieldError | None:
    """Of a change that names what the thing has, but nobody changes."""
    if error["type"] != "extra_forbidden" or not isinstance(route, APIRoute) or "PATCH" not in (route.methods or ()):
        return None
    _, *path = error["loc"]
    shown = getattr(route.response_model, "model_fields", {})
    return FieldError(f"#/{path[0]}", _FIXED) if len(path) == 1 and path[0] in shown else None


def _of_no_form(body: object, route: object) -> list[FieldError]:
    """The fields of a form that its operation does not have: what is missing may stand there under another name."""
    if not isinstance(body, FormData) or not isinstance(route, APIRoute):
        return []
    known = _of_body(route.dependant)
    return [FieldError("#/" + _step(name), SAID["extra_forbidden"]) for name in body if name not in known]


def _of_body(dependant: Dependant) -> set[str]:
    found = {each.alias for each in dependant.body_params}
    return found.union(*(_of_body(each) for each in dependant.dependencies))


def _step(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def invalid_input(error: ValidationError, errors_max: int) -> InvalidInput:
    """What a schema says, without a request, of an object that it was given."""
    found = error.errors(include_url=False)[:errors_max]
    return InvalidInput(errors=[_field_error({**each, "loc": ("body", *each["loc"])}) for each in found])
