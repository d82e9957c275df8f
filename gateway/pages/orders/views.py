"""What a buyer's pages show: the API's orders, matches and explanations, with names for codes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from chassis.problems import Language
from gateway.pages.asking import Api, Refused
from gateway.pages.explanations import Why
from gateway.pages.names import place_name, produce_name
from gateway.pages.paging import LOOKED_THROUGH, newest
from gateway.proxy import ServiceUnavailable

MATCHES_MAX = 100
"""Shown on an order's page."""
WAITING_MAX = 50
LOOK_EVERY_S, WHY_EVERY_S = 4, 20
"""How often an order's page looks at itself, and how often it asks anew for the reasons."""
LATE = timedelta(seconds=15)
OVER = frozenset({"agreed", "fulfilled", "released"})


@dataclass(frozen=True, slots=True)
class Order:
    """An order. `version` is for If-Match."""

    id: str
    version: str
    status: str
    name: str
    min_grade: str
    quantity_kg: float
    held_kg: float
    agreed_kg: float
    ceiling_fen_per_kg: int
    basis: str
    destination: str
    deliver_by: str
    life_h: int
    listing_id: str | None
    created_at: str

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def open_kg(self) -> float:
        """Neither held nor agreed."""
        return round(self.quantity_kg - self.held_kg - self.agreed_kg, 3)

    @classmethod
    def of(cls, said: Mapping[str, Any], language: Language) -> "Order":
        return cls(
            id=said["id"],
            version=f'"{said["version"]}"',
            status=said["status"],
            name=produce_name(said["produce"], language),
            min_grade=said["min_grade"],
            quantity_kg=said["quantity_kg"],
            held_kg=said["held_kg"],
            agreed_kg=said["agreed_kg"],
            ceiling_fen_per_kg=said["max_price_fen_per_kg"],
            basis=said["price_basis"],
            destination=place_name(said["destination"]["adcode"]),
            deliver_by=said["deliver_by"],
            life_h=said["min_remaining_life_h"],
            listing_id=said["listing_id"],
            created_at=said["created_at"],
        )


def _waits_for_buyer(match: Mapping[str, Any]) -> bool:
    return match["status"] == "proposed" and not match["consents"]["buyer"]


@dataclass(frozen=True, slots=True)
class Match:
    """So much of one lot for one order."""

    id: str
    order_id: str
    listing_id: str
    version: int
    name: str
    status: str
    reason: str | None
    words: str | None
    quantity_kg: float
    price_fen_per_kg: int
    freight_fen_per_kg: int
    delivered_fen_per_kg: int
    amount_fen: int
    origin: str
    arrives_at: str
    life_h: float
    agree_by: str | None
    waits_for_me: bool

    @property
    def is_over(self) -> bool:
        """Nothing comes of it by waiting here."""
        return self.status in OVER

    @classmethod
    def of(cls, said: Mapping[str, Any], language: Language) -> "Match":
        return cls(
            id=said["id"],
            order_id=said["order_id"],
            listing_id=said["listing_id"],
            version=said["version"],
            name=produce_name(said["produce"], language),
            status=said["status"],
            reason=said["reason"],
            words=said["words"],
            quantity_kg=said["quantity_kg"],
            price_fen_per_kg=said["price_fen_per_kg"],
            freight_fen_per_kg=said["freight_fen_per_kg"],
            delivered_fen_per_kg=said["delivered_price_fen_per_kg"],
            amount_fen=said["amount_fen"],
            origin=place_name(said["origin"]["adcode"]),
            arrives_at=said["arrives_at"],
            life_h=said["remaining_life_h"],
            agree_by=said["agree_by"],
            waits_for_me=_waits_for_buyer(said),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with what has come of it; `why` is None where nobody had to ask, or could tell just now.

    `matches` are those that wait for the buyer's word, and the newest of the others.
    """

    order: Order
    matches: Sequence[Match]
    are_all: bool
    why: Why | None = None

    @property
    def is_pending(self) -> bool:
        return self.why is not None and self.why.state == "pending"

    @property
    def is_late(self) -> bool:
        """Whether it has been pending for longer than it takes while rounds run."""
        age = datetime.now(UTC) - datetime.fromisoformat(self.order.created_at)
        return self.is_pending and age > LATE

    @property
    def may_change(self) -> bool:
        """While something may still come of it by itself."""
        return self.order.is_open or any(not each.is_over for each in self.matches)

    @property
    def seen(self) -> str:
        """Another whenever a reader would see something else. Two digests: the reasons are asked for less often."""
        return f"{self.seen_of_it}-{_digest(self.why)}"

    @property
    def seen_of_it(self) -> str:
        """The same, but for the reasons."""
        order = (self.order.version, self.order.status, self.order.held_kg, self.order.agreed_kg)
        return _digest((order, [(each.id, each.version) for each in self.matches]))


def _digest(told: object) -> str:
    return sha256(repr(told).encode()).hexdigest()[:16]


async def read_standing(api: Api, order_id: UUID, language: Language, *, unless: str = "") -> Standing | None:
    """The order as it stands. None when it stands as it was `seen`. Raises Refused and ServiceUnavailable.

    Whether the reasons are others is looked at now and then, for they are dear to reckon; those that can't be told
    now stay as they were seen.
    """
    said, found = await asyncio.gather(
        api.get(f"/v1/orders/{order_id}"),
        newest(api, "/v1/matches", LOOKED_THROUGH, lambda _: True, order_id=order_id),
    )
    matches = [Match.of(each, language) for each in found.items]
    shown = sorted(matches, key=lambda each: not each.waits_for_me)[:MATCHES_MAX]
    standing = Standing(Order.of(said, language), shown, found.are_all and len(shown) == len(matches))
    is_seen = unless.startswith(standing.seen_of_it)
    if is_seen and not (standing.order.is_open and _is_time_to_ask_why(order_id)):
        return None
    why = await _why(api, order_id) if standing.order.is_open else None
    if is_seen and why is None:
        return None
    standing = replace(standing, why=why)
    return None if unless == standing.seen else standing


def _is_time_to_ask_why(order_id: UUID) -> bool:
    """In one of five looks of a page, and not in the same second for all orders."""
    return (time.time() + order_id.int % WHY_EVERY_S) % WHY_EVERY_S < LOOK_EVERY_S


async def _why(api: Api, order_id: UUID) -> Why | None:
    """The solvers may be busy: then the page does without."""
    try:
        return Why.of(await api.get(f"/v1/orders/{order_id}/explanation"))
    except (Refused, ServiceUnavailable):
        return None


@dataclass(frozen=True, slots=True)
class Orders:
    """A page of orders, with the matches that wait for their buyer's word: the newest of them, or all."""

    items: Sequence[Order]
    next: str | None
    waiting: Sequence[Match]
    is_all_that_waits: bool


async def read_orders(api: Api, status: str | None, after: str | None, language: Language) -> Orders:
    """Newest first. Raises Refused and ServiceUnavailable."""
    page, proposed = await asyncio.gather(
        api.get("/v1/orders", status=status, after=after, limit=20),
        newest(api, "/v1/matches", WAITING_MAX, _waits_for_buyer, status="proposed"),
    )
    return Orders(
        [Order.of(each, language) for each in page["items"]],
        page["next"],
        [Match.of(each, language) for each in proposed.items],
        proposed.are_all,
    )
