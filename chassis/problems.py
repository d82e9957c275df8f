"""Errors for people and machines: RFC 9457 problem details, in zh-CN and en.

A slice draws its problems beside its models, as subclasses of `Problem`; `chassis.exception_handlers` answers them all.
422 means malformed, 409 means no, 404 also means someone else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from chassis.accepts import weighed

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")
Thing = TypeVar("Thing")
USUAL_LENGTH = 100  # of an `Accept-Language`; a longer one is not worth its memory


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
    """What is wrong with one field: `pointer` is an RFC 6901 pointer as a URI fragment, `#/origin/adcode`; of a file
    with headings, `column` is what it calls the field."""

    pointer: str
    detail: Text
    column: str | None = None

    def in_language(self, language: Language) -> dict[str, str]:
        told = {"pointer": self.pointer, "detail": self.detail.in_language(language)}
        return told if self.column is None else {"pointer": self.pointer, "column": self.column, **told}


class Problem(Exception):
    """A named fact that refuses a request. `fields` fill its texts and are safe to show to the caller; those among
    `members` are also told apart from the text, for whoever says it otherwise."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[Text]
    detail: ClassVar[Text]
    members: ClassVar[Sequence[str]] = ()

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
            **{name: self.fields[name] for name in self.members},
        }
        if self.errors:
            body["errors"] = [error.in_language(language) for error in self.errors]
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
        "正文不是有效的 UTF-8 JSON，同一对象中有重复的名称，含有 NaN，或嵌套超过 32 层。",
        "The body is not valid UTF-8 JSON, has a name twice in one object, holds NaN, or is nested deeper than 32.",
    )


class TooLarge(Problem):
    slug, status = "too-large", 413
    title = Text("正文过大", "The body is too large")
    detail = Text(
        "请求正文超过此操作的上限：一般为 256 KiB，导入或求解的文件为 32 MiB，一张照片为 8 MiB。",
        "The body is over the limit of this operation: 256 KiB, of a file that is imported or solved 32 MiB, of a "
        "photo 8 MiB.",
    )


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


class EncodedBody(Problem):
    slug, status = "unsupported-encoding", 415
    title = Text("不接受压缩的正文", "A compressed body is not taken")
    detail = Text(
        "请求头 Content-Encoding 声明正文已压缩；请不压缩发送，并去掉此请求头。没有任何内容被更改。",
        "Content-Encoding says that the body is compressed; send it plain, without that header. Nothing was changed.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})


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


def must_exist(what: Thing | None) -> Thing:
    """What was looked for. Raises NotFound where it is None."""
    if what is None:
        raise NotFound()
    return what


def language_of(request: Request) -> Language:
    """The first of zh and en in `Accept-Language`, by weight; en where neither is named."""
    return language_named(request.headers.get("accept-language", ""))


def language_named(accepted: str) -> Language:
    """That of the text of an `Accept-Language`; nearly everyone sends one of a few."""
    return _remembered(accepted) if len(accepted) <= USUAL_LENGTH else _best_of(accepted)


def _best_of(accepted: str) -> Language:
    ours: list[tuple[float, int, Language]] = []
    for position, part in enumerate(accepted.lower().split(",")):
        tag, weight = weighed(part)
        primary = tag.split("-")[0]
        if primary in {"zh", "en"} and weight > 0:
            ours.append((-weight, position, "zh-CN" if primary == "zh" else "en"))
    return min(ours)[2] if ours else "en"


_remembered = lru_cache(256)(_best_of)


def problem_response(problem: Problem, asked: Request | Language) -> Response:
    """The problem as application/problem+json in the caller's language."""
    language = language_of(asked) if isinstance(asked, Request) else asked
    body = problem.body(language)
    headers = {"Content-Language": language, "Vary": "Accept-Language", **(problem.headers or {})}
    return JSONResponse(body, body["status"], headers, media_type="application/problem+json")
