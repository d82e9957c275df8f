"""Agreed matches, vehicles and shipments for the tests of the logistics service."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.db import Database
from contracts.event import Event
from contracts.listings import Place
from contracts.matches import MatchAgreed, MatchEvent
from services.logistics.shipments.handlers import on_matches

SIYANG = Place(adcode="321323", lon=118.69, lat=33.72)
NANJING = Place(adcode="320102", lon=118.80, lat=32.06)


def agreed(kind: type[MatchEvent] = MatchAgreed, **changes: Any) -> MatchEvent:
    """300 kg of strawberries from Siyang to Nanjing, ready now and good for three days."""
    now = datetime.now(UTC)
    return kind.model_validate(
        {
            "match_id": uuid4(),
            "version": 1,
            "status": "agreed",
            "listing_id": uuid4(),
            "order_id": uuid4(),
            "producer_id": uuid4(),
            "buyer_id": uuid4(),
            "produce": "strawberry",
            "quantity_g": 300_000,
            "price_fen_per_kg": 1600,
            "freight_fen_per_kg": 53,
            "amount_fen": 480_000,
            "distance_m": 240_000,
            "temperature_class": "chilled",
            "origin": SIYANG,
            "destination": NANJING,
            "ready_at": now,
            "arrives_at": now + timedelta(hours=8),
            "deliver_by": now + timedelta(days=3),
            "spoils_at": now + timedelta(days=3),
            "min_remaining_life_h": 24,
            "round_id": uuid4(),
            **changes,
        }
    )


def later(match: MatchEvent, kind: type[MatchEvent], **changes: Any) -> MatchEvent:
    """What is told of this match next."""
    return kind.model_validate(match.model_dump() | {"version": match.version + 1} | changes)


async def hear(db: Database, *events: Event) -> None:
    """Let the service's shipments hear of matches, as its consumer does."""
    async with db.transaction() as session:
        await on_matches(session, events)


def van(**changes: Any) -> dict[str, Any]:
    """A refrigerated van of Siyang, as a carrier registers it."""
    return {
        "name": "苏N·12345",
        "capacity_kg": 1500,
        "temperature_classes": ["ambient", "chilled"],
        "depot": {"lon": 118.70, "lat": 33.73},
        "shift": {"start": "06:00", "end": "22:00"},
        "cost_fen_per_km": 250,
        **changes,
    }


def ids(items: Sequence[dict[str, Any]]) -> set[UUID]:
    return {UUID(each["id"]) for each in items}
