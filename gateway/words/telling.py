"""The words put into the document: English where OpenAPI has a place for them, Chinese beside them in `x-zh-CN`."""

from collections.abc import Mapping
from typing import Any

from chassis.problems import Text
from gateway.words import fields
from gateway.words.audiences import AUDIENCES, TAGS
from gateway.words.examples import EXAMPLES, FILES
from gateway.words.headers import HEADERS, headers_of
from gateway.words.operations import FOR_ANY_ROLE, OPERATIONS
from gateway.words.problems import ANSWERS
from gateway.words.told import Told

ZH = "x-zh-CN"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
BODY = {
    408: ("too-slow",),
    413: ("too-large",),
    415: ("unsupported-media-type", "unsupported-encoding"),
    422: ("invalid-input", "malformed-json"),
}
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
OAUTH_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/OAuthProblem"}}}
TOKEN_REQUESTS = frozenset({"issue_token", "revoke_token"})

Document = dict[str, Any]
Refusals = Mapping[int, tuple[str, ...]]


def tell(whole: Document) -> None:
    """Name and describe everything in the document that this surface has words for."""
    for item in whole["paths"].values():
        for method in METHODS:
            if method in item:
                _tell_operation(item[method])
    for name, schema in whole["components"]["schemas"].items():
        for member, told in schema.get("properties", {}).items():
            _say(told, "description", fields.member(name, member))
    whole["components"]["headers"] = {}
    for name, (schema, about) in HEADERS.items():
        whole["components"]["headers"][name] = header = {"schema": schema}
        _say(header, "description", about)
    used = {tag for item in whole["paths"].values() for each in item.values() for tag in each.get("tags", ())}
    whole["tags"] = [_named(tag) for _, tags in AUDIENCES for tag in tags if tag in used]
    whole["x-tagGroups"] = [
        {"name": audience.en, ZH: {"name": audience.zh}, "tags": present}
        for audience, tags in AUDIENCES
        if (present := [tag for tag in tags if tag in used])
    ]


def _named(tag: str) -> Document:
    told: Document = {"name": tag}
    _say(told, "description", TAGS[tag])
    return told


def _say(told: Document, key: str, text: Text | None) -> None:
    if text is not None:
        told[key] = text.en
        told.setdefault(ZH, {})[key] = text.zh


def _tell_operation(operation: Document) -> None:
    known = OPERATIONS.get(operation.get("operationId", ""))
    if known is not None:
        operation.pop("description", None)  # the docstring: it speaks to who reads the code
        _say(operation, "summary", known.summary)
        _say(operation, "description", known.about)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if operation.get("operationId") in EXAMPLES:
            content["example"] = EXAMPLES[operation["operationId"]]
        if operation.get("operationId") in FILES:
            content["example"] = FILES[operation["operationId"]][media_type]
    for parameter in operation.get("parameters", ()):
        _say(parameter, "description", fields.parameter(parameter.get("name", "")))
        if parameter.get("name") == "If-Match":
            parameter["required"] = True  # FastAPI lets it be missing, so that this can be a 428
    _tell_answers(operation, known)


def _tell_answers(operation: Document, known: Told | None) -> None:
    """Every operation may answer with a problem; those that are expected stand there by their slugs."""
    responses: Document = operation.setdefault("responses", {})
    content = OAUTH_CONTENT if operation.get("operationId") in TOKEN_REQUESTS else PROBLEM_CONTENT
    for status, slugs in _refusals(operation, known).items():
        mentioned = ", ".join(f"`{slug}`" for slug in slugs)
        response = responses[str(status)] = {"description": "", "content": content, "x-problems": list(slugs)}
        text = ANSWERS[str(status)]
        _say(response, "description", Text(f"{text.zh}：{mentioned}", f"{text.en}: {mentioned}"))
    if any(each.get("name") == "If-None-Match" for each in operation.get("parameters", ())):
        responses["304"] = {"description": ""}
    responses.setdefault("default", {"description": "", "content": content})
    for code, response in responses.items():
        if "x-problems" not in response:
            _say(response, "description", ANSWERS.get(code))
    for code, response in responses.items():
        if headers := headers_of(operation, code):
            response["headers"] = headers | response.get("headers", {})
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(operation: Document, known: Told | None) -> dict[int, tuple[str, ...]]:
    """The problems to expect by what the operation takes, then its own, by status."""
    found: dict[int, tuple[str, ...]] = {}
    for group in (*_by_caller(operation), *_by_input(operation), known.refusals if known else {}):
        for status, slugs in group.items():
            found[status] = (*found.get(status, ()), *slugs)
    return found


def _by_caller(operation: Document) -> list[Refusals]:
    if operation.get("security") == []:
        return []
    if operation.get("operationId") in FOR_ANY_ROLE:
        return [{401: ("unauthenticated",)}]
    return [{401: ("unauthenticated",)}, {403: ("forbidden",)}]


def _by_input(operation: Document) -> list[Refusals]:
    parameters = operation.get("parameters", ())
    headers = {each.get("name") for each in parameters if each.get("in") == "header"}
    found: list[Refusals] = []
    if any(each.get("in") == "path" for each in parameters):
        found.append({404: ("not-found",)})
    if operation.get("operationId") in TOKEN_REQUESTS:
        found.append({408: BODY[408], 413: BODY[413], 415: BODY[415]})  # RFC 6749 wants a 400 where others say 422
        operation["responses"].pop("422", None)
    elif "requestBody" in operation:
        found.append(BODY)
    elif not _is_page(operation):
        found.append({422: ("invalid-input",)})  # also for a parameter that it does not have
    else:
        operation["responses"].pop("422", None)  # a malformed id in the path is not found
    if "If-Match" in headers:
        found.append({400: ("malformed-header",), 412: ("stale-version",), 428: ("version-required",)})
    if "Idempotency-Key" in headers:
        found.append({409: ("still-running",), 422: ("idempotency-key-reused",)})
    return [*found, {429: ("rate-limited",), 503: ("unavailable", "service-unavailable", "overloaded")}]


def _is_page(operation: Document) -> bool:
    """Whether it is for people to look at: addresses of pages bear whatever others add to them."""
    return "text/html" in operation["responses"].get("200", {}).get("content", {})
