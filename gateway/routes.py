"""Which service answers for which address."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from starlette.datastructures import URLPath
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from chassis.routes import IMPORT_LIMIT_B
from gateway.proxy import ServiceUnavailable, Upstream

Service = Literal["listing", "matching", "logistics"]

SERVICE_BY_PREFIX: dict[str, Service] = {
    "/v1/listings": "listing",
    "/v1/board": "listing",
    "/v1/backlog": "listing",
    "/v1/consents": "listing",
    "/v1/orders": "matching",
    "/v1/policy": "matching",
    "/v1/prices": "matching",
    "/v1/rounds": "matching",
    "/v1/matches": "matching",
    "/v1/feed": "matching",
    "/v1/webhooks": "matching",
    "/v1/vehicles": "logistics",
    "/v1/shipments": "logistics",
    "/v1/routes": "logistics",
    "/v1/parcels": "logistics",
    "/v1/programmes": "logistics",
    "/v1/settlements": "logistics",
    "/v1/clawbacks": "logistics",
    "/v1/flags": "logistics",
}
WHY_UNSOLD = re.compile(r"/v1/listings/[^/]+/explanation")
"""A listing's explanation comes from matching, which alone knows the duals."""
OF_SHIPMENTS = re.compile(r"/v1/feed/shipments(/.*)?")
"""Two services have feeds."""

PUBLIC_PREFIXES = ("/v1/board", "/v1/policy/freight", "/v1/produce", "/v1/places", "/v1/auth", "/.well-known")


def prefix_of(path: str) -> str | None:
    """The part of the path that the table knows."""
    prefix = "/".join(path.split("/", 3)[:3])
    return prefix if prefix in SERVICE_BY_PREFIX else None


def service_for(path: str) -> Service | None:
    """The service behind a path or a path's template; None when it is none of theirs."""
    if WHY_UNSOLD.fullmatch(path):
        return "matching"
    if OF_SHIPMENTS.fullmatch(path):
        return "logistics"
    prefix = prefix_of(path)
    return SERVICE_BY_PREFIX[prefix] if prefix else None


def is_public(path: str) -> bool:
    """Whether it is answered without a token."""
    return path.startswith(PUBLIC_PREFIXES)


class _Elsewhere(BaseRoute):
    """A route whose paths have no names of their own here."""

    path: str

    def matched(self, mine: bool) -> tuple[Match, Scope]:
        # "route" is where telemetry looks for the label
        return (Match.FULL, {"route": self}) if mine else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)


class ProxyRoute(_Elsewhere):
    """Everything under one prefix of the table. `path` is its label in metrics."""

    def __init__(self, prefix: str, upstreams: Mapping[str, Upstream]) -> None:
        self._prefix = prefix
        self.path = f"{prefix}/*"
        self._upstreams = upstreams
        # widens the gateway's own limit to the largest body that any service takes; each has its own below that
        self._app = RequestBodyLimitMiddleware(self._forward, max_body_size=IMPORT_LIMIT_B)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        mine = scope["type"] == "http" and prefix_of(scope["path"]) == self._prefix
        return self.matched(mine)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        upstream = self._upstreams.get(service_for(scope["path"]) or "")
        if upstream is None:
            raise ServiceUnavailable()
        await upstream(scope, receive, send)


def proxy_routes(upstreams: Mapping[str, Upstream]) -> list[BaseRoute]:
    return [ProxyRoute(prefix, upstreams) for prefix in SERVICE_BY_PREFIX]
