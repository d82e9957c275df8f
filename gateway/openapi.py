"""One OpenAPI 3.1 document of the whole surface, merged from the gateway's own routes and each service's."""

import asyncio
import copy
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse, Response

from chassis.gzipped import as_taken, packed
from chassis.known import unless_known
from gateway.fetch import fetch
from gateway.oauth import OAUTH_ERRORS
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.routes import is_public, service_for
from gateway.words.sending import webhooks_of
from gateway.words.telling import METHODS, ZH, tell

log = structlog.get_logger()

Document = dict[str, Any]
FRESH_S = 60.0  # a service may have been upgraded behind us
INCOMPLETE_FRESH_S = 2.0
OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")  # what our problems replace

DESCRIPTION = """\
Duijie (对接) matches unsold produce with buyers before it spoils, sends it on its way, and accounts for the subsidy.

Errors are `application/problem+json` (RFC 9457) with a stable `type`; texts follow `Accept-Language` (zh-CN, en).
Send `Authorization: Bearer <token>` (`POST /v1/auth/token`), and an `Idempotency-Key` with every POST that creates or
moves something. Lists take `limit` and `after`. Kilograms have at most 3 decimals, money is integer fen, times are UTC.
A parameter or a field that an operation does not have is refused (422), with its name.

Sign-in grants are `otp` for people and `client_credentials` for machines; `refresh_token` renews either.
"""

DESCRIPTION_ZH = (
    "对接让滞销农产品在变质之前找到买家，送上路，并把补贴算清楚。\n\n"
    "出错时的应答是 `application/problem+json`（RFC 9457），`type` 不会改变，文字随 `Accept-Language`（zh-CN、en）。"
    "请求须带 `Authorization: Bearer <令牌>`（`POST /v1/auth/token`）；凡创建或移动东西的 POST 请带 `Idempotency-Key`。"
    "列表用 `limit` 与 `after` 翻页。没有的参数或字段会被拒绝（422）。公斤至多 3 位小数，金额为整数分，时间为 UTC。\n\n"
    "登录方式：人用 `otp`，机器用 `client_credentials`；两者都可用 `refresh_token` 续期。\n"
)

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`/problems/<slug>`", "examples": ["/problems/invalid-input"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, as a URI fragment"},
                    "detail": {"type": "string"},
                    "column": {"type": "string", "description": "Of an import: the heading of the file, as it has it"},
                },
            },
        },
    },
}
OAUTH_PROBLEM = {
    "title": "OAuthProblem",
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {
        "error": {
            "type": "string",
            "enum": [*OAUTH_ERRORS],
        },
        "error_description": {"type": "string"},
    },
}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Ed25519 JWT of this gateway."}


class Surface:
    """The merged document, fetched again when it has grown old, sooner while a service is missing from it."""

    def __init__(self, own: Callable[[], Document], upstreams: Mapping[str, Upstream]) -> None:
        self._own = own
        self._upstreams = upstreams
        self._document: Document = {}
        self._told: tuple[Document, bytes, bytes] = {}, b"", b""  # its bytes, and fewer of them
        self._good_until_s = float("-inf")
        self._lock = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """The document, or that the caller has it."""
        document = await self.document()
        if self._told[0] is not document:
            body = bytes(JSONResponse(document).body)
            self._told = document, body, packed(body)
        _, body, in_fewer_bytes = self._told
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={FRESH_S:.0f}"}
        whole = as_taken(request, Response(body, media_type="application/json", headers=headers), in_fewer_bytes)
        return unless_known(request.headers.get("if-none-match"), whole)

    async def document(self) -> Document:
        async with self._lock:
            if time.monotonic() > self._good_until_s:
                await self._renew()
            return self._document

    async def _renew(self) -> None:
        names = list(self._upstreams)
        fetched = await asyncio.gather(*(self._fetch(name) for name in names))
        found = {name: document for name, document in zip(names, fetched, strict=True) if document is not None}
        self._document = merged(self._own(), found)
        complete = len(found) == len(names)
        self._good_until_s = time.monotonic() + (FRESH_S if complete else INCOMPLETE_FRESH_S)

    async def _fetch(self, name: str) -> Document | None:
        try:
            answer = await fetch(self._upstreams[name], "/openapi.json")
            document: Document | None = answer.json() if answer.status == 200 else None
        except ServiceUnavailable:
            document = None
        if document is None:
            log.warning("openapi_missing", upstream=name)
        return document


def merged(own: Document, services: Mapping[str, Document]) -> Document:
    """The document of the gateway with each service's paths that the gateway sends to it."""
    whole: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Duijie 对接",
            "version": own["info"]["version"],
            "description": DESCRIPTION,
            ZH: {"description": DESCRIPTION_ZH},
        },
        "servers": [{"url": "/", "description": "Where this document came from."}],
        "paths": {},
        "components": {
            "schemas": {"Problem": PROBLEM, "OAuthProblem": OAUTH_PROBLEM},
            "securitySchemes": {"bearer": BEARER},
        },
        "security": [{"bearer": []}],
    }
    _add(whole, "gateway", own, lambda path: True)
    for name, document in services.items():
        _add(whole, name, document, lambda path, name=name: service_for(path) == name)  # type: ignore[misc]
    for path, item in whole["paths"].items():
        for method in METHODS:
            if method in item and is_public(path):
                item[method]["security"] = []
    tell(whole)
    whole["webhooks"] = webhooks_of(whole["components"]["schemas"])
    return whole


def _add(whole: Document, service: str, document: Document, wanted: Callable[[str], bool]) -> None:
    document = _renamed(copy.deepcopy(document), whole["components"], service)
    for kind, components in document.get("components", {}).items():
        for name, component in components.items():
            if name not in OF_THE_FRAMEWORK:
                whole["components"].setdefault(kind, {}).setdefault(name, component)
    taken = {operation["operationId"] for operation in _operations(whole) if "operationId" in operation}
    kept = {path: item for path, item in document.get("paths", {}).items() if wanted(path)}
    whole["paths"].update(kept)
    for item in kept.values():
        for operation in (item[method] for method in METHODS if method in item):
            if operation.get("operationId") in taken:
                operation["operationId"] = f"{service}_{operation['operationId']}"


def _renamed(document: Document, known: Document, service: str) -> Document:
    """The document with other names for its components where `known` has something else under the same name.

    A component that mentions a renamed one has changed too, so this goes on until nothing clashes.
    """
    while True:
        clashing = {
            f"#/components/{kind}/{name}": f"#/components/{kind}/{service.capitalize()}{name}"
            for kind, components in document.get("components", {}).items()
            for name, component in components.items()
            if known.get(kind, {}).get(name, component) != component
        }
        if not clashing:
            return document
        document = _with_references(document, clashing)
        for old, new in clashing.items():
            _, _, kind, name = old.split("/")
            components = document["components"][kind]
            components[new.rsplit("/", 1)[1]] = components.pop(name)


def _with_references(value: Any, renames: Mapping[str, str]) -> Any:
    """Every mention of a component by its new name, in `$ref` and in the mapping of a discriminator."""
    if isinstance(value, dict):
        return {key: _with_references(each, renames) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_references(each, renames) for each in value]
    return renames.get(value, value) if isinstance(value, str) else value


def _operations(whole: Document) -> list[Document]:
    return [item[method] for item in whole["paths"].values() for method in METHODS if method in item]
