"""Seeded markets for benchmarks: lots and orders over the east of China, as of vegetables."""

from __future__ import annotations

import random
from uuid import UUID

from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import HOUR_US

WEST, EAST, SOUTH, NORTH = 103.0, 122.0, 22.0, 42.0


def lots(
    rows: int,
    leaves_at_us: int,
    seed: int,
    floors: tuple[int, int] = (50, 400),
    keeps_h: tuple[int, int] = (72, 400),
) -> list[Listing]:
    """So many lots that can leave at that moment, with floors in fen per kg and lives in hours between these."""
    draw = random.Random(seed)
    return [
        Listing(
            id=_id(draw),
            quantity_g=(kg := draw.randrange(100, 5_000)) * 1000,
            committed_g=0,
            remaining_g=kg * 1000,
            floor_fen_per_kg=draw.randrange(*floors),
            grade=draw.choice("AAB"),
            available_from_us=leaves_at_us,
            available_until_us=None,
            spoils_at_us=leaves_at_us + draw.randrange(*keeps_h) * HOUR_US,
            temperature_class="ambient",
            watch_52=draw.random() < 0.1,
            poverty_832=draw.random() < 0.3,
            **_place(draw),
        )
        for _ in range(rows)
    ]


def bids(
    rows: int,
    leaves_at_us: int,
    seed: int,
    due_h: tuple[float, float] = (48, 120),
    ceilings: tuple[int, int] = (300, 900),
) -> list[Order]:
    """So many orders, due so many hours after the lots can leave: the sooner, the fewer lots each can have."""
    draw = random.Random(seed)
    return [
        Order(
            id=_id(draw),
            wanted_g=draw.randrange(100, 5_000) * 1000,
            ceiling_fen_per_kg=draw.randrange(*ceilings),
            min_grade=draw.choice("ABC"),
            deliver_by_us=leaves_at_us + int(draw.uniform(*due_h) * HOUR_US),
            min_remaining_life_us=24 * HOUR_US,
            **_place(draw),
        )
        for _ in range(rows)
    ]


def _id(draw: random.Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))


def _place(draw: random.Random) -> dict[str, float]:
    return {"lon": draw.uniform(WEST, EAST), "lat": draw.uniform(SOUTH, NORTH)}
