"""Produce and places on the public surface."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel

from catalogue import places
from catalogue.places import Place
from catalogue.produce import Produce, TemperatureClass, default_temperature_class
from contracts.listings import TemperatureClass as TemperatureClassName

HOUR = timedelta(hours=1)


class ProduceNames(BaseModel):
    zh: str | None
    en: str
    aliases: list[str]


class ShelfLifeH(BaseModel):
    """Hours from the harvest; null is unknown."""

    ambient: int | None
    chilled: int | None
    frozen: int | None


class ProduceOut(BaseModel):
    """One kind of produce; `slug` is what listings and orders name."""

    slug: str
    names: ProduceNames
    category: str
    shelf_life_h: ShelfLifeH
    default_temperature_class: TemperatureClassName

    @classmethod
    def of(cls, produce: Produce) -> Self:
        lives = produce.life_by_class
        return cls(
            slug=produce.slug,
            names=ProduceNames(zh=produce.name_zh, en=produce.name_en, aliases=list(produce.aliases)),
            category=produce.category,
            shelf_life_h=ShelfLifeH(
                ambient=_hours(lives[TemperatureClass.AMBIENT]),
                chilled=_hours(lives[TemperatureClass.CHILLED]),
                frozen=_hours(lives[TemperatureClass.FROZEN]),
            ),
            default_temperature_class=default_temperature_class(produce).value,
        )


class PointOut(BaseModel):
    """WGS-84."""

    lon: float
    lat: float


class PlaceOut(BaseModel):
    """A county-level area. `point` is its seat, null where nobody knows; `poverty_832` null is unknown, not "no"."""

    adcode: str
    name: str
    full_name: str
    former_names: list[str]
    prefecture: str
    province: str
    point: PointOut | None
    poverty_832: bool | None
    watch_52: bool
    revision: str

    @classmethod
    def of(cls, place: Place) -> Self:
        return cls(
            adcode=place.adcode,
            name=place.name,
            full_name=place.full_name,
            former_names=list(place.former_names),
            prefecture=place.prefecture,
            province=place.province,
            point=PointOut(lon=place.point.lon, lat=place.point.lat) if place.point else None,
            poverty_832=place.poverty_832,
            watch_52=place.watch_52,
            revision=places.REVISION,
        )


def _hours(life: timedelta | None) -> int | None:
    return None if life is None else life // HOUR
