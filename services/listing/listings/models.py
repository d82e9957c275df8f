"""A listing: one homogeneous lot of produce, its verbs, and what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Float, Index, Integer, Text, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem
from chassis.problems import Text as Words
from chassis.versions import Versioned
from contracts.listings import (
    Grade,
    ListingEvent,
    ListingStatus,
    ListingUpdated,
    ListingWithdrawn,
    Place,
    TemperatureClass,
)
from contracts.supply import RemainingChanged
from services.listing.tables import Base

ShelfLifeSource = Literal["declared", "catalogue", "category"]
Status = Literal["open", "sold_out", "withdrawn", "expired"]


class ListingClosed(Problem):
    slug, status = "listing-closed", 409
    title = Words("供应信息已关闭", "The listing is closed")
    detail = Words("它已撤回或过期，不能再更改。", "It was withdrawn or has expired, and can't be changed.")


def status_of(lifecycle: ListingStatus, remaining_g: int, held_g: int) -> Status:
    """Sold out is not a state of its own: nothing left and nothing held; a release reopens it."""
    return "sold_out" if lifecycle == "open" and remaining_g == 0 and held_g == 0 else lifecycle


@dataclass(frozen=True, slots=True)
class Spell:
    """So much of a lot stood unsold from one moment to another; then so much was sold of it, or spoiled."""

    produce: str
    adcode: str
    posted_at: datetime
    ends_at: datetime
    since: datetime
    until: datetime
    remaining_g: int
    sold_g: int = 0
    spoiled_g: int = 0


class Listing(Versioned, Base):
    """What a producer offers. `version` counts changes of the listing itself.

    What is left of it belongs to matching: `remaining_g`, `held_g` and `agreed_g` are a read copy, of
    `supply_version`. Times are UTC; `spoils_at` follows from best_before or the catalogue when it is written.

    `stands_since`: when the read copy last had news of what remains. `is_tallied`: its end is in the backlog's history.
    """

    __tablename__ = "listings"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    producer_id: Mapped[UUID] = mapped_column(Uuid)
    lifecycle: Mapped[ListingStatus] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    produce: Mapped[str] = mapped_column(Text)
    variety: Mapped[str | None] = mapped_column(Text)
    grade: Mapped[Grade] = mapped_column(Text)
    quantity_g: Mapped[int] = mapped_column(BigInteger)
    min_price_fen_per_kg: Mapped[int] = mapped_column(Integer)
    origin_adcode: Mapped[str] = mapped_column(Text)
    origin_village: Mapped[str | None] = mapped_column(Text)
    origin_lon: Mapped[float | None] = mapped_column(Float)
    origin_lat: Mapped[float | None] = mapped_column(Float)
    harvested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    best_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    available_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    available_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    temperature_class: Mapped[TemperatureClass] = mapped_column(Text)
    spoils_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    shelf_life_source: Mapped[ShelfLifeSource] = mapped_column(Text)
    households: Mapped[int | None] = mapped_column(Integer)
    story: Mapped[str | None] = mapped_column(Text)
    divisible: Mapped[bool] = mapped_column(Boolean)
    auto_agree: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    supply_version: Mapped[int] = mapped_column(BigInteger, default=0)
    remaining_g: Mapped[int] = mapped_column(BigInteger)
    held_g: Mapped[int] = mapped_column(BigInteger, default=0)
    agreed_g: Mapped[int] = mapped_column(BigInteger, default=0)
    stands_since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    is_tallied: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))

    __table_args__ = (
        CheckConstraint("quantity_g >= 0", name="quantity"),
        Index(None, "producer_id", "id"),
        Index("ix_listings_open_by_urgency", "spoils_at", "id", postgresql_where="lifecycle = 'open'"),
        Index("ix_listings_to_tally", "id", postgresql_where="lifecycle <> 'open' AND NOT is_tallied"),
    )

    @property
    def status(self) -> Status:
        return status_of(self.lifecycle, self.remaining_g, self.held_g)

    @property
    def ends_at(self) -> datetime:
        """From then on nothing of it can be sold: it has spoiled, or may leave no more."""
        return self.spoils_at if self.available_until is None else min(self.spoils_at, self.available_until)

    def change(self, **changes: object) -> None:
        """Take new values for the producer's own fields. Raises ListingClosed."""
        self._must_be_open()
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1

    def withdraw(self) -> bool:
        """Take it off the market; False when it was withdrawn before. Raises ListingClosed once expired."""
        if self.lifecycle == "withdrawn":
            return False
        self._must_be_open()
        self.lifecycle = "withdrawn"
        self.version += 1
        return True

    def expire(self) -> None:
        self.lifecycle = "expired"
        self.version += 1

    def forget(self) -> ListingEvent | None:
        """Take it off the market, and forget what leads to its producer: village, point and story.

        The fact to tell; None when nobody else has to hear of it.
        """
        was_open, had_point = self.lifecycle == "open", self.origin_lon is not None
        self.origin_village = self.origin_lon = self.origin_lat = self.story = None
        if not was_open and not had_point:
            return None
        self.lifecycle = "withdrawn" if was_open else self.lifecycle
        self.version += 1
        return self.fact(ListingWithdrawn if was_open else ListingUpdated)

    def hear_of_supply(self, supply: RemainingChanged) -> bool:
        """Copy what matching says is left; True when matching clamped the quantity to what it had promised.

        Older news than what is known is passed over. A quantity is believed only when matching had seen the
        present version: otherwise a newer wish of the producer is still on its way to it.
        """
        if supply.version <= self.supply_version:
            return False
        self.supply_version = supply.version
        self.remaining_g, self.held_g, self.agreed_g = supply.remaining_g, supply.held_g, supply.agreed_g
        if supply.listing_version != self.version or supply.quantity_g == self.quantity_g:
            return False
        self.quantity_g = supply.quantity_g
        self.version += 1
        return True

    def spell_before(self, supply: RemainingChanged, now: datetime) -> Spell | None:
        """How long what this news changes had stood; a new spell begins. None when it changes nothing of that.

        What is sold of a lot, or given back, after its end was tallied was counted there as spoiled, or was not.
        """
        figures = (supply.remaining_g, supply.agreed_g)
        if supply.version <= self.supply_version or figures == (self.remaining_g, self.agreed_g):
            return None
        sold_g, was_lost = supply.agreed_g - self.agreed_g, self.is_tallied and self.lifecycle == "expired"
        since = now if self.is_tallied else self.stands_since
        self.stands_since = now
        return self._spell(since, now, sold_g=sold_g, spoiled_g=-sold_g if was_lost else 0)

    def last_spell(self, now: datetime) -> Spell:
        """What of it nobody bought, until it was closed."""
        self.is_tallied = True
        until = min(now, self.ends_at)
        lost_g = max(0, self.quantity_g - self.agreed_g) if self.lifecycle == "expired" else 0
        return self._spell(min(self.stands_since, until), until, spoiled_g=lost_g)

    def _spell(self, since: datetime, until: datetime, *, sold_g: int = 0, spoiled_g: int = 0) -> Spell:
        of_lot = (self.produce, self.origin_adcode, self.created_at, self.ends_at)
        return Spell(*of_lot, since, until, self.remaining_g, sold_g, spoiled_g)

    def fact(self, kind: type[ListingEvent]) -> ListingEvent:
        """The event of this kind with the listing's whole state."""
        return fact_of(kind, {name: getattr(self, name) for name in TOLD})

    def _must_be_open(self) -> None:
        if self.lifecycle != "open":
            raise ListingClosed()


TOLD = (
    "id",
    "version",
    "producer_id",
    "lifecycle",
    "produce",
    "grade",
    "quantity_g",
    "min_price_fen_per_kg",
    "origin_adcode",
    "origin_lon",
    "origin_lat",
    "temperature_class",
    "available_from",
    "available_until",
    "spoils_at",
    "divisible",
    "auto_agree",
)
"""The columns of which events tell: never village or story."""


def fact_of(kind: type[ListingEvent], row: Mapping[str, Any]) -> ListingEvent:
    """The event of this kind of the listing in this row, which has the columns `TOLD`."""
    return kind(
        listing_id=row["id"],
        version=row["version"],
        producer_id=row["producer_id"],
        status=row["lifecycle"],
        produce=row["produce"],
        grade=row["grade"],
        quantity_g=row["quantity_g"],
        min_price_fen_per_kg=row["min_price_fen_per_kg"],
        origin=Place(adcode=row["origin_adcode"], lon=row["origin_lon"], lat=row["origin_lat"]),
        temperature_class=row["temperature_class"],
        available_from=row["available_from"],
        available_until=row["available_until"],
        spoils_at=row["spoils_at"],
        divisible=row["divisible"],
        auto_agree=row["auto_agree"],
    )
