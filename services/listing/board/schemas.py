"""The public board: no personal data, and no place finer than the county."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from catalogue import places, produce
from catalogue.places import adcode_prefix
from chassis.fields import KgOut
from contracts.listings import Grade, TemperatureClass
from services.listing.board.queries import Count, Group, hours_between
from services.listing.listings.models import Listing, Status


class CountyOut(BaseModel):
    """`lon` and `lat` are the county's seat, never the lot's own point; None where it is not known."""

    adcode: str
    name: str
    prefecture: str
    province: str
    lon: float | None
    lat: float | None
    poverty_832: bool | None
    watch_52: bool

    @classmethod
    def of(cls, adcode: str) -> Self:
        place = places.get(adcode)
        assert place is not None, "a listing's county was in the catalogue when it was posted"
        return cls(
            adcode=place.adcode,
            name=place.name,
            prefecture=place.prefecture,
            province=place.province,
            lon=place.lon,
            lat=place.lat,
            poverty_832=place.poverty_832,
            watch_52=place.watch_52,
        )


class BoardItem(BaseModel):
    """An open lot, as everyone may see it."""

    id: UUID
    produce: str
    name_zh: str
    name_en: str
    variety: str | None
    grade: Grade
    temperature_class: TemperatureClass
    min_price_fen_per_kg: int
    quantity_kg: KgOut
    remaining_kg: KgOut
    sold_kg: KgOut
    origin: CountyOut
    available_from: AwareDatetime
    spoils_at: AwareDatetime
    hours_left: float
    households: int | None
    story: str | None
    photos: list[str]

    @classmethod
    def of(cls, listing: Listing, now: datetime, photos: Sequence[UUID]) -> Self:
        kind = produce.get(listing.produce)
        assert kind is not None, "a listing's produce was in the catalogue when it was posted"
        return cls(
            id=listing.id,
            produce=listing.produce,
            name_zh=kind.name_zh,
            name_en=kind.name_en,
            variety=listing.variety,
            grade=listing.grade,
            temperature_class=listing.temperature_class,
            min_price_fen_per_kg=listing.min_price_fen_per_kg,
            quantity_kg=listing.quantity_g,
            remaining_kg=listing.remaining_g,
            sold_kg=listing.agreed_g,
            origin=CountyOut.of(listing.origin_adcode),
            available_from=listing.available_from,
            spoils_at=listing.spoils_at,
            hours_left=hours_between(now, listing.spoils_at),
            households=listing.households,
            story=listing.story,
            photos=[f"/v1/board/{listing.id}/photos/{photo_id}" for photo_id in photos],
        )


class LotCount(BaseModel):
    """The counter of one lot. It is the last of its stream when the status is `withdrawn` or `expired`."""

    status: Status
    remaining_kg: KgOut
    sold_kg: KgOut
    hours_left: float
    spoils_at: AwareDatetime

    @classmethod
    def of(cls, count: Count) -> Self:
        return cls(
            status=count.status,
            remaining_kg=count.remaining_g,
            sold_kg=count.sold_g,
            hours_left=count.hours_left,
            spoils_at=count.spoils_at,
        )


class Figures(BaseModel):
    """Of open lots: how many they are, what of them is neither held nor agreed, and what is sold."""

    lots: int
    remaining_kg: KgOut
    sold_kg: KgOut


class CountyFigures(Figures):
    county: CountyOut


class ProduceFigures(Figures):
    produce: str
    name_zh: str
    name_en: str


class BoardSummary(Figures):
    """The board in figures. What has been sold out, withdrawn or has spoiled is no part of it."""

    counties: list[CountyFigures]
    kinds: list[ProduceFigures]

    @classmethod
    def of(cls, groups: Sequence[Group], produce: str | None, adcode: str | None) -> Self:
        """Of that produce and area; the counties and kinds with most left come first."""
        prefix = adcode_prefix(adcode) if adcode else ""
        shown = [each for each in groups if produce in {None, each.produce} and each.adcode.startswith(prefix)]
        by_county, by_produce = defaultdict[str, list[Group]](list), defaultdict[str, list[Group]](list)
        for each in shown:
            by_county[each.adcode].append(each)
            by_produce[each.produce].append(each)
        return cls(
            **_figures(shown),
            counties=_most_first(
                [CountyFigures(**_figures(of), county=CountyOut.of(code)) for code, of in by_county.items()]
            ),
            kinds=_most_first([_of_kind(slug, of) for slug, of in by_produce.items()]),
        )

    @classmethod
    def told(cls, groups: Sequence[Group], produce: str | None, adcode: str | None) -> bytes:
        """The same in JSON."""
        return cls.of(groups, produce, adcode).model_dump_json().encode()


AnyFigures = TypeVar("AnyFigures", bound=Figures)


def _most_first(figures: list[AnyFigures]) -> list[AnyFigures]:
    return sorted(figures, key=lambda each: each.remaining_kg, reverse=True)


def _figures(groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "lots": sum(each.lots for each in groups),
        "remaining_kg": sum(each.remaining_g for each in groups),
        "sold_kg": sum(each.sold_g for each in groups),
    }


def _of_kind(slug: str, groups: Sequence[Group]) -> ProduceFigures:
    kind = produce.get(slug)
    assert kind is not None, "a listing's produce was in the catalogue when it was posted"
    return ProduceFigures(**_figures(groups), produce=slug, name_zh=kind.name_zh, name_en=kind.name_en)
