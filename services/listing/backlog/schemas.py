"""The backlog on the public surface, for supervisors."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from catalogue import places, produce
from chassis.fields import KgOut
from contracts.listings import Grade
from services.listing.backlog.figures import Area, Lot
from services.listing.board.schemas import CountyOut
from services.listing.listings.models import Listing

Basis = Literal["prior", "borrowed", "fitted"]
BASES: tuple[Basis, ...] = ("prior", "borrowed", "fitted")


class AreaOut(BaseModel):
    """`watch_52` and `poverty_832` of an area: whether some county of it is; None where nobody knows."""

    adcode: str
    name: str
    province: str
    poverty_832: bool | None
    watch_52: bool

    @classmethod
    @cache
    def of(cls, code: str) -> Self:
        area = places.area(code)
        assert area is not None, "a listing's county was in the catalogue when it was posted"
        within = [place for place in places.all_places() if place.adcode.startswith(code)]
        poor = {place.poverty_832 for place in within}
        return cls(
            adcode=code.ljust(6, "0"),
            name=area.name,
            province=area.province,
            poverty_832=True if True in poor else None if None in poor else False,
            watch_52=any(place.watch_52 for place in within),
        )


class BacklogItem(BaseModel):
    """One produce in one area. Of `open_kg`, `at_risk_kg` is not expected to be sold before it spoils."""

    area: AreaOut
    produce: str
    name_zh: str
    name_en: str
    open_kg: KgOut
    at_risk_kg: KgOut
    hours_left_median: float
    listings: int
    forecast: Basis

    @classmethod
    def of(cls, row: Area) -> Self:
        return cls(
            area=AreaOut.of(row.area),
            produce=row.produce,
            **_names(row.produce),
            open_kg=row.open_g,
            at_risk_kg=row.at_risk_g,
            hours_left_median=round(row.hours_left_median, 1),
            listings=row.listings,
            forecast=BASES[row.evidence],
        )


class BacklogLot(BaseModel):
    """One open lot and its forecast."""

    id: UUID
    produce: str
    name_zh: str
    name_en: str
    variety: str | None
    grade: Grade
    min_price_fen_per_kg: int
    origin: CountyOut
    remaining_kg: KgOut
    spoils_at: AwareDatetime
    hours_left: float
    unsold_share: float
    at_risk_kg: KgOut
    forecast: Basis

    @classmethod
    def of(cls, row: Lot, listing: Listing) -> Self:
        return cls(
            id=listing.id,
            produce=listing.produce,
            **_names(listing.produce),
            variety=listing.variety,
            grade=listing.grade,
            min_price_fen_per_kg=listing.min_price_fen_per_kg,
            origin=CountyOut.of(listing.origin_adcode),
            remaining_kg=row.remaining_g,
            spoils_at=listing.spoils_at,
            hours_left=round(row.hours_left, 1),
            unsold_share=round(row.unsold_share, 4),
            at_risk_kg=row.unsold_g,
            forecast=BASES[row.evidence],
        )


class BacklogDay(BaseModel):
    """A day. What stood open and at risk is null on a day on which nobody looked."""

    day: date
    open_kg: KgOut | None
    at_risk_kg: KgOut | None
    sold_kg: KgOut
    spoiled_kg: KgOut

    @classmethod
    def of(cls, day: date, figures: Mapping[str, int]) -> Self:
        return cls(
            day=day,
            open_kg=figures.get("open_g"),
            at_risk_kg=figures.get("at_risk_g"),
            sold_kg=figures.get("sold_g", 0),
            spoiled_kg=figures.get("spoiled_g", 0),
        )


class BacklogPage(BaseModel):
    """A page of areas, all of one moment."""

    as_of: AwareDatetime
    items: list[BacklogItem]
    next: str | None


class BacklogLotsPage(BaseModel):
    """A page of lots, all of one moment."""

    as_of: AwareDatetime
    items: list[BacklogLot]
    next: str | None


class BacklogTrend(BaseModel):
    """Day by day (Asia/Shanghai), the oldest first; the last is today, so far."""

    items: list[BacklogDay]


def _names(slug: str) -> dict[str, Any]:
    kind = produce.get(slug)
    assert kind is not None, "a listing's produce was in the catalogue when it was posted"
    return {"name_zh": kind.name_zh, "name_en": kind.name_en}
