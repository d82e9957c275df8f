"""An order: what a buyer wants, its verbs, and what it refuses."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Float, Index, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from chassis.erasure import Erasures
from chassis.problems import Problem
from chassis.problems import Text as Words
from chassis.versions import Versioned
from contracts.listings import Grade
from services.matching.books import Books, quantities_hold
from services.matching.tables import Base

Kind = Literal["bulk", "group", "retail"]
PriceBasis = Literal["delivered", "farm_gate"]
Lifecycle = Literal["open", "cancelled", "expired"]
Status = Literal["open", "filled", "cancelled", "expired"]

TERMS = ("quantity_g", "max_price_fen_per_kg", "deliver_from", "deliver_by")
ERASED = Erasures(Base.metadata)


class OrderClosed(Problem):
    slug, status = "order-closed", 409
    title = Words("求购已结束", "The order is closed")
    detail = Words("它已满足、取消或过期，不能再更改。", "It is filled, cancelled or expired, and can't be changed.")


class QuantityPromised(Problem):
    slug, status = "quantity-promised", 409
    title = Words("数量已被占用", "More is promised already")
    detail = Words(
        "已锁定或达成 {promised_kg} 公斤，数量不能低于此数。",
        "{promised_kg} kg are held or agreed; the quantity can't fall below that.",
    )


class Order(Versioned, Books, Base):
    """What a buyer wants. `version` counts changes of the order itself, never the figures of its matches.

    `terms` counts changes of price, quantity and window: a pair that said no may be proposed again after one. Times
    are UTC. The point is the one that was sent, None where the county's has to do.
    """

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    buyer_id: Mapped[UUID] = mapped_column(Uuid)
    lifecycle: Mapped[Lifecycle] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    terms: Mapped[int] = mapped_column(Integer)
    produce: Mapped[str] = mapped_column(Text)
    min_grade: Mapped[Grade] = mapped_column(Text)
    min_fill_g: Mapped[int] = mapped_column(BigInteger)
    max_price_fen_per_kg: Mapped[int] = mapped_column(Integer)
    price_basis: Mapped[PriceBasis] = mapped_column(Text)
    kind: Mapped[Kind] = mapped_column(Text)
    destination_adcode: Mapped[str] = mapped_column(Text)
    destination_lon: Mapped[float | None] = mapped_column(Float)
    destination_lat: Mapped[float | None] = mapped_column(Float)
    deliver_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deliver_by: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    min_remaining_life_h: Mapped[int] = mapped_column(Integer)
    listing_id: Mapped[UUID | None] = mapped_column(Uuid)
    auto_agree: Mapped[bool] = mapped_column(Boolean)
    reference: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (
        quantities_hold(),
        Index(None, "buyer_id", "id"),
        Index(
            "ix_orders_free_by_produce",
            "produce",
            postgresql_where="lifecycle = 'open' AND quantity_g - held_g - agreed_g > 0",
        ),
        Index(
            "ix_orders_unfilled_by_deadline",
            "deliver_by",
            postgresql_where="lifecycle = 'open' AND agreed_g < quantity_g",
        ),
        Index("ix_orders_promised_by_produce", "produce", "deliver_by", postgresql_where="held_g + agreed_g > 0"),
    )

    @property
    def status(self) -> Status:
        """Filled is not a state of its own: all is agreed; a release reopens it."""
        if self.lifecycle == "open" and self.agreed_g == self.quantity_g:
            return "filled"
        return self.lifecycle

    def must_be_open(self) -> None:
        """Raises OrderClosed once it is cancelled, expired or filled."""
        if self.status != "open":
            raise OrderClosed()

    def change(self, **changes: object) -> None:
        """Take new values; what was changed in price, quantity or window are new terms."""
        before = self._terms()
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1
        if self._terms() != before:
            self.terms += 1

    def cancel(self) -> bool:
        """Want no more; False when it was cancelled before. Raises OrderClosed once filled or expired."""
        if self.lifecycle == "cancelled":
            return False
        self.must_be_open()
        self.lifecycle = "cancelled"
        self.version += 1
        return True

    def forget(self) -> None:
        """Its buyer is nobody any more: want no more, even should a match be released, and say nothing of them."""
        self.lifecycle = "cancelled"
        self.reference = self.destination_lon = self.destination_lat = None
        self.version += 1

    def expire(self) -> None:
        self.lifecycle = "expired"
        self.version += 1

    def _terms(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in TERMS)
