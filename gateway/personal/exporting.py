"""Everything that is held of a caller, as one JSON file: from the gateway's tables and each service's own lists.

The lists are asked with the caller's own token, so that nothing comes out that they could not read otherwise; a page is
in memory at a time. When a service stops answering halfway the file breaks off, and is no JSON: half an export must
not look like a whole one.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog

from chassis.auth import Caller
from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.routes import service_for

log = structlog.get_logger()

LIMIT = 500
BUYER = ("orders", "matches", "shipments", "webhooks")
LISTS: dict[str, tuple[str, ...]] = {
    "producer": ("consents", "listings", "matches", "shipments", "settlements", "clawbacks"),
    "platform": BUYER,
    "group_leader": BUYER,
    "citizen": BUYER,
    "carrier": ("vehicles", "shipments", "routes", "settlements", "clawbacks"),
}
"""The lists under `/v1/` that hold a role's own. What offices see is others', what agents see their principals'."""


class Page(NamedTuple):
    """A page of a list; the next one comes `after`."""

    name: str
    items: list[dict[str, Any]]
    after: str | None


async def first_pages(caller: Caller, upstreams: Mapping[str, Upstream], authorization: str) -> list[Page]:
    """The first page of every list. Raises ServiceUnavailable: before the answer has begun that can still be said."""
    return [await _page(upstreams, name, None, authorization) for name in LISTS.get(caller.role, ())]


async def exported(
    caller: Caller,
    own: Mapping[str, Any],
    pages: list[Page],
    upstreams: Mapping[str, Upstream],
    authorization: str,
) -> AsyncIterator[bytes]:
    """The file: `own`, then list after list from its first page on."""
    yield _json(own)[:-1]
    for first in pages:
        yield f', "{first.name}": ['.encode()
        page, comma = first, b""
        while True:
            for item in page.items:
                if _is_own(caller, item):
                    yield comma + _json(item)
                    comma = b",\n"
            if page.after is None:
                break
            page = await _page(upstreams, page.name, page.after, authorization)
        yield b"]"
    yield b"}\n"


async def _page(upstreams: Mapping[str, Upstream], name: str, after: str | None, authorization: str) -> Page:
    path = f"/v1/{name}"
    upstream = upstreams.get(service_for(path) or "")
    if upstream is None:
        raise ServiceUnavailable()
    query = urlencode({"limit": LIMIT} | ({"after": after} if after else {}))
    answer = await fetch(upstream, path, query, authorization=authorization)
    if answer.status == 404:  # a list that this release does not have
        return Page(name, [], None)
    if answer.status != 200:
        log.warning("export_refused", path=path, status=answer.status)
        raise ServiceUnavailable()
    page = answer.json()
    return Page(name, page["items"], page["next"])


def _is_own(caller: Caller, item: Mapping[str, Any]) -> bool:
    """A carrier is also shown what is open to all of them."""
    return caller.role != "carrier" or item.get("carrier_id", str(caller.account_id)) == str(caller.account_id)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
