"""A parcel: one courier waybill. Tables of Core alone, and what registering refuses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, SmallInteger, Table, Uuid
from sqlalchemy import Text as SqlText

from chassis.problems import Problem, Text
from contracts.parcels import ParcelEvent, SubsidyStatus
from services.logistics.parcels.states import Seen, status_of
from services.logistics.tables import Base

DELIVERY_DEADLINE = timedelta(days=30)


class WaybillTaken(Problem):
    slug, status = "waybill-taken", 409
    title = Text("面单号已被登记", "The waybill is taken")
    detail = Text(
        "所列面单号已由另一承运商登记。没有任何内容被更改。",
        "Another carrier has registered the waybills listed. Nothing was changed.",
    )


PARCELS = Table(
    "parcels",
    Base.metadata,
    Column("id", Uuid, primary_key=True),
    Column("identity", SqlText, nullable=False, unique=True),
    Column("waybill", SqlText, nullable=False),
    Column("carrier_id", Uuid, nullable=False),
    Column("match_id", Uuid, nullable=False),
    Column("weight_g", BigInteger, nullable=False),
    Column("counted_g", BigInteger, nullable=False),
    Column("recipient_adcode", SqlText, nullable=False),
    Column("order_ref", SqlText),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("deadline_at", DateTime(timezone=True)),
    Column("seen", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "carrier_id", "id"),
    Index(None, "match_id", "id"),
    Index("ix_parcels_deadline_at", "deadline_at", postgresql_where="deadline_at IS NOT NULL"),
)
"""`waybill` is as it was first written, `identity` what it is however written. `seen` sums the scans (`states.Seen`).
`counted_g` is its weight, or 0 where with it the match's parcels would weigh over 1.1 times the match: such a parcel is
no goods of the match. `deadline_at` is gone once the parcel has come to an end."""

SCANS = Table(
    "parcel_scans",
    Base.metadata,
    Column("parcel_id", Uuid, primary_key=True),
    Column("type", SqlText, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("adcode", SqlText, primary_key=True),
)
"""What the carrier told, each once, however often it came."""

LOADS = Table(
    "match_loads",
    Base.metadata,
    Column("match_id", Uuid, primary_key=True),
    Column("parcels_g", BigInteger, nullable=False),
)
"""What the parcels of a match weigh together; one that would put it over 1.1 times the match is not counted."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row of `PARCELS`."""

    id: UUID
    identity: str
    waybill: str
    carrier_id: UUID
    match_id: UUID
    weight_g: int
    counted_g: int
    recipient_adcode: str
    order_ref: str | None
    registered_at: datetime
    deadline_at: datetime | None
    seen: Seen
    version: int


@dataclass(frozen=True, slots=True)
class Subsidy:
    """A row of `SUBSIDIES` as parcels use it; `NO_SUBSIDY` where there is none."""

    status: SubsidyStatus
    first_status: SubsidyStatus
    reason: str | None = None
    refused_by: UUID | None = None
    programme_id: UUID | None = None
    amount_fen: int | None = None
    rule_version: int | None = None
    turn: int = 1
    posted_at: datetime | None = None


NO_SUBSIDY = Subsidy("none", "none")


def fact(kind: type[ParcelEvent], parcel: Parcel, subsidy: Subsidy, at: datetime) -> ParcelEvent:
    """The event of this kind with the parcel's state."""
    return kind(
        parcel_id=parcel.id,
        version=parcel.version,
        match_id=parcel.match_id,
        carrier_id=parcel.carrier_id,
        weight_g=parcel.weight_g,
        counted_g=parcel.counted_g,
        status=status_of(parcel.seen),
        subsidy=subsidy.status,
        programme_id=subsidy.programme_id,
        subsidy_fen=subsidy.amount_fen,
        at=at,
    )
