"""What a partner's pages show, read from the API."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.feed import SEQ_MAX
from gateway.pages.asking import Refused
from gateway.pages.names import produce_name
from gateway.pages.reader import Reader
from gateway.proxy import ServiceUnavailable

TYPES = ("match.proposed", "match.agreed", "match.adjusted", "match.released", "match.fulfilled")
FEED = "/v1/feed/matches"
EVENTS = 10
HEARS = frozenset({"platform", "group_leader"})


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the feed, readable; `said` is its item."""

    said: Mapping[str, Any]
    goods: str


@dataclass(frozen=True, slots=True)
class Home:
    """Keys are the gateway's own: they can be revoked while `webhooks` and `events` can't be read, which are None then.

    `has_feed`: a carrier's events are those of its shipments, and it has no webhooks; nor has an admin.
    """

    keys: Sequence[Mapping[str, Any]]
    webhooks: Sequence[Mapping[str, Any]] | None
    events: Sequence[Happened] | None
    has_feed: bool
    types: Sequence[str] = TYPES


@dataclass(frozen=True, slots=True)
class Webhook:
    """`status` is of the deliveries that are shown, empty for all; `ping` is the last one, None before the first."""

    said: Mapping[str, Any]
    ping: Mapping[str, Any] | None
    deliveries: Sequence[Mapping[str, Any]]
    next: str | None
    status: str


async def read_home(reader: Reader) -> Home:
    """Raises Refused of the keys alone."""
    api = reader.api
    has_feed = reader.caller is not None and reader.caller.role in HEARS
    keys, webhooks, events = await asyncio.gather(
        api.get("/v1/clients"),
        _if_told(_webhooks(reader)) if has_feed else _nothing(),
        _if_told(_last_events(reader)) if has_feed else _nothing(),
    )
    return Home(keys["items"], webhooks, events, has_feed)


async def read_webhook(reader: Reader, webhook_id: UUID, status: str | None, after: int | None) -> Webhook:
    """`after` is the seq behind which its deliveries are shown. Raises Refused where it is none of the reader's;
    ServiceUnavailable."""
    path = f"/v1/webhooks/{webhook_id}"
    said, ping, deliveries = await asyncio.gather(
        reader.api.get(path),
        reader.api.ask(f"{path}/deliveries/0"),
        reader.api.get(f"{path}/deliveries", status=status, after=after, limit=20),
    )
    return Webhook(said, ping.said if ping.ok else None, deliveries["items"], deliveries["next"], status or "")


async def _if_told(read: Awaitable[list[Any]]) -> list[Any] | None:
    try:
        return await read
    except (Refused, ServiceUnavailable):
        return None


async def _webhooks(reader: Reader) -> list[Any]:
    return list((await reader.api.get("/v1/webhooks"))["items"])


async def _nothing() -> list[Any]:
    return []


async def _last_events(reader: Reader) -> list[Happened]:
    """The newest first. A page behind the end of a feed tells where that is."""
    beyond = await reader.api.ask(FEED, after=SEQ_MAX, limit=1)
    if not beyond.ok:
        raise Refused(beyond)
    page = await reader.api.get(FEED, after=max(0, (beyond.feed_head or 0) - EVENTS), limit=EVENTS)
    return [Happened(each, produce_name(each["match"]["produce"], reader.language)) for each in reversed(page["items"])]
