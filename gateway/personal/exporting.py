"""Everything that is held of a caller, as one JSON file: from the gateway's tables and each service's own lists.

The lists are asked with the caller's own token, so that nothing comes out that they could not read otherwise; a page is
in memory at a time. When a service stops answering halfway the file breaks off, and is no JSON: half an export must
not look like a whole one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog

from chassis.auth import Caller
from chassis.problems import Language, Text
from gateway.fetch import Sent, fetch
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
    "agent": ("consents",),
    "carrier": ("vehicles", "shipments", "routes", "parcels", "settlements", "clawbacks"),
}
"""The lists under `/v1/` that hold a role's own. What offices see is others', agents' else their principals'."""


WITH_PHOTOS = {"producer": "listings", "carrier": "shipments"}
"""Of which list each role's things have photos of their own."""
PHOTOS_AT_ONCE = 8
LEFT_OUT = (
    Text(
        "照片的图像：以令牌逐一 GET 各 `address`。",
        "The pictures of photos: GET each `address` with your token.",
    ),
    Text(
        "密钥、验证码与令牌：只以摘要或密文保存，不再示出。",
        "Secrets, codes and tokens: they are kept hashed or sealed, and never shown again.",
    ),
    Text(
        "由上列各项算出的：说明、推送记录与事件流（GET …/explanation、…/deliveries、/v1/feed/…）。",
        "What is reckoned from these: explanations, deliveries, feeds (…/explanation, …/deliveries, /v1/feed/…).",
    ),
)
"""What the file has not, and where it is."""


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
    language: Language,
) -> AsyncIterator[bytes]:
    """The file: `own`, then list after list from its first page on, then what is left out."""
    yield _json(own)[:-1]
    for first in pages:
        yield f', "{first.name}": ['.encode()
        page, comma = first, b""
        while True:
            own_items = [item for item in page.items if _is_own(caller, item)]
            if WITH_PHOTOS.get(caller.role) == page.name:
                await _add_photos(upstreams, page.name, own_items, authorization)
            for item in own_items:
                yield comma + _json(item)
                comma = b",\n"
            if page.after is None:
                break
            page = await _page(upstreams, page.name, page.after, authorization)
        yield b"]"
    left_out = [each.in_language(language) for each in LEFT_OUT]
    yield b', "left_out": ' + _json(left_out) + b"}\n"


async def _add_photos(
    upstreams: Mapping[str, Upstream], name: str, items: list[dict[str, Any]], authorization: str
) -> None:
    """Put what is known of their photos into these items, with the address of each."""
    at_once = asyncio.Semaphore(PHOTOS_AT_ONCE)

    async def add(item: dict[str, Any]) -> None:
        of = f"{name}/{item['id']}/photos"
        async with at_once:
            page = await _page(upstreams, of, None, authorization, limited=False)
        item["photos"] = [{**each, "address": f"/v1/{of}/{each['id']}"} for each in page.items]

    await asyncio.gather(*(add(item) for item in items))


async def _page(
    upstreams: Mapping[str, Upstream], name: str, after: str | None, authorization: str, *, limited: bool = True
) -> Page:
    """A page of that list, of a limited length where the list takes a limit."""
    path = f"/v1/{name}"
    upstream = upstreams.get(service_for(path) or "")
    if upstream is None:
        raise ServiceUnavailable()
    query = urlencode(({"limit": LIMIT} if limited else {}) | ({"after": after} if after else {}))
    answer = await fetch(upstream, path, query, sent=Sent(authorization))
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
