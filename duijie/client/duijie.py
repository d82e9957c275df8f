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
    Delivery,
    Explanation,
    FeedItem,
    ImportRow,
    Listing,
    Match,
    Order,
    Photo,
    Route,
    Shipment,
    Vehicle,
    Webhook,
)
from duijie.client.sent import ListingChange, NewListing, NewOrder, OrderChange, WebhookChange
from duijie.client.tokens import Tokens

FEED = "/v1/feed/matches"
MEDIA_TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
IMPORT_S = 600
REPLAYED = "Idempotent-Replayed"

Shown = TypeVar("Shown", bound=BaseModel)


class Duijie:
    """The platform at `url`, for whoever `tokens` speaks for; None for what is public.

    Calls raise `Problem` for what asking again won't change, and `NoAnswer` when patience is at its end. A `key` names
    one request for ever: who may have to send it again after a crash of its own chooses it; else one is drawn.
    `language` is that of the texts in answers: `zh-CN`, which is the default, or `en`. Lists are read to their end by
    the operation's own filters. What has no method of its own is called by `duijie.caller`.
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

    async def export(self) -> dict[str, Any]:
        """Everything that is held of you: the account, its sessions, and the lists of your role."""
        held: dict[str, Any] = await self.caller.get("/v1/me/export")
        return held

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

    async def change_listing(self, listing_id: UUID, change: ListingChange, *, version: int) -> Listing:
        """`version` is the one that was read; who changed it meanwhile makes this a Problem of 412."""
        shown = await self.caller.patch(f"/v1/listings/{listing_id}", change.body(), version=version)
        return Listing.model_validate(shown)

    async def withdraw_listing(self, listing_id: UUID, *, key: str | None = None) -> Listing:
        return Listing.model_validate(await self.caller.post(f"/v1/listings/{listing_id}/withdraw", key=key))

    async def explain_listing(self, listing_id: UUID) -> Explanation:
        """Why it is not sold, and what would sell it."""
        return Explanation.model_validate(await self.caller.get(f"/v1/listings/{listing_id}/explanation"))

    async def show_listing(self, listing_id: UUID, photo: bytes, *, key: str | None = None) -> Photo:
        """Show a JPEG, PNG or WebP of at most 8 MB."""
        path, headers = f"/v1/listings/{listing_id}/photos", {"Idempotency-Key": key or str(uuid4())}
        answer = await self.caller.send("POST", path, files={"photo": photo}, headers=headers)
        return Photo.model_validate_json(answer.content)

    async def listing_photos(self, listing_id: UUID) -> list[Photo]:
        """In the order of their coming."""
        page = await self.caller.get(f"/v1/listings/{listing_id}/photos")
        return [Photo.model_validate(each) for each in page["items"]]

    async def listing_photo(self, listing_id: UUID, photo_id: UUID) -> bytes:
        """The JPEG."""
        return (await self.caller.send("GET", f"/v1/listings/{listing_id}/photos/{photo_id}")).content

    async def remove_photo(self, listing_id: UUID, photo_id: UUID) -> None:
        await self.caller.delete(f"/v1/listings/{listing_id}/photos/{photo_id}")

    def import_listings(self, file: Path, *, key: str | None = None) -> "Import":
        """What became of each row of a CSV or NDJSON file. Lost on the way, it is sent again: no row counts twice."""
        return Import(self.caller, "/v1/listings/import", file, key)

    async def post_order(self, new: NewOrder, *, key: str | None = None) -> Order:
        return Order.model_validate(await self.caller.post("/v1/orders", new.body(), key=key))

    async def order(self, order_id: UUID) -> Order:
        return Order.model_validate(await self.caller.get(f"/v1/orders/{order_id}"))

    def orders(self, **filters: str) -> AsyncIterator[Order]:
        """Your own, newest first; by `status`, `produce`."""
        return self._every(Order, "/v1/orders", filters)

    async def change_order(self, order_id: UUID, change: OrderChange, *, version: int) -> Order:
        """As `change_listing`."""
        return Order.model_validate(await self.caller.patch(f"/v1/orders/{order_id}", change.body(), version=version))

    async def cancel_order(self, order_id: UUID, *, key: str | None = None) -> Order:
        return Order.model_validate(await self.caller.post(f"/v1/orders/{order_id}/cancel", key=key))

    async def explain_order(self, order_id: UUID) -> Explanation:
        return Explanation.model_validate(await self.caller.get(f"/v1/orders/{order_id}/explanation"))

    def import_orders(self, file: Path, *, key: str | None = None) -> "Import":
        return Import(self.caller, "/v1/orders/import", file, key)

    async def match(self, match_id: UUID) -> Match:
        return Match.model_validate(await self.caller.get(f"/v1/matches/{match_id}"))

    def matches(self, **filters: str) -> AsyncIterator[Match]:
        """Your own, newest first; by `status`, `listing_id`, `order_id`."""
        return self._every(Match, "/v1/matches", filters)

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

    def webhooks(self) -> AsyncIterator[Webhook]:
        """Your own, newest first, without their secrets."""
        return self._every(Webhook, "/v1/webhooks", {})

    async def webhook(self, webhook_id: UUID) -> Webhook:
        return Webhook.model_validate(await self.caller.get(f"/v1/webhooks/{webhook_id}"))

    async def change_webhook(self, webhook_id: UUID, change: WebhookChange, *, version: int) -> Webhook:
        """As `change_listing`."""
        shown = await self.caller.patch(f"/v1/webhooks/{webhook_id}", change.body(), version=version)
        return Webhook.model_validate(shown)

    def deliveries(self, webhook_id: UUID, **filters: str) -> AsyncIterator[Delivery]:
        """What was sent, is to be sent, or was given up, newest first; by `status`."""
        return self._every(Delivery, f"/v1/webhooks/{webhook_id}/deliveries", filters)

    async def rotate_webhook(self, webhook_id: UUID, *, key: str | None = None) -> Webhook:
        """A new secret, shown this once; for 24 hours the one before signs as well."""
        return Webhook.model_validate(await self.caller.post(f"/v1/webhooks/{webhook_id}/rotate", key=key))

    async def redeliver(self, webhook_id: UUID, after_seq: int, *, key: str | None = None) -> Webhook:
        """Send everything behind that place of the feed again."""
        shown = await self.caller.post(f"/v1/webhooks/{webhook_id}/redeliver", {"after_seq": after_seq}, key=key)
        return Webhook.model_validate(shown)

    async def ping_webhook(self, webhook_id: UUID, *, key: str | None = None) -> Delivery:
        """Have an event sent that says nothing, signed as every other; `delivery` at seq 0 tells what became of it."""
        return Delivery.model_validate(await self.caller.post(f"/v1/webhooks/{webhook_id}/ping", key=key))

    async def delivery(self, webhook_id: UUID, seq: int) -> Delivery:
        """What became of the event at that place of the feed; 0 is the last ping."""
        return Delivery.model_validate(await self.caller.get(f"/v1/webhooks/{webhook_id}/deliveries/{seq}"))

    async def redeliver_one(self, webhook_id: UUID, seq: int, *, key: str | None = None) -> Delivery:
        """Send one event again."""
        path = f"/v1/webhooks/{webhook_id}/deliveries/{seq}/redeliver"
        return Delivery.model_validate(await self.caller.post(path, key=key))

    async def delete_webhook(self, webhook_id: UUID) -> None:
        await self.caller.delete(f"/v1/webhooks/{webhook_id}")

    def shipments(self, **filters: str) -> AsyncIterator[Shipment]:
        """A carrier's: open ones and its own; by `status`, `adcode`."""
        return self._every(Shipment, "/v1/shipments", filters)

    async def shipment(self, shipment_id: UUID) -> Shipment:
        return Shipment.model_validate(await self.caller.get(f"/v1/shipments/{shipment_id}"))

    def vehicles(self) -> AsyncIterator[Vehicle]:
        """A carrier's own."""
        return self._every(Vehicle, "/v1/vehicles", {})

    async def route(self, route_id: UUID) -> Route:
        return Route.model_validate(await self.caller.get(f"/v1/routes/{route_id}"))

    async def _every(self, shown: type[Shown], path: str, filters: dict[str, str]) -> AsyncIterator[Shown]:
        async for item in self.caller.every(path, **filters):
            yield shown.model_validate(item)


class Import:
    """An iterator of what became of each row of a file. Lost on the way, the file is sent again; read once, it is done.

    `repeated`: that file had been imported under that key before this call, and nothing was added. None before the
    first row; and for good where an answer was lost, for then it may have been this very call that brought the file.
    """

    def __init__(self, caller: Caller, path: str, file: Path, key: str | None) -> None:
        self.repeated: bool | None = None
        self._caller = caller
        self._path = path
        self._file = file
        self._key = key
        self._rows = self._answer()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ImportRow:
        return await anext(self._rows)

    async def _answer(self) -> AsyncGenerator[ImportRow, None]:
        headers = {"Content-Type": MEDIA_TYPES[self._file.suffix.lower()], "Idempotency-Key": self._key or str(uuid4())}
        timeout, content = httpx.Timeout(IMPORT_S, connect=10), self._file.read_bytes()
        request: dict[str, Any] = {"content": content, "headers": headers, "timeout": timeout}
        answer, may_be_ours = await self._caller.settle("POST", self._path, **request)
        if self._key is None or answer.headers.get(REPLAYED) != "true":
            self.repeated = False  # a key that was drawn for this call has no before
        else:
            self.repeated = None if may_be_ours else True
        for line in answer.content.splitlines():
            yield ImportRow.model_validate_json(line)
