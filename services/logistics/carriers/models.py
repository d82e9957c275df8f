"""A carrier's vehicle."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Float,
    Index,
    Integer,
    Text,
    Time,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.erasure import Erasures
from chassis.versions import Versioned
from contracts.listings import TemperatureClass
from services.logistics.tables import Base

ERASED = Erasures(Base.metadata)


class Vehicle(Versioned, Base):
    """What a carrier drives, from its depot and back to it within one shift.

    The shift is by the clocks of Asia/Shanghai, every day the same; one that ends no later than it starts ends on the
    next day, so that equal times are a whole day. `breaks`, in their order: `{"start", "end", "minutes"}`, by the same
    clocks, each beginning between the two. `area`: codes of the counties, prefectures and provinces that it fetches
    from; empty, from anywhere. An hour costs from leaving the depot until it is back. One that is `retired` gets no
    more routes.
    """

    __tablename__ = "vehicles"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    carrier_id: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    capacity_g: Mapped[int] = mapped_column(BigInteger)
    temperature_classes: Mapped[list[TemperatureClass]] = mapped_column(ARRAY(Text))
    depot_lon: Mapped[float] = mapped_column(Float)
    depot_lat: Mapped[float] = mapped_column(Float)
    shift_start: Mapped[time] = mapped_column(Time)
    shift_end: Mapped[time] = mapped_column(Time)
    breaks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    area: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    cost_fen_per_km: Mapped[int] = mapped_column(Integer)
    cost_fen_per_h: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    retired: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (
        CheckConstraint("capacity_g > 0", name="capacity"),
        Index(None, "carrier_id", "id"),
    )

    def forget(self) -> None:
        """Its carrier is nobody any more: get no more routes. The depot stays to the degree, some 100 km."""
        self.change(name="", depot_lon=round(self.depot_lon, 0), depot_lat=round(self.depot_lat, 0), retired=True)

    def change(self, **changes: object) -> None:
        """Take new values; a version on, where any differs."""
        if any(getattr(self, name) != value for name, value in changes.items()):
            for name, value in changes.items():
                setattr(self, name, value)
            self.version += 1
