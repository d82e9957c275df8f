"""A shipment: one agreed match on the move, its verbs, and what it refuses."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from catalogue import places
from catalogue.geodesy import Point
from chassis.photos import TooManyPhotos
from chassis.problems import FieldError, InvalidInput, Problem
from chassis.problems import Text as Words
from contracts.listings import TemperatureClass
from contracts.shipments import ShipmentEvent, ShipmentStatus
from services.logistics.tables import Base

ReportType = Literal["picked_up", "delivered", "failed"]

HANDLING = timedelta(hours=4)
SPEED_M_PER_H = 60_000
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of a carrier's phone may be off."""

PHOTOS_MAX = 10

CLAIMABLE: tuple[ShipmentStatus, ...] = ("open", "failed")
NOT_PICKED_UP: tuple[ShipmentStatus, ...] = ("open", "claimed", "failed")
BEFORE: dict[ReportType, tuple[ShipmentStatus, ...]] = {
    "picked_up": ("claimed",),
    "delivered": ("picked_up",),
    "failed": ("claimed", "picked_up"),
}


class ShipmentNotOpen(Problem):
    slug, status = "shipment-not-open", 409
    title = Words("运单不可承接", "The shipment is not open")
    detail = Words(
        "它已被承接、已送达或已取消，或已来不及新鲜送达。",
        "It is claimed, done or cancelled, or there is no time left to bring it fresh.",
    )


class ShipmentNotClaimed(Problem):
    slug, status = "shipment-not-claimed", 409
    title = Words("您未承接此运单", "You have not claimed this shipment")
    detail = Words("请先承接运单。", "Claim the shipment first.")


class WrongShipmentState(Problem):
    slug, status = "wrong-shipment-state", 409
    title = Words("运单状态不符", "The shipment is not in that state")
    detail = Words("运单现为 {present}，不能进行 {wanted}。", "The shipment is {present}: it can't be {wanted} now.")


def seat_of(adcode: str) -> Point:
    """The county's. Raises ValueError for no known county."""
    located = places.point_of(adcode)
    if located is None:
        raise ValueError(f"no point is known for {adcode}")
    return located.point


def last_departure(
    spoils_at: datetime, min_remaining_life_h: int, distance_m: int, under_way_s: int | None = None
) -> datetime:
    """The last moment a lot can leave and still arrive as fresh as was agreed.

    spoils_at − min_remaining_life − under_way, as matching judged it fresh, turned round. A match that does not tell
    how long it is under way is reckoned by policy 1: handling + its own distance (detours included) ÷ speed.
    """
    under_way = HANDLING + timedelta(hours=distance_m / SPEED_M_PER_H)
    if under_way_s is not None:
        under_way = timedelta(seconds=under_way_s)
    return spoils_at - timedelta(hours=min_remaining_life_h) - under_way


class Shipment(Base):
    """What was agreed, and how far it has come. Instants are UTC, points WGS-84.

    A failed shipment keeps its last carrier until another claims it. `last_report_at` is the carrier's own word, of
    the present claim. `delivered_by_parcels`: its match was fulfilled by parcels, before the carrier told of it.
    """

    __tablename__ = "shipments"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    match_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    listing_id: Mapped[UUID] = mapped_column(Uuid)
    order_id: Mapped[UUID] = mapped_column(Uuid)
    producer_id: Mapped[UUID] = mapped_column(Uuid)
    buyer_id: Mapped[UUID] = mapped_column(Uuid)
    carrier_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[ShipmentStatus] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    produce: Mapped[str] = mapped_column(Text)
    quantity_g: Mapped[int] = mapped_column(BigInteger)
    temperature_class: Mapped[TemperatureClass] = mapped_column(Text)
    origin_adcode: Mapped[str] = mapped_column(Text)
    origin_lon: Mapped[float] = mapped_column(Float)
    origin_lat: Mapped[float] = mapped_column(Float)
    destination_adcode: Mapped[str] = mapped_column(Text)
    destination_lon: Mapped[float] = mapped_column(Float)
    destination_lat: Mapped[float] = mapped_column(Float)
    distance_m: Mapped[int] = mapped_column(BigInteger)
    ready_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deliver_by: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    spoils_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    min_remaining_life_h: Mapped[int] = mapped_column(Integer)
    leave_by: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_report_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivered_by_parcels: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (
        Index(None, "carrier_id", "id"),
        Index(None, "producer_id", "id"),
        Index(None, "buyer_id", "id"),
        Index("ix_shipments_waiting", "leave_by", postgresql_where="status IN ('open', 'claimed', 'failed')"),
    )

    @property
    def parties(self) -> tuple[UUID, UUID]:
        return (self.producer_id, self.buyer_id)

    def points(self, erased: Collection[UUID] = ()) -> tuple[Point, Point]:
        """Where it is fetched and brought; of these accounts no finer than the county."""
        origin, destination = Point(self.origin_lon, self.origin_lat), Point(self.destination_lon, self.destination_lat)
        return (
            seat_of(self.origin_adcode) if self.producer_id in erased else origin,
            seat_of(self.destination_adcode) if self.buyer_id in erased else destination,
        )

    def claim(self, carrier_id: UUID, now: datetime) -> bool:
        """Give it to this carrier; False when it has it already. Raises ShipmentNotOpen."""
        if self.status == "claimed" and self.carrier_id == carrier_id:
            return False
        if self.status not in CLAIMABLE or now >= self.leave_by:
            raise ShipmentNotOpen()
        self.carrier_id, self.last_report_at = carrier_id, None
        self._become("claimed")
        return True

    def release(self, carrier_id: UUID) -> None:
        """Give it back to everyone, before it was picked up. Raises ShipmentNotClaimed or WrongShipmentState."""
        self._must_be_of(carrier_id)
        if self.status != "claimed":
            raise WrongShipmentState(present=self.status, wanted="released")
        self.carrier_id = None
        self._become("open")

    def report(
        self, carrier_id: UUID, kind: ReportType, at: datetime, now: datetime, weight_g: int | None = None
    ) -> bool:
        """What the carrier says happened `at`; False when it was known from the parcels.

        What was fetched may weigh less than was agreed, and is then what there is to carry; more changes nothing.

        Raises ShipmentNotClaimed, WrongShipmentState, or InvalidInput for a time that can't be.
        """
        self._must_be_of(carrier_id)
        if self.delivered_by_parcels and kind != "failed":
            return False
        if self.status not in BEFORE[kind]:
            raise WrongShipmentState(present=self.status, wanted=kind)
        self._must_be_possible(at, now)
        self.last_report_at = at
        if kind == "picked_up" and weight_g is not None:
            self.quantity_g = min(self.quantity_g, weight_g)
        self._become(kind)
        return True

    def show(self, carrier_id: UUID, photos: int) -> None:
        """One more photo of it, beside so many. Raises ShipmentNotClaimed or TooManyPhotos."""
        self._must_be_of(carrier_id)
        if photos >= PHOTOS_MAX:
            raise TooManyPhotos(most=PHOTOS_MAX)

    def cancel(self) -> bool:
        """End it before it was picked up; False when it is too late for that, or done before."""
        if self.status not in NOT_PICKED_UP:
            return False
        self._become("cancelled")
        return True

    def fulfil(self, quantity_g: int) -> bool:
        """Its match is fulfilled, of so much; False when that is no news. Otherwise it was by parcels.

        What was weighed while parcels brought more came too late to count, also where it is delivered by now.
        """
        if self.status == "cancelled" or (self.status == "delivered" and self.quantity_g == quantity_g):
            return False
        self.delivered_by_parcels = self.delivered_by_parcels or self.status != "delivered"
        self.quantity_g = quantity_g
        self._become("delivered")
        return True

    def fact(self, kind: type[ShipmentEvent], at: datetime) -> ShipmentEvent:
        """The event of this kind with the shipment's state."""
        return kind(
            shipment_id=self.id,
            version=self.version,
            match_id=self.match_id,
            status=self.status,
            carrier_id=self.carrier_id,
            quantity_g=self.quantity_g,
            at=at,
        )

    def _become(self, status: ShipmentStatus) -> None:
        self.status = status
        self.version += 1

    def _must_be_of(self, carrier_id: UUID) -> None:
        if self.carrier_id != carrier_id:
            raise ShipmentNotClaimed()

    def _must_be_possible(self, at: datetime, now: datetime) -> None:
        """After the report before it, or after the match was agreed; and not in the future.

        Before `ready_at` is possible: a producer may hand a lot over earlier than announced.
        """
        if at > now + CLOCK_SKEW:
            raise InvalidInput(errors=[FieldError("#/at", Words("时间在将来。", "That is in the future."))])
        if at < (self.last_report_at or self.opened_at - CLOCK_SKEW):
            words = Words("早于运单的上一事件。", "That is before what happened to it last.")
            raise InvalidInput(errors=[FieldError("#/at", words)])


class Report(Base):
    """What a carrier said of a shipment, as it was said; never changed."""

    __tablename__ = "shipment_reports"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey(Shipment.id), index=True)
    carrier_id: Mapped[UUID] = mapped_column(Uuid)
    type: Mapped[ReportType] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Photo(Base):
    """What a carrier showed of a shipment: a JPEG of ours, with nothing of the phone that took it."""

    __tablename__ = "shipment_photos"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey(Shipment.id), index=True)
    carrier_id: Mapped[UUID] = mapped_column(Uuid)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size_b: Mapped[int] = mapped_column(Integer)
    width_px: Mapped[int] = mapped_column(Integer)
    height_px: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ReleasedMatch(Base):
    """A match that was released before a shipment was opened: news of its agreement, come late, opens none."""

    __tablename__ = "released_matches"

    match_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    released_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
