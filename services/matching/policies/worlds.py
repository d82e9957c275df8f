"""Seeded worlds to try policies on: a function of the seed, the size and the prices alone.

Real counties of all four classes, each with a few crops, and districts of large cities that want them. Several growers
of one county offer the same crop on the same day at nearly the same floor: neighbours. More is offered than wanted,
and much of it has little life left. What is drawn was not observed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random
from typing import Literal

from catalogue import produce
from catalogue.places import Place, all_places
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import HOUR_US

CountyClass = Literal["watch_52", "poverty_832", "neither", "unknown"]
CLASSES: tuple[CountyClass, ...] = ("watch_52", "poverty_832", "neither", "unknown")
"""Under special supervision (each of these is a poverty county, too), poverty county, neither, nobody knows."""

DAY_US = 24 * HOUR_US
BEGINS_US = 1_790_000_000_000_000  # an instant of 2026; the seasons play no part
COUNTIES_A_CLASS = 4
CROPS_A_COUNTY = 3
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Size:
    """How many lots and orders come up each day, and for how many days."""

    lots: int = 240
    orders: int = 120
    days: int = 7


@dataclass(frozen=True, slots=True)
class Lot:
    """One listing as it is posted. Lots of one county, produce and day are neighbours."""

    listing: Listing
    produce: str
    adcode: str
    county_class: CountyClass
    day: int
    posted_us: int


@dataclass(frozen=True, slots=True)
class Wish:
    """One order as it is posted."""

    order: Order
    produce: str
    posted_us: int


@dataclass(frozen=True, slots=True)
class World:
    """All that is posted, whatever the policy makes of it."""

    seed: int
    size: Size
    lots: tuple[Lot, ...]
    wishes: tuple[Wish, ...]

    @property
    def ends_us(self) -> int:
        return BEGINS_US + self.size.days * DAY_US


@dataclass(frozen=True, slots=True)
class _Field:
    """What one county grows, and what it asks for it on average."""

    county: Place
    crop: str
    floor_fen_per_kg: int


def world_of(seed: int, size: Size, floors_fen_per_kg: Mapping[str, tuple[int, int]]) -> World:
    """The world of that seed; `floors_fen_per_kg` are the produce that it deals in, with the bounds of their floors."""
    chance = Random(f"policies/{seed}")
    fields = list(_fields(chance, floors_fen_per_kg))
    chance.shuffle(fields)
    lots = [_lot(seed, day, index, fields) for day in range(size.days) for index in range(size.lots)]
    wishes = [_wish(seed, day, index, floors_fen_per_kg) for day in range(size.days) for index in range(size.orders)]
    return World(seed, size, tuple(lots), tuple(wishes))


def class_of(place: Place) -> CountyClass:
    if place.watch_52:
        return "watch_52"
    if place.poverty_832 is None:
        return "unknown"
    return "poverty_832" if place.poverty_832 else "neither"


@cache
def _counties() -> Mapping[CountyClass, Sequence[Place]]:
    """Counties (县, not a city's districts) whose seat is known."""
    rural = [place for place in all_places() if place.point is not None and not place.name.endswith("区")]
    return {each: [place for place in rural if class_of(place) == each] for each in CLASSES}


@cache
def _districts() -> Sequence[Place]:
    return [place for place in all_places() if place.point is not None and place.name.endswith("区")]


def _fields(chance: Random, floors_fen_per_kg: Mapping[str, tuple[int, int]]) -> Iterator[_Field]:
    for each in CLASSES:
        for county in chance.sample(_counties()[each], COUNTIES_A_CLASS):
            for crop in chance.sample(list(floors_fen_per_kg), min(CROPS_A_COUNTY, len(floors_fen_per_kg))):
                yield _Field(county, crop, chance.randrange(*floors_fen_per_kg[crop]))


def _lot(seed: int, day: int, index: int, fields: Sequence[_Field]) -> Lot:
    """The fields take turns, so that each has neighbours every day."""
    field = fields[index % len(fields)]
    chance = Random(f"policies/{seed}/lot/{day}/{index}")
    posted_us = BEGINS_US + day * DAY_US + chance.randrange(6, 18) * HOUR_US
    quantity_g = (chance.choice((120, 200, 300, 500, 800, 1200, 2000, 3000)) + chance.randrange(100)) * 1000
    kept_in, life = _keeping(field.crop)
    point = field.county.point
    assert point is not None, "only counties whose seat is known were drawn"
    listing = Listing(
        id=f"L{day:03}{index:06}",
        quantity_g=quantity_g,
        committed_g=0,
        remaining_g=quantity_g,
        floor_fen_per_kg=round(field.floor_fen_per_kg * chance.uniform(0.97, 1.03)),
        grade=chance.choices("ABC", weights=(3, 5, 2))[0],
        lon=point.lon + chance.uniform(-0.12, 0.12),
        lat=point.lat + chance.uniform(-0.12, 0.12),
        available_from_us=posted_us,
        available_until_us=None,
        spoils_at_us=posted_us + round(life / MICROSECOND * chance.uniform(0.4, 1.0)),
        temperature_class=kept_in,
        watch_52=field.county.watch_52,
        poverty_832=field.county.poverty_832,
    )
    return Lot(listing, field.crop, field.county.adcode, class_of(field.county), day, posted_us)


def _keeping(crop: str) -> tuple[str, timedelta]:
    """The class that it keeps longest in, and for how long."""
    found = produce.get(crop)
    assert found is not None, f"{crop} is in the catalogue"
    kept_in = produce.default_temperature_class(found)
    life = produce.shelf_life(found, kept_in)
    assert life is not None, f"how long {crop} keeps is known"
    return kept_in.value, life.duration


def _wish(seed: int, day: int, index: int, floors_fen_per_kg: Mapping[str, tuple[int, int]]) -> Wish:
    chance = Random(f"policies/{seed}/order/{day}/{index}")
    posted_us = BEGINS_US + day * DAY_US + chance.randrange(24) * HOUR_US
    crop = chance.choice(list(floors_fen_per_kg))
    low, high = floors_fen_per_kg[crop]
    wanted_kg = chance.choices(
        (chance.randrange(1000, 8500), chance.randrange(60, 600), chance.randrange(3, 40)), weights=(3, 4, 3)
    )[0]
    point = chance.choice(_districts()).point
    assert point is not None, "only districts whose seat is known were drawn"
    order = Order(
        id=f"O{day:03}{index:06}",
        wanted_g=wanted_kg * 1000,
        ceiling_fen_per_kg=chance.randrange((low + high) // 2, 2 * high) + 60,
        min_grade=chance.choices("ABC", weights=(1, 3, 6))[0],
        lon=point.lon,
        lat=point.lat,
        deliver_by_us=posted_us + chance.randrange(2, 7) * DAY_US,
        min_remaining_life_us=chance.choice((6, 12, 24)) * HOUR_US,
        price_basis="delivered" if chance.random() < 0.8 else "farm_gate",
    )
    return Wish(order, crop, posted_us)
