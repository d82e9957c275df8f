"""What one may do with Duijie, a method each."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import httpx
from pydantic import BaseModel

from duijie.client.caller import Caller
from duijie.client.feed import MemoryPlace, Place, items_behind
from duijie.client.models import (
    Explanation,
    FeedItem,
    ImportRow,
    Listing,
    Match,
    NewListing,
    NewOrder,
    Order,
    Route,
    Shipment,
    Webhook,
)
from duijie.client.tokens import Tokens

FEED = "/v1/feed/matches"
MEDIA_TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
IMPORT_S = 600

Shown = TypeVar("Shown", bound=BaseModel)


class Duijie:
    """The platform at `url`, for whoever `tokens` speaks for; None for what is public.

    Calls raise `Problem` for what asking again won't change, and `NoAnswer` when patience is at its end. A `key` names
    one request for ever: who may have to send it again after a crash of its own chooses it; else one is drawn.
    What has no method of its own is called by `duijie.caller`.
    """

    def __init__(
        self, url: str, tokens: Tokens | None = None, *, language: str = "zh-CN", patience_s: float | None = 60
    ) -> None:
        self.caller = Caller(url, tokens, language=language, patience_s=patience_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.caller.aclose()

    async def me(self) -> dict[str, Any]:
        """Account, role and name."""
        me: dict[str, Any] = await self.caller.get("/v1/me")
        return me

    async def produce(self, q: str) -> list[dict[str, Any]]:
        """Kinds of produce by a name in Chinese or English; `slug` is what listings and orders take."""
        return [each async for each in self.caller.every("/v1/produce", q=q)]

    async def places(self, q: str) -> list[dict[str, Any]]:
        """Counties by name; `adcode` is what listings and orders take."""
        return [each async for each in self.caller.every("/v1/places", q=q)]

    async def post_listing(self, new: NewListing, *, key: str | None = None) -> Listing:
        return Listing.model_validate(await self.caller.post("/v1/listings", new.body(), key=key))

    async def listing(self, listing_id: UUID) -> Listing:
        return Listing.model_validate(await self.caller.get(f"/v1/listings/{listing_id}"))

    def listings(self, **filters: str) -> AsyncIterator[Listing]:
        """Your own, newest first; by `status`, `produce`, `adcode`."""
        return self._every(Listing, "/v1/listings", filters)

    async def withdraw_listing(self, listing_id: UUID, *, key: str | None = None) -> Listing:
        return Listing.model_validate(await self.caller.post(f"/v1/listings/{listing_id}/withdraw", key=key))

    async def explain_listing(self, listing_id: UUID) -> Explanation:
        """Why it is not sold, and what would sell it."""
        return Explanation.model_validate(await self.caller.get(f"/v1/listings/{listing_id}/explanation"))

    def import_listings(self, file: Path, *, key: str | None = None) -> AsyncIterator[ImportRow]:
        """What became of each row of a CSV or NDJSON file. Lost on the way, it is sent again: no row counts twice."""
        return self._import("/v1/listings/import", file, key or str(uuid4()))

    async def post_order(self, new: NewOrder, *, key: str | None = None) -> Order:
        return Order.model_validate(await self.caller.post("/v1/orders", new.body(), key=key))

    async def order(self, order_id: UUID) -> Order:
        return Order.model_validate(await self.caller.get(f"/v1/orders/{order_id}"))

    def orders(self, **filters: str) -> AsyncIterator[Order]:
        return self._every(Order, "/v1/orders", filters)

    async def cancel_order(self, order_id: UUID, *, key: str | None = None) -> Order:
        return Order.model_validate(await self.caller.post(f"/v1/orders/{order_id}/cancel", key=key))

    async def explain_order(self, order_id: UUID) -> Explanation:
        return Explanation.model_validate(await self.caller.get(f"/v1/orders/{order_id}/explanation"))

    def import_orders(self, file: Path, *, key: str | None = None) -> AsyncIterator[ImportRow]:
        return self._import("/v1/orders/import", file, key or str(uuid4()))

    async def match(self, match_id: UUID) -> Match:
        return Match.model_validate(await self.caller.get(f"/v1/matches/{match_id}"))

    async def agree(self, match_id: UUID, *, key: str | None = None) -> Match:
        return Match.model_validate(await self.caller.post(f"/v1/matches/{match_id}/agree", key=key))

    async def decline(self, match_id: UUID, reason: str | None = None, *, key: str | None = None) -> Match:
        body = {} if reason is None else {"reason": reason}
        return Match.model_validate(await self.caller.post(f"/v1/matches/{match_id}/decline", body, key=key))

    def feed(self, place: Place | None = None, *, follow: bool = True) -> AsyncGenerator[FeedItem, None]:
        """What happens to your matches, in order and without a gap, behind `place`; for ever if one is to `follow`.

        An item counts as worked off when the next one is asked for. See `feed.items_behind` for what it raises.
        """
        return items_behind(self.caller, FEED, place or MemoryPlace(), follow=follow)

    async def post_webhook(self, url: str, types: list[str], *, key: str | None = None) -> Webhook:
        """Its `secret` is shown this once."""
        body = {"url": url, "types": types}
        return Webhook.model_validate(await self.caller.post("/v1/webhooks", body, key=key))

    async def rotate_webhook(self, webhook_id: UUID, *, key: str | None = None) -> Webhook:
        return Webhook.model_validate(await self.caller.post(f"/v1/webhooks/{webhook_id}/rotate", key=key))

    async def redeliver(self, webhook_id: UUID, after_seq: int, *, key: str | None = None) -> None:
        """Send everything behind that place of the feed again."""
        await self.caller.post(f"/v1/webhooks/{webhook_id}/redeliver", {"after_seq": after_seq}, key=key)

    async def delete_webhook(self, webhook_id: UUID) -> None:
        await self.caller.delete(f"/v1/webhooks/{webhook_id}")

    def shipments(self, **filters: str) -> AsyncIterator[Shipment]:
        """A carrier's: open ones and its own; by `status`, `adcode`."""
        return self._every(Shipment, "/v1/shipments", filters)

    async def route(self, route_id: UUID) -> Route:
        return Route.model_validate(await self.caller.get(f"/v1/routes/{route_id}"))

    async def _every(self, shown: type[Shown], path: str, filters: dict[str, str]) -> AsyncIterator[Shown]:
        async for item in self.caller.every(path, **filters):
            yield shown.model_validate(item)

    async def _import(self, path: str, file: Path, key: str) -> AsyncIterator[ImportRow]:
        headers = {"Content-Type": MEDIA_TYPES[file.suffix.lower()], "Idempotency-Key": key}
        answer = await self.caller.send(
            "POST", path, content=file.read_bytes(), headers=headers, timeout=httpx.Timeout(IMPORT_S, connect=10)
        )
        for line in answer.content.splitlines():
            yield ImportRow.model_validate_json(line)
