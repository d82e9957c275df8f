"""A client of Duijie for partners and for ourselves: typed, asynchronous, and hard to do a thing twice with.

    async with Duijie("https://duijie.example", client_credentials(client_id, client_secret)) as duijie:
        order = await duijie.post_order(NewOrder(produce="strawberry", quantity_kg=500, ...))
        async for item in duijie.feed(FilePlace("feed.seq")):
            ...

What it sends may be lost, or its answer: then it is sent again, with the same `Idempotency-Key`, so that it has its
effect once. `verified` tells whether a webhook is really ours.
"""

from duijie.client.caller import Caller
from duijie.client.duijie import Duijie
from duijie.client.errors import NoAnswer, Problem
from duijie.client.feed import FeedGap, FilePlace, MemoryPlace, Place
from duijie.client.models import (
    Explanation,
    FeedItem,
    ImportRow,
    Listing,
    Match,
    NewListing,
    NewOrder,
    Order,
    Origin,
    Route,
    Shipment,
    Spot,
    Webhook,
)
from duijie.client.tokens import Tokens, client_credentials, fixed, refreshed
from duijie.client.webhooks import NotOurs, verified

__all__ = [
    "Caller",
    "Duijie",
    "Explanation",
    "FeedGap",
    "FeedItem",
    "FilePlace",
    "ImportRow",
    "Listing",
    "Match",
    "MemoryPlace",
    "NewListing",
    "NewOrder",
    "NoAnswer",
    "NotOurs",
    "Order",
    "Origin",
    "Place",
    "Problem",
    "Route",
    "Shipment",
    "Spot",
    "Tokens",
    "Webhook",
    "client_credentials",
    "fixed",
    "refreshed",
    "verified",
]
