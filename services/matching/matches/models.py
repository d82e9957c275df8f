"""A match: so many grams of one listing for one order, at a price; its verbs, and what it refuses."""

from collections.abc import Collection
from datetime import datetime
from types import SimpleNamespace
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Float, Index, Integer, Table, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem
from chassis.problems import Text as Words
from contracts.listings import Place, TemperatureClass
from contracts.matches import (
    MatchAgreed,
    MatchEvent,
    MatchFulfilled,
    MatchProposed,
    MatchReleased,
    MatchStatus,
    ReleaseReason,
)
from services.matching.optimiser.policy import amount_fen
from services.matching.orders.models import PriceBasis
from services.matching.supply.models import point_of
from services.matching.tables import Base

Side = Literal["producer", "buyer"]
SIDES: tuple[Side, Side] = ("producer", "buyer")
BOTH_SIDES = frozenset(SIDES)
NEVER_AGREED = "NOT (producer_consents AND buyer_consents)"

EVENT_BY_STATUS: dict[MatchStatus, type[MatchEvent]] = {
    "proposed": MatchProposed,
    "agreed": MatchAgreed,
    "released": MatchReleased,
    "fulfilled": MatchFulfilled,
}


class MatchNotOpen(Problem):
    slug, status = "match-not-open", 409
    title = Words("匹配已不可更改", "The match is not open")
    detail = Words(
        "它已达成、释放、完成，或已过答复期限，不能再作此答复。",
        "It was agreed, released or fulfilled, or its deadline has passed, and can't be answered so any more.",
    )


class Match(Base):
    """What one round put together. `version` counts its changes; times are UTC.

    While it is proposed its quantity is held on both sides; from then on it is agreed on both, until it is released.
    `words` are those of the side that declined; `ready_at` is when the lot can leave; `agree_by` is None where both
    had consented beforehand. The places carry the points that the distance was measured between, which the other side
    is shown from the agreement on (`places_of`); of a match never agreed that of an erased side is the county's.

    `under_way_s` is by the policy of its round; None: it was made before that was kept. From `price_basis` on stands
    what the round valued it by, as it was then: a ceiling may change later, and a rescue is of the moment. All None: it
    was made before these were kept. One bonus None: whether the county is on that list nobody knows.
    """

    __tablename__ = "matches"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    status: Mapped[MatchStatus] = mapped_column(Text)
    reason: Mapped[ReleaseReason | None] = mapped_column(Text)
    words: Mapped[str | None] = mapped_column(Text)
    round_id: Mapped[UUID] = mapped_column(Uuid)
    listing_id: Mapped[UUID] = mapped_column(Uuid)
    order_id: Mapped[UUID] = mapped_column(Uuid)
    producer_id: Mapped[UUID] = mapped_column(Uuid)
    buyer_id: Mapped[UUID] = mapped_column(Uuid)
    produce: Mapped[str] = mapped_column(Text)
    quantity_g: Mapped[int] = mapped_column(BigInteger)
    price_fen_per_kg: Mapped[int] = mapped_column(Integer)
    freight_fen_per_kg: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    distance_m: Mapped[int] = mapped_column(Integer)
    temperature_class: Mapped[TemperatureClass] = mapped_column(Text)
    origin_adcode: Mapped[str] = mapped_column(Text)
    origin_lon: Mapped[float] = mapped_column(Float)
    origin_lat: Mapped[float] = mapped_column(Float)
    destination_adcode: Mapped[str] = mapped_column(Text)
    destination_lon: Mapped[float] = mapped_column(Float)
    destination_lat: Mapped[float] = mapped_column(Float)
    ready_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    arrives_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    under_way_s: Mapped[int | None] = mapped_column(Integer)
    deliver_by: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    spoils_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    min_remaining_life_h: Mapped[int] = mapped_column(Integer)
    producer_consents: Mapped[bool] = mapped_column(Boolean)
    buyer_consents: Mapped[bool] = mapped_column(Boolean)
    agree_by: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    price_basis: Mapped[PriceBasis | None] = mapped_column(Text)
    ceiling_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    floor_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    rescue_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    watch_52_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    poverty_832_fen_per_kg: Mapped[int | None] = mapped_column(Integer)
    spread_mfen: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("quantity_g > 0", name="quantity"),
        Index(None, "producer_id", "id"),
        Index(None, "buyer_id", "id"),
        Index(None, "listing_id"),
        Index(None, "order_id"),
        Index("ix_matches_proposed_by_deadline", "agree_by", postgresql_where="status = 'proposed'"),
        Index("ix_matches_never_agreed_by_producer", "producer_id", "id", postgresql_where=NEVER_AGREED),
        Index("ix_matches_never_agreed_by_buyer", "buyer_id", "id", postgresql_where=NEVER_AGREED),
        Index(
            "ix_matches_paid_between",
            "produce",
            "created_at",
            postgresql_where="status IN ('agreed', 'fulfilled')",
            postgresql_include=["price_fen_per_kg", "quantity_g", "producer_id", "buyer_id"],
        ),
    )

    @property
    def delivered_price_fen_per_kg(self) -> int:
        return self.price_fen_per_kg + self.freight_fen_per_kg

    @property
    def accounts(self) -> tuple[UUID, UUID]:
        """Both parties: who may see it, and in whose feeds it stands."""
        return (self.producer_id, self.buyer_id)

    @property
    def was_agreed(self) -> bool:
        """Whether both sides have ever said yes."""
        return self.producer_consents and self.buyer_consents

    def side_of(self, account_id: UUID) -> Side | None:
        """Which party this account is."""
        if account_id == self.producer_id:
            return "producer"
        return "buyer" if account_id == self.buyer_id else None

    def sides_of(self, account_id: UUID) -> frozenset[Side]:
        """All the parties that this account is."""
        return frozenset(side for side, party in zip(SIDES, self.accounts, strict=True) if party == account_id)

    def agree(self, side: Side, now: datetime) -> bool:
        """This side's consent; False when it had been given before. Raises MatchNotOpen.

        The last consent makes it agreed. After `agree_by` no consent counts, even before the job has released it.
        """
        if self.status != "released" and self._consents(side):
            return False
        self._must_be_open()
        if self.agree_by is not None and now > self.agree_by:
            raise MatchNotOpen()
        if side == "producer":
            self.producer_consents = True
        else:
            self.buyer_consents = True
        if self.producer_consents and self.buyer_consents:
            self.status = "agreed"
        self.version += 1
        return True

    def decline(self, words: str | None) -> None:
        """One side says no, and perhaps why. Raises MatchNotOpen unless it is proposed."""
        self._must_be_open()
        self.words = words
        self._release("declined")

    def release(self, reason: ReleaseReason) -> bool:
        """Let go of a proposed or agreed match; False when it was released or fulfilled before."""
        if self.status not in {"proposed", "agreed"}:
            return False
        self._release(reason)
        return True

    def weigh(self, quantity_g: int) -> int:
        """So much was fetched: less than agreed counts, more never does. What that gives back; 0 where nothing."""
        if self.status != "agreed" or not 0 < quantity_g < self.quantity_g:
            return 0
        given_back_g = self.quantity_g - quantity_g
        self.quantity_g = quantity_g
        self.amount_fen = amount_fen(quantity_g, self.price_fen_per_kg)
        self.version += 1
        return given_back_g

    def forget_places(self, sides: Collection[Side]) -> None:
        """Keep no finer point of these sides than the county's; what was agreed keeps its places."""
        origin, destination = places_of(self, BOTH_SIDES - set(sides))
        if origin.lon is not None and origin.lat is not None:
            self.origin_lon, self.origin_lat = origin.lon, origin.lat
        if destination.lon is not None and destination.lat is not None:
            self.destination_lon, self.destination_lat = destination.lon, destination.lat

    def fulfil(self) -> bool:
        """The goods were delivered; False unless it is agreed."""
        if self.status != "agreed":
            return False
        self.status = "fulfilled"
        self.version += 1
        return True

    def fact(self) -> MatchEvent:
        """The event of the present status, with the match's whole state."""
        return fact_of(self)

    def _consents(self, side: Side) -> bool:
        return self.producer_consents if side == "producer" else self.buyer_consents

    def _must_be_open(self) -> None:
        if self.status != "proposed":
            raise MatchNotOpen()

    def _release(self, reason: ReleaseReason) -> None:
        self.status, self.reason = "released", reason
        self.version += 1


class NewMatch(SimpleNamespace):
    """A match that its round has just made, with every column of `Match` by its name. Nobody changes it: it is written
    and told. Rounds make thousands, and an object of SQLAlchemy takes longer than all the rest of a match."""

    @property
    def delivered_price_fen_per_kg(self) -> int:
        return int(self.price_fen_per_kg + self.freight_fen_per_kg)

    @property
    def accounts(self) -> tuple[UUID, UUID]:
        """As of `Match`."""
        return (self.producer_id, self.buyer_id)

    @property
    def was_agreed(self) -> bool:
        """As of `Match`."""
        return bool(self.producer_consents and self.buyer_consents)


def places_of(match: Match | NewMatch, seen_by: Collection[Side]) -> tuple[Place, Place]:
    """Origin and destination as these sides see them: until it is agreed, the other's is the county with its point."""
    origin = Place(adcode=match.origin_adcode, lon=match.origin_lon, lat=match.origin_lat)
    destination = Place(adcode=match.destination_adcode, lon=match.destination_lon, lat=match.destination_lat)
    if match.was_agreed:
        return origin, destination
    return (
        origin if "producer" in seen_by else county_of(origin),
        destination if "buyer" in seen_by else county_of(destination),
    )


def county_of(place: Place) -> Place:
    """The place no finer than its county."""
    point = point_of(place.adcode, None, None)
    return Place(adcode=place.adcode) if point is None else Place(adcode=place.adcode, lon=point.lon, lat=point.lat)


def fact_of(match: Match | NewMatch, kind: type[MatchEvent] | None = None) -> MatchEvent:
    """The event of this kind, by default that of the present status, with the match's whole state; but until it is
    agreed nobody who listens has to know more of its places than their counties."""
    origin, destination = places_of(match, ())
    return (kind or EVENT_BY_STATUS[match.status])(
        match_id=match.id,
        version=match.version,
        status=match.status,
        reason=match.reason,
        listing_id=match.listing_id,
        order_id=match.order_id,
        producer_id=match.producer_id,
        buyer_id=match.buyer_id,
        produce=match.produce,
        quantity_g=match.quantity_g,
        price_fen_per_kg=match.price_fen_per_kg,
        freight_fen_per_kg=match.freight_fen_per_kg,
        amount_fen=match.amount_fen,
        distance_m=match.distance_m,
        temperature_class=match.temperature_class,
        origin=origin,
        destination=destination,
        ready_at=match.ready_at,
        arrives_at=match.arrives_at,
        deliver_by=match.deliver_by,
        spoils_at=match.spoils_at,
        min_remaining_life_h=match.min_remaining_life_h,
        round_id=match.round_id,
        under_way_s=match.under_way_s,
    )


REFUSED_PAIRS = Table(
    "refused_pairs",
    Base.metadata,
    Column("listing_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("listing_terms", Integer, nullable=False),
    Column("order_terms", Integer, nullable=False),
)
"""Pairs declined or lapsed, and the terms of both sides then: not proposed again while neither has changed."""

MATCH_DELIVERIES = Table(
    "match_deliveries",
    Base.metadata,
    Column("parcel_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("match_id", Uuid, nullable=False, index=True),
    Column("delivered_g", BigInteger, nullable=False),
)
"""What each parcel of a match has brought to the buyer: its weight, 0 while it hasn't or when it came back."""
