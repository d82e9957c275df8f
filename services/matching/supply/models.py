"""Supply: matching's own copy of a listing, and the books of what is left of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Float, Index, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from catalogue import places
from catalogue.geodesy import Point
from contracts.listings import Grade, ListingEvent, ListingStatus, TemperatureClass
from contracts.supply import RemainingChanged
from services.matching.books import Books, quantities_hold
from services.matching.tables import Base

NEWS = (
    "status",
    "min_price_fen_per_kg",
    "available_from",
    "available_until",
    "spoils_at",
    "auto_agree",
)
TERMS = ("min_price_fen_per_kg", "available_from", "available_until", "spoils_at")


class Supply(Books, Base):
    """A listing as matching has applied it, up to `listing_version`.

    `version` counts what was told of its figures. `terms` counts changes of price, quantity and window: a pair that
    said no may be proposed again after one. `listed_g` is the original quantity, of which the spread counts quarters.
    The point is the lot's own, None where the county's has to do.
    """

    __tablename__ = "supply"

    listing_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    producer_id: Mapped[UUID] = mapped_column(Uuid)
    listing_version: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(BigInteger)
    terms: Mapped[int] = mapped_column(Integer)
    status: Mapped[ListingStatus] = mapped_column(Text)
    produce: Mapped[str] = mapped_column(Text)
    grade: Mapped[Grade] = mapped_column(Text)
    listed_g: Mapped[int] = mapped_column(BigInteger)
    min_price_fen_per_kg: Mapped[int] = mapped_column(Integer)
    origin_adcode: Mapped[str] = mapped_column(Text)
    origin_lon: Mapped[float | None] = mapped_column(Float)
    origin_lat: Mapped[float | None] = mapped_column(Float)
    temperature_class: Mapped[TemperatureClass] = mapped_column(Text)
    available_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    available_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    spoils_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    divisible: Mapped[bool] = mapped_column(Boolean)
    auto_agree: Mapped[bool] = mapped_column(Boolean)
    entered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (
        quantities_hold(),
        Index(
            "ix_supply_free_by_produce",
            "produce",
            postgresql_where="status = 'open' AND quantity_g - held_g - agreed_g > 0",
        ),
        Index("ix_supply_promised_by_produce", "produce", "spoils_at", postgresql_where="held_g + agreed_g > 0"),
    )

    @classmethod
    def row_of(cls, event: ListingEvent) -> dict[str, object]:
        """The first row of a listing, from whichever of its events came first."""
        return {
            "listing_id": event.listing_id,
            "producer_id": event.producer_id,
            "listing_version": event.version,
            "version": 1,
            "terms": 1,
            "produce": event.produce,
            "grade": event.grade,
            "listed_g": event.quantity_g,
            "quantity_g": event.quantity_g,
            "held_g": 0,
            "agreed_g": 0,
            "origin_adcode": event.origin.adcode,
            "origin_lon": event.origin.lon,
            "origin_lat": event.origin.lat,
            "temperature_class": event.temperature_class,
            "divisible": event.divisible,
        } | {name: getattr(event, name) for name in NEWS}

    def hear(self, event: ListingEvent) -> bool:
        """Apply what the producer wants, unless it is older than what was applied; whether it was news.

        A quantity is clamped to what is held or agreed.
        """
        if event.version <= self.listing_version:
            return False
        before = self._terms()
        for name in NEWS:
            setattr(self, name, getattr(event, name))
        self.origin_lon, self.origin_lat = event.origin.lon, event.origin.lat  # it changes once: when it is forgotten
        self.quantity_g = max(event.quantity_g, self.promised_g)
        self.listing_version = event.version
        if self._terms() != before:
            self.terms += 1
        return True

    def tell(self) -> RemainingChanged:
        """The present figures, as a new version of them."""
        self.version += 1
        return self.told()

    def told(self) -> RemainingChanged:
        return RemainingChanged(
            listing_id=self.listing_id,
            version=self.version,
            listing_version=self.listing_version,
            quantity_g=self.quantity_g,
            remaining_g=self.free_g,
            held_g=self.held_g,
            agreed_g=self.agreed_g,
        )

    def _terms(self) -> tuple[object, ...]:
        return (self.quantity_g, *(getattr(self, name) for name in TERMS))


def point_of(adcode: str, lon: float | None, lat: float | None) -> Point | None:
    """Where to measure distances from: the point that was given, else the county's; None in no known county."""
    if lon is not None and lat is not None:
        return Point(lon, lat)
    located = places.point_of(adcode)
    return None if located is None else located.point
