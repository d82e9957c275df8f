"""Errors for people and machines: RFC 9457 problem details, in zh-CN and en.

A slice draws its problems beside its models, as subclasses of `Problem`; the one handler here answers them all.
422 means malformed, 409 means no, 404 also means someone else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")

log = structlog.get_logger()


class Text(NamedTuple):
    """One sentence in both languages; `{fields}` are filled in when it is shown."""

    zh: str
    en: str

    def in_language(self, language: Language, fields: Mapping[str, Any] | None = None) -> str:
        template = self.zh if language == "zh-CN" else self.en
        return template.format(**fields) if fields else template


NUL = Text("不能含有 U+0000 字符。", "It may not hold the character U+0000.")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: `pointer` is an RFC 6901 pointer as a URI fragment, `#/origin/adcode`."""

    pointer: str
    detail: Text


class Problem(Exception):
    """A named fact that refuses a request. `fields` fill its texts and are safe to show to the caller."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[Text]
    detail: ClassVar[Text]

    def __init__(
        self, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None, **fields: object
    ) -> None:
        super().__init__(self.slug)
        self.errors = errors
        self.headers = headers
        self.fields = fields

    def body(self, language: Language) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title.in_language(language),
            "status": self.status,
            "detail": self.detail.in_language(language, self.fields),
        }
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "detail": error.detail.in_language(language)} for error in self.errors
            ]
        return body

    @classmethod
    def known(cls) -> dict[str, type["Problem"]]:
        """Every problem of this process by its slug."""
        found: dict[str, type[Problem]] = {}
        pending = cls.__subclasses__()
        while pending:
            problem = pending.pop()
            pending.extend(problem.__subclasses__())
            if "slug" in problem.__dict__:
                found[problem.slug] = problem
        return found


class InvalidInput(Problem):
    slug, status = "invalid-input", 422
    title = Text("输入无效", "The input is not valid")
    detail = Text(
        "请更正所列各项后重试。没有任何内容被更改。",
        "Correct the fields listed and send it again. Nothing was changed.",
    )


class MalformedJson(Problem):
    slug, status = "malformed-json", 422
    title = Text("不是有效的 JSON", "Not valid JSON")
    detail = Text(
        "正文不是有效的 UTF-8 JSON，含有 NaN，或嵌套超过 32 层。",
        "The body is not valid UTF-8 JSON, holds NaN, or is nested deeper than 32.",
    )


class TooLarge(Problem):
    slug, status = "too-large", 413
    title = Text("正文过大", "The body is too large")
    detail = Text("请求正文超过此操作的上限。", "The body is over the limit of this operation.")


class TooSlow(Problem):
    slug, status = "too-slow", 408
    title = Text("正文到得太慢", "The body came too slowly")
    detail = Text(
        "请求正文没有在时限内到齐。没有任何内容被更改。", "The body did not arrive in time. Nothing was changed."
    )


class NotFound(Problem):
    slug, status = "not-found", 404
    title = Text("未找到", "Not found")
    detail = Text("这里没有这样的内容，或它不属于您。", "There is no such thing here, or it is not yours.")


class MethodNotAllowed(Problem):
    slug, status = "method-not-allowed", 405
    title = Text("不支持的方法", "Method not allowed")
    detail = Text("此地址不支持该请求方法。", "This address does not take that method.")


class Unauthenticated(Problem):
    slug, status = "unauthenticated", 401
    title = Text("需要登录", "Sign in first")
    detail = Text("缺少有效的访问令牌。", "There is no valid access token with this request.")


class Forbidden(Problem):
    slug, status = "forbidden", 403
    title = Text("没有权限", "Not allowed")
    detail = Text("您的角色不能执行此操作。", "Your role may not do this.")


class MalformedHeader(Problem):
    slug, status = "malformed-header", 400
    title = Text("请求头格式错误", "A header is malformed")
    detail = Text("所列请求头的值不合其格式。", "The value of the header listed is not of its form.")


class UnsupportedMediaType(Problem):
    slug, status = "unsupported-media-type", 415
    title = Text("不支持的内容类型", "The media type is not supported")
    detail = Text(
        "请求头 Content-Type 须为 {expected}，收到的是 {received}。",
        "Send the body with Content-Type: {expected}; it came as {received}.",
    )


class VersionRequired(Problem):
    slug, status = "version-required", 428
    title = Text("需要 If-Match", "If-Match is required")
    detail = Text("请在 If-Match 中带上您读到的版本。", "Send the version that you read as If-Match.")


class StaleVersion(Problem):
    slug, status = "stale-version", 412
    title = Text("版本已过期", "The version is stale")
    detail = Text(
        "内容已被更改，现在的版本是 {current}。",
        "It was changed meanwhile; the present version is {current}.",
    )


class Unavailable(Problem):
    slug, status = "unavailable", 503
    title = Text("暂时不可用", "Unavailable for the moment")
    detail = Text("请稍后用同一个键重试。", "Try again shortly, with the same key.")


class Internal(Problem):
    slug, status = "internal", 500
    title = Text("内部错误", "Internal error")
    detail = Text("我们的一方出了错，已记录。", "Something failed on our side; it has been recorded.")


class Refused(Problem):
    """What the framework refuses and has no fact of its own here."""

    slug, status = "refused", 400
    title = Text("请求被拒绝", "The request was refused")
    detail = Text("无法处理该请求。", "The request can't be handled.")

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status_now = status

    def body(self, language: Language) -> dict[str, Any]:
        return super().body(language) | {"status": self.status_now}


def invalid(code: str, text: Text, **fields: object) -> PydanticCustomError:
    """What a validator of a schema raises: one rule of the field, in both languages."""
    filled = Text(text.zh.format(**fields), text.en.format(**fields))
    # pydantic formats the message with the context, so braces that came with the input must not be read again
    return PydanticCustomError(code, "{en}", {"zh": filled.zh, "en": filled.en})


def language_of(request: Request) -> Language:
    """The first of zh and en in `Accept-Language`, by weight; en where neither is named."""
    weighed: list[tuple[float, int, Language]] = []
    for position, part in enumerate(request.headers.get("accept-language", "").split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        primary = tag.lower().split("-")[0]
        if primary in {"zh", "en"} and quality > 0:
            weighed.append((-quality, position, "zh-CN" if primary == "zh" else "en"))
    return min(weighed)[2] if weighed else "en"


def problem_response(problem: Problem, asked: Request | Language) -> Response:
    """The problem as application/problem+json in the caller's language."""
    language = language_of(asked) if isinstance(asked, Request) else asked
    body = problem.body(language)
    headers = {"Content-Language": language, "Vary": "Accept-Language", **(problem.headers or {})}
    return JSONResponse(body, body["status"], headers, media_type="application/problem+json")


_TIME = Text("不是有效的时间（RFC 3339）。", "It is no valid time (RFC 3339).")
_DATE = Text("不是有效的日期（YYYY-MM-DD）。", "It is no valid date (YYYY-MM-DD).")
_ID = Text("不是有效的标识。", "It is no valid id.")
_INTEGER = Text("必须是整数。", "It must be an integer.")
_NUMBER = Text("必须是数字。", "It must be a number.")
_BOOLEAN = Text("必须是 true 或 false。", "It must be true or false.")
_ARRAY = Text("必须是数组。", "It must be an array.")
_OBJECT = Text("必须是对象。", "It must be an object.")

_SAID: dict[str, Text] = {
    "missing": Text("缺少此项。", "Field required."),
    "extra_forbidden": Text("没有这一项。", "There is no such field."),
    "greater_than": Text("必须大于 {gt}。", "It must be more than {gt}."),
    "greater_than_equal": Text("必须不小于 {ge}。", "It must be {ge} or more."),
    "less_than": Text("必须小于 {lt}。", "It must be less than {lt}."),
    "less_than_equal": Text("必须不大于 {le}。", "It must be {le} or less."),
    "decimal_max_places": Text("最多 {decimal_places} 位小数。", "It may have {decimal_places} decimals at most."),
    "string_too_long": Text("最多 {max_length} 个字符。", "It may have {max_length} characters at most."),
    "string_too_short": Text("至少 {min_length} 个字符。", "It must have {min_length} characters or more."),
    "string_pattern_mismatch": Text("格式不符。", "It has another form: {pattern}."),
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


def _field_error(error: Mapping[str, Any]) -> FieldError:
    place, *path = error["loc"]
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    pointer = "#" + "".join(f"/{step}" for step in (steps if place == "body" else [str(place), *steps]))
    context = error.get("ctx", {})
    if "zh" in context:
        return FieldError(pointer, Text(context["zh"], context["en"]))
    said = _SAID.get(_kind(error), Text("此值无效。", "This value is not valid."))
    filled = {name: _shown(value) for name, value in context.items()}
    return FieldError(pointer, Text(said.zh.format(**filled), said.en.format(**filled)))


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


def from_validation(error: RequestValidationError) -> Problem:
    """A malformed id in the path is simply not found; everything else names its fields."""
    errors = error.errors()
    if any(each["loc"][0] == "path" for each in errors):
        return NotFound()
    if any(each["type"] == "json_invalid" for each in errors):
        return MalformedJson()
    return InvalidInput(errors=[_field_error(each) for each in errors])


def invalid_input(error: ValidationError, errors_max: int) -> InvalidInput:
    """What a schema says, without a request, of an object that it was given."""
    found = error.errors(include_url=False)[:errors_max]
    return InvalidInput(errors=[_field_error({**each, "loc": ("body", *each["loc"])}) for each in found])


_BY_STATUS: dict[int, type[Problem]] = {
    404: NotFound,
    405: MethodNotAllowed,
    408: TooSlow,
    413: TooLarge,
    401: Unauthenticated,
}


def answer_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem; a 5xx shows nothing of the inside."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem_response(problem, request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(from_validation(error), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        known = _BY_STATUS.get(error.status_code)
        # a 405 says which methods there are: RFC 9110, section 15.5.6
        return problem_response(known(headers=error.headers) if known else Refused(error.status_code), request)

    @app.exception_handler(Exception)
    async def on_failure(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=error)
        return problem_response(Internal(), request)
