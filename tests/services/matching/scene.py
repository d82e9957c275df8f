"""A small world for tests of matching: lots and orders in strawberries, rounds, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID, uuid4

import httpx
from sqlalchemy import func, select, update

from catalogue import places
from chassis.db import Database
from chassis.vault import Vault
from contracts.event import Event
from contracts.listings import ListingEvent, ListingPublished, ListingUpdated, ListingWithdrawn, Place
from services.matching.books import Books
from services.matching.matches.models import Match
from services.matching.orders.models import Order
from services.matching.rounds import service as rounds
from services.matching.rounds.models import Round
from services.matching.rounds.pool import SolverPool
from services.matching.supply.models import Supply
from services.matching.webhooks.delivering import Deliverer
from services.matching.webhooks.service import Desk
from services.matching.worker import SUBSCRIPTIONS
from tests.support.services import Issuer, told

SIYANG, NANJING = "321323", "320102"


VAULT = Vault(bytes(range(32)))
DESK = Desk(VAULT)


async def sent_nowhere(*_: object) -> NoReturn:
    raise AssertionError("nobody has a webhook here")


def idle_deliverer(db: Database) -> Deliverer:
    """For workers in tests that have no webhooks."""
    return Deliverer(db, VAULT, sent_nowhere)


def soon(**delta: float) -> datetime:
    """A time from now on."""
    return datetime.now(UTC) + timedelta(**delta)


def county(adcode: str) -> dict[str, Any]:
    """A place of which no more is known than its county: the point of that."""
    located = places.point_of(adcode)
    assert located is not None
    return {"adcode": adcode, "lon": located.point.lon, "lat": located.point.lat}


def published(**changes: Any) -> ListingPublished:
    """1,000 kg of strawberries from Siyang as the listing service tells of them."""
    lot = {
        "listing_id": uuid4(),
        "version": 1,
        "producer_id": uuid4(),
        "status": "open",
        "produce": "strawberry",
        "grade": "A",
        "quantity_g": 1_000_000,
        "min_price_fen_per_kg": 1600,
        "origin": Place(adcode=SIYANG, lon=118.69, lat=33.72),
        "temperature_class": "chilled",
        "available_from": soon(hours=-1),
        "available_until": None,
        "spoils_at": soon(hours=72),
        "divisible": True,
        "auto_agree": True,
    }
    return ListingPublished(**(lot | changes))


def then(lot: ListingEvent, kind: type[ListingEvent] = ListingUpdated, **changes: Any) -> ListingEvent:
    """The next event of the same listing."""
    return kind(**(lot.model_dump() | {"version": lot.version + 1} | changes))


def withdrawn(lot: ListingEvent) -> ListingEvent:
    return then(lot, ListingWithdrawn, status="withdrawn")


def wanted(**changes: Any) -> dict[str, Any]:
    """An order for Nanjing as it is posted."""
    return {
        "produce": "strawberry",
        "quantity_kg": 500,
        "max_price_fen_per_kg": 2600,
        "destination": {"adcode": NANJING},
        **changes,
    }


async def consume(db: Database, *events: Event) -> None:
    """As the consumer hands one batch to every handler, in one transaction."""
    async with db.transaction() as session:
        for subscription in SUBSCRIPTIONS:
            mine = [event for event in events if subscription.topic == event.TOPIC]
            if mine:
                await subscription.handle(session, mine)


@dataclass
class Scene:
    """The service from outside: what the listing service tells, what buyers post, what rounds make of it."""

    db: Database
    client: httpx.AsyncClient
    issuer: Issuer
    pool: SolverPool
    buyer_id: UUID = field(default_factory=uuid4)

    @property
    def buyer(self) -> dict[str, str]:
        return self.issuer.caller("platform", self.buyer_id)

    async def lot(self, **changes: Any) -> ListingPublished:
        """A listing that matching has heard of."""
        lot = published(**changes)
        await consume(self.db, lot)
        return lot

    async def order(self, **changes: Any) -> dict[str, Any]:
        """A posted order."""
        answer = await self.client.post("/v1/orders", json=wanted(**changes), headers=self.buyer)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def read_order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = (await self.client.get(f"/v1/orders/{order_id}", headers=self.buyer)).json()
        return order

    async def round(self, produce: str = "strawberry") -> Round:
        """Clear now."""
        (cleared,) = await rounds.clear_now(self.db, self.pool, produce)
        return cleared

    async def matched(self, **order: Any) -> Match:
        """The one match of a new lot and a new order for it."""
        lot = await self.lot(auto_agree=order.pop("lot_agrees", True))
        await self.order(listing_id=str(lot.listing_id), **order)
        await self.round()
        (match,) = [each for each in await self.matches() if each.listing_id == lot.listing_id]
        return match

    async def matches(self) -> Sequence[Match]:
        async with self.db.reading() as session:
            return (await session.scalars(select(Match).order_by(Match.id))).all()

    async def match(self, match_id: UUID) -> Match:
        async with self.db.reading() as session:
            return await session.get_one(Match, match_id)

    async def books_of(self, match: Match) -> tuple[Supply, Order]:
        async with self.db.reading() as session:
            supply = await session.get_one(Supply, match.listing_id)
            return supply, await session.get_one(Order, match.order_id)

    async def answer(self, match: Match, side: str, verb: str, **body: Any) -> httpx.Response:
        """`agree` or `decline` by one side."""
        caller = {
            "producer": self.issuer.caller("producer", match.producer_id),
            "buyer": self.issuer.caller("platform", match.buyer_id),
        }[side]
        return await self.client.post(f"/v1/matches/{match.id}/{verb}", json=body, headers=caller)

    async def let_deadlines_pass(self) -> None:
        """Every proposed match should have been answered a second ago."""
        async with self.db.transaction() as session:
            past = func.clock_timestamp() - timedelta(seconds=1)
            await session.execute(update(Match).where(Match.status == "proposed").values(agree_by=past))

    async def told_of(self, kind: type[Event]) -> list[Any]:
        """The events of this kind that were emitted, in their order."""
        return [event for event in await told(self.db) if isinstance(event, kind)]


async def books_balance(db: Database) -> None:
    """What the books of each side say is what its matches add up to, and nothing is promised twice (I7)."""
    async with db.reading() as session:
        matches = (await session.scalars(select(Match))).all()
        sides: list[tuple[UUID, Books]] = [(each.listing_id, each) for each in await session.scalars(select(Supply))]
        sides += [(each.id, each) for each in await session.scalars(select(Order))]
    for side_id, books in sides:
        mine = [match for match in matches if side_id in {match.listing_id, match.order_id}]
        held_g = sum(match.quantity_g for match in mine if match.status == "proposed")
        agreed_g = sum(match.quantity_g for match in mine if match.status in {"agreed", "fulfilled"})
        assert (books.held_g, books.agreed_g) == (held_g, agreed_g)
        assert held_g + agreed_g <= books.quantity_g
