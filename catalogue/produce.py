"""Produce: its names, its category, and how long it keeps in each temperature class.

A life is the lower bound of a consumer figure (USDA FoodKeeper); what the source does not give is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Literal

from catalogue.names import normalise
from catalogue.tables import rows


class TemperatureClass(StrEnum):
    """How a lot is kept and carried."""

    AMBIENT = "ambient"
    CHILLED = "chilled"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Produce:
    """One kind of produce."""

    slug: str
    name_zh: str
    name_en: str
    category: str
    life_ambient: timedelta | None
    life_chilled: timedelta | None
    storage_temp_c: float | None
    gpc_family: str | None
    aliases: tuple[str, ...] = ()

    @property
    def life_by_class(self) -> Mapping[TemperatureClass, timedelta | None]:
        """The life in each class; None is unknown. The catalogue knows none for frozen produce."""
        return {
            TemperatureClass.AMBIENT: self.life_ambient,
            TemperatureClass.CHILLED: self.life_chilled,
            TemperatureClass.FROZEN: None,
        }


@dataclass(frozen=True, slots=True)
class ShelfLife:
    """How long a lot keeps from its harvest, and whose figure that is."""

    duration: timedelta
    source: Literal["catalogue", "category"]


def get(slug: str) -> Produce | None:
    """The produce with this slug."""
    return _by_slug().get(slug)


@cache
def all_produce() -> tuple[Produce, ...]:
    """All produce, by slug."""
    aliases: dict[str, list[str]] = {}
    for row in rows("produce_aliases.csv"):
        aliases.setdefault(row["slug"], []).append(row["alias"])
    table = (_produce(row, tuple(aliases.get(row["slug"], ()))) for row in rows("produce.csv"))
    return tuple(sorted(table, key=lambda produce: produce.slug))


def search(q: str, limit: int = 20) -> tuple[Produce, ...]:
    """Produce whose slug, name or alias is ``q``, begins with it or holds it, in this order; "" gives all."""
    wanted = normalise(q)
    ranked = [
        (rank, produce.slug, produce) for produce, names in _names() if (rank := _rank(wanted, names)) is not None
    ]
    return tuple(produce for _, _, produce in sorted(ranked, key=lambda entry: entry[:2])[:limit])


def default_temperature_class(produce: Produce) -> TemperatureClass:
    """The class with the longest known life; chilled when none is known.

    Cold is not always better: garlic keeps 30 days on a shelf and 3 in a refrigerator. Of two equal lives the
    ambient one is taken: the cold chain would cost money and gain nothing.
    """
    ambient, chilled = produce.life_ambient, produce.life_chilled
    if ambient is not None and (chilled is None or ambient >= chilled):
        return TemperatureClass.AMBIENT
    return TemperatureClass.CHILLED


def shelf_life(produce: Produce, temperature_class: TemperatureClass) -> ShelfLife | None:
    """The life in that class, else the shortest life known anywhere in the category.

    None when there is no figure to stand on and the lot needs its own ``best_before``: frozen, or a category
    without a single known life.
    """
    if temperature_class == TemperatureClass.FROZEN:
        return None
    known = produce.life_by_class[temperature_class]
    if known is not None:
        return ShelfLife(known, "catalogue")
    shortest = shortest_life_of_category(produce.category)
    return None if shortest is None else ShelfLife(shortest, "category")


@cache
def shortest_life_of_category(category: str) -> timedelta | None:
    """The shortest life known of any produce of the category, in whichever class.

    Not of the same class alone: the only leafy vegetable with an ambient figure is the green onion, and its 30
    days would let spinach lie on a shelf for a month.
    """
    lives = (
        life
        for produce in all_produce()
        if produce.category == category
        for life in produce.life_by_class.values()
        if life is not None
    )
    return min(lives, default=None)


@cache
def _by_slug() -> dict[str, Produce]:
    return {produce.slug: produce for produce in all_produce()}


@cache
def _names() -> tuple[tuple[Produce, tuple[str, ...]], ...]:
    return tuple(
        (
            produce,
            tuple(normalise(name) for name in (produce.slug, produce.name_zh, produce.name_en, *produce.aliases)),
        )
        for produce in all_produce()
    )


def _rank(wanted: str, names: tuple[str, ...]) -> int | None:
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    return 2 if any(wanted in name for name in names) else None


def _produce(row: dict[str, str], aliases: tuple[str, ...]) -> Produce:
    return Produce(
        slug=row["slug"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        category=row["category"],
        life_ambient=_days(row["life_ambient_days"]),
        life_chilled=_days(row["life_chilled_days"]),
        storage_temp_c=float(row["storage_temp_c"]) if row["storage_temp_c"] else None,
        gpc_family=row["gpc_family"] or None,
        aliases=aliases,
    )


def _days(text: str) -> timedelta | None:
    return timedelta(days=int(text)) if text else None
