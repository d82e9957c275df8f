"""A client of Duijie for partners and for ourselves: typed, asynchronous, and hard to do a thing twice with.

    async with Duijie("https://duijie.example", client_credentials(client_id, client_secret)) as duijie:
        order = await duijie.post_order(NewOrder(produce="strawberry", quantity_kg=500, ...))
        async for item in duijie.feed(FilePlace("feed.seq")):
            ...

What it sends may be lost, or its answer: then it is sent again, with the same `Idempotency-Key`, so that it has its
effect once. `verified` tells whether a webhook is really ours.

It prints nothing. What it waits for it tells the logger `duijie.client`, which says nothing by itself.
"""

from duijie.client.caller import Caller
from duijie.client.duijie import Duijie, Import
from duijie.client.errors import NoAnswer, Problem
from duijie.client.feed import FeedGap, FilePlace, MemoryPlace, Place, PlaceAhead
from duijie.client.models import (
    Attempt,
    Consents,
    County,
    Delivery,
    Explanation,
    FeedItem,
    Fix,
    ImportRow,
    Listing,
    ListingOrigin,
    Match,
    Order,
    Photo,
    Ping,
    Point,
    Reason,
    Route,
    Shift,
    Shipment,
    Stop,
    Unassigned,
    Vehicle,
    VehicleRoute,
    Webhook,
)
from duijie.client.sent import ListingChange, NewListing, NewOrder, OrderChange, Origin, Spot, WebhookChange
from duijie.client.tokens import Tokens, client_credentials, fixed, refreshed
from duijie.client.webhooks import NotOurs, verified

__all__ = [
    "Attempt",
    "Caller",
    "Consents",
    "County",
    "Delivery",
    "Duijie",
    "Explanation",
    "FeedGap",
    "FeedItem",
    "FilePlace",
    "Fix",
    "Import",
    "ImportRow",
    "Listing",
    "ListingChange",
    "ListingOrigin",
    "Match",
    "MemoryPlace",
    "NewListing",
    "NewOrder",
    "NoAnswer",
    "NotOurs",
    "Order",
    "OrderChange",
    "Origin",
    "Photo",
    "Ping",
    "Place",
    "PlaceAhead",
    "Point",
    "Problem",
    "Reason",
    "Route",
    "Shift",
    "Shipment",
    "Spot",
    "Stop",
    "Tokens",
    "Unassigned",
    "Vehicle",
    "VehicleRoute",
    "Webhook",
    "WebhookChange",
    "client_credentials",
    "fixed",
    "refreshed",
    "verified",
]
