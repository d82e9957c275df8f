"""Everything that is held of a caller, as one JSON file: from the gateway's tables and each service's own lists.

The lists are asked with the caller's own token, so that nothing comes out that they could not read otherwise; a page is
in memory at a time. When a service stops answering halfway the file breaks off, and is no JSON: half an export must
not look like a whole one. It breaks off, too, where its reader takes too long: an account has one at a time, a process
some, and none for ever.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import structlog

from chassis.auth import Caller
from chassis.problems import Language, Text, Unavailable
from gateway.fetch import Sent, fetch
from gateway.personal.models import TooManyExports
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.routes import service_for

log = structlog.get_logger()

LIMIT = 500
AT_ONCE = 8
"""Exports of one process. Each keeps a page of 500 things and asks the services behind the guard of the gateway."""
ANSWERED_WITHIN_S = 600.0
WAIT = {"Retry-After": "5"}
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
PHOTOS_AT_ONCE = 4
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

    items: list[dict[str, Any]]
    after: str | None


class ExportPlaces:
    """The exports under way in one process."""

    def __init__(self) -> None:
        self._accounts: set[UUID] = set()

    def __len__(self) -> int:
        return len(self._accounts)

    @contextmanager
    def one(self, account_id: UUID) -> Iterator[None]:
        """Raises TooManyExports, and Unavailable when there are as many as there may be."""
        if account_id in self._accounts:
            raise TooManyExports(headers=WAIT)
        if len(self._accounts) >= AT_ONCE:
            raise Unavailable(headers=WAIT)
        self._accounts.add(account_id)
        try:
            yield
        finally:
            self._accounts.discard(account_id)


async def must_answer(caller: Caller, upstreams: Mapping[str, Upstream], authorization: str) -> None:
    """Raises ServiceUnavailable for a list that can't be had: before the answer has begun that can still be said."""
    for name in LISTS.get(caller.role, ()):
        await _page(upstreams, name, {"limit": 1}, authorization)


async def exported(
    caller: Caller,
    own: Mapping[str, Any],
    upstreams: Mapping[str, Upstream],
    authorization: str,
    language: Language,
) -> AsyncIterator[bytes]:
    """The file: `own`, then list after list, then what is left out."""
    yield _json(own)[:-1]
    for name in LISTS.get(caller.role, ()):
        yield f', "{name}": ['.encode()
        after, comma = None, b""
        while True:
            items, after = await _page(upstreams, name, {"limit": LIMIT, "after": after}, authorization)
            own_items = [item for item in items if _is_own(caller, item)]
            if WITH_PHOTOS.get(caller.role) == name:
                await _add_photos(upstreams, name, own_items, authorization)
            for item in own_items:
                yield comma + _json(item)
                comma = b",\n"
            if after is None:
                break
        yield b"]"
    left_out = [each.in_language(language) for each in LEFT_OUT]
    yield b', "left_out": ' + _json(left_out) + b"}\n"


async def _add_photos(
    upstreams: Mapping[str, Upstream], name: str, items: list[dict[str, Any]], authorization: str
) -> None:
    """Put what is known of their photos into these items, with the address of each. Of those that can't be had the
    first stops the others. Raises ServiceUnavailable."""
    at_once = asyncio.Semaphore(PHOTOS_AT_ONCE)

    async def add(item: dict[str, Any]) -> None:
        of = f"{name}/{item['id']}/photos"
        async with at_once:
            page = await _page(upstreams, of, {}, authorization)
        item["photos"] = [{**each, "address": f"/v1/{of}/{each['id']}"} for each in page.items]

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(add(item))
    except* ServiceUnavailable as failed:
        unavailable = failed
    else:
        return
    raise ServiceUnavailable() from unavailable


async def _page(
    upstreams: Mapping[str, Upstream], name: str, query: Mapping[str, str | int | None], authorization: str
) -> Page:
    """A page of that list, as the query says."""
    path = f"/v1/{name}"
    upstream = upstreams.get(service_for(path) or "")
    if upstream is None:
        raise ServiceUnavailable()
    told = urlencode({key: value for key, value in query.items() if value is not None})
    answer = await fetch(upstream, path, told, sent=Sent(authorization))
    if answer.status == 404:  # a list that this release does not have
        return Page([], None)
    if answer.status != 200:
        log.warning("export_refused", path=path, status=answer.status)
        raise ServiceUnavailable()
    page = answer.json()
    return Page(page["items"], page["next"])


def _is_own(caller: Caller, item: Mapping[str, Any]) -> bool:
    """A carrier is also shown what is open to all of them."""
    return caller.role != "carrier" or item.get("carrier_id", str(caller.account_id)) == str(caller.account_id)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
