"""Reading and writing parcels: Core, a statement for the whole array."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among, given, insert_given, parameters, parameters_of
from chassis.db import WriteSession
from contracts.parcels import ParcelStatus, SubsidyStatus
from contracts.shipments import ShipmentStatus
from services.logistics.parcels.models import LOADS, NO_SUBSIDY, PARCELS, SCANS, Parcel, Subsidy
from services.logistics.parcels.states import SEEN_BY_STATUS, Seen
from services.logistics.shipments.models import Shipment
from services.logistics.subsidy.models import SUBSIDIES
from services.logistics.subsidy.queries import subsidies_of

LOOKED_AT = 10_000
"""Parcels a page of a list looks at, at most."""

_NAMES = tuple(PARCELS.c.keys())
_INSERT_PARCELS = (
    insert_given(PARCELS, *_NAMES).on_conflict_do_nothing(index_elements=["identity"]).returning(PARCELS.c.identity)
)
_INSERT_SCANS = insert_given(SCANS, *SCANS.c.keys()).on_conflict_do_nothing()
_CHANGED = ("id", "seen", "deadline_at", "version")
_GIVEN = given(PARCELS, *_CHANGED)
_UPDATE_PARCELS = (
    update(PARCELS).where(PARCELS.c.id == _GIVEN.c.id).values({name: _GIVEN.c[name] for name in _CHANGED[1:]})
)
_NEW_LOADS = insert_given(LOADS, "match_id", "parcels_g")
_ADD_LOADS = _NEW_LOADS.on_conflict_do_update(
    index_elements=["match_id"], set_={"parcels_g": LOADS.c.parcels_g + _NEW_LOADS.excluded.parcels_g}
).returning(LOADS.c.match_id, LOADS.c.parcels_g)


@dataclass(frozen=True, slots=True)
class Goods:
    """What a match's shipment says of its parcels. `now` is the database's clock."""

    match_id: UUID
    carrier_id: UUID | None
    status: ShipmentStatus
    producer_id: UUID
    buyer_id: UUID
    produce: str
    origin_adcode: str
    quantity_g: int
    now: datetime

    def claimed_by(self, carrier_id: UUID | None) -> bool:
        """Whether it is this carrier's to send; None stands for whoever claimed it."""
        return (
            self.carrier_id is not None
            and self.status != "cancelled"
            and (carrier_id is None or carrier_id == self.carrier_id)
        )


async def goods_of(session: AsyncSession, match_ids: Collection[UUID]) -> dict[UUID, Goods]:
    s = Shipment
    columns = (s.match_id, s.carrier_id, s.status, s.producer_id, s.buyer_id, s.produce, s.origin_adcode, s.quantity_g)
    rows = await session.execute(select(*columns, func.clock_timestamp()).where(among(s.match_id, match_ids)))
    return {row.match_id: Goods(*row) for row in rows}


async def parcel_of(session: AsyncSession, identity: str, carrier_id: UUID | None) -> Parcel | None:
    mine = _of(PARCELS.c.carrier_id, carrier_id)
    row = (await session.execute(select(PARCELS).where(PARCELS.c.identity == identity, mine))).one_or_none()
    return None if row is None else _parcel(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a carrier's parcels; None is any."""

    status: ParcelStatus | None = None
    subsidy: SubsidyStatus | None = None
    match_id: UUID | None = None


async def parcels_of(
    session: AsyncSession, carrier_id: UUID | None, wanted: Wanted, *, after: UUID | None, limit: int
) -> tuple[list[Parcel], UUID | None]:
    """At most `limit` of a carrier's parcels behind that one, the oldest first, and where to go on, if there are more.

    It looks at no more than `LOOKED_AT` of them, or of one match's, whatever is wanted, so that a rare status among
    millions costs no more than a page: what it finds may be little, or nothing, and not the end.
    """
    looked = select(PARCELS).where(_of(PARCELS.c.carrier_id, carrier_id)).order_by(PARCELS.c.id).limit(LOOKED_AT + 1)
    if wanted.match_id is not None:
        looked = looked.where(PARCELS.c.match_id == wanted.match_id)
    if after is not None:
        looked = looked.where(PARCELS.c.id > after)
    numbered = looked.add_columns(func.row_number().over(order_by=PARCELS.c.id).label("number")).cte("looked")
    conditions = [numbered.c.number <= LOOKED_AT, *_wanted(numbered.c, wanted)]
    found = select(numbered).where(*conditions).order_by(numbered.c.id).limit(limit + 1)
    rows = (await session.execute(found)).all()
    if len(rows) > limit:
        return [_parcel(row) for row in rows[:limit]], rows[limit - 1].id
    more = select(numbered.c.id).where(numbered.c.number.in_((LOOKED_AT, LOOKED_AT + 1))).order_by(numbered.c.id)
    ends = (await session.scalars(more)).all()
    return [_parcel(row) for row in rows], ends[0] if len(ends) > 1 else None


def _wanted(columns: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        conditions.append(columns.seen.in_(SEEN_BY_STATUS[wanted.status]))
    if wanted.subsidy is not None:
        status = select(SUBSIDIES.c.status).where(SUBSIDIES.c.subject_id == columns.id).scalar_subquery()
        conditions.append(func.coalesce(status, "none") == wanted.subsidy)
    return conditions


async def parcels_called(session: AsyncSession, identities: Collection[str]) -> dict[str, Parcel]:
    """The parcels of these waybills, whoever's they are."""
    if not identities:
        return {}
    rows = await session.execute(select(PARCELS).where(among(PARCELS.c.identity, identities)))
    return {row.identity: _parcel(row) for row in rows}


async def locked_parcels(session: WriteSession, identities: Collection[str]) -> dict[str, Parcel]:
    """The parcels of these waybills, whoever's they are, locked in the order of their identities."""
    wanted = select(PARCELS).where(among(PARCELS.c.identity, identities))
    rows = await session.execute(wanted.order_by(PARCELS.c.identity).with_for_update())
    return {row.identity: _parcel(row) for row in rows}


async def locked_by_id(session: WriteSession, parcel_ids: Collection[UUID]) -> list[Parcel]:
    """These parcels, locked in the order of their identities."""
    wanted = select(PARCELS).where(among(PARCELS.c.id, parcel_ids)).order_by(PARCELS.c.identity).with_for_update()
    return [_parcel(row) for row in await session.execute(wanted)]


async def locked_overdue(session: WriteSession, limit: int) -> list[Parcel]:
    """Parcels whose time is over by the database's clock; what others have locked is passed over."""
    wanted = (
        select(PARCELS)
        .where(PARCELS.c.deadline_at <= func.now())
        .order_by(PARCELS.c.deadline_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_parcel(row) for row in await session.execute(wanted)]


async def insert_parcels(session: WriteSession, parcels: Sequence[Parcel]) -> set[str]:
    """Write those whose waybill nobody has registered; their identities.

    In the order of their identities, so that two arrays with the same waybills can't wait for each other.
    """
    if not parcels:
        return set()
    ordered = sorted(parcels, key=lambda parcel: parcel.identity)
    return set((await session.scalars(_INSERT_PARCELS, _columns(ordered, _NAMES))).all())


async def count_nothing(session: WriteSession, parcel_ids: Collection[UUID]) -> None:
    """These parcels are no goods of their match."""
    if parcel_ids:
        await session.execute(update(PARCELS).where(among(PARCELS.c.id, parcel_ids)).values(counted_g=0))


async def update_parcels(session: WriteSession, parcels: Sequence[Parcel]) -> None:
    if parcels:
        await session.execute(_UPDATE_PARCELS, _columns(parcels, _CHANGED))


async def add_scans(session: WriteSession, scans: Sequence[Mapping[str, Any]]) -> None:
    if scans:
        await session.execute(_INSERT_SCANS, parameters_of(scans, *SCANS.c.keys()))


async def add_loads(session: WriteSession, grams_by_match: Mapping[UUID, int]) -> dict[UUID, int]:
    """Add (or take away) what a match's parcels weigh, in the order of their ids; what they weigh after it."""
    if not grams_by_match:
        return {}
    ordered = sorted(grams_by_match.items())
    rows = parameters({"match_id": [each for each, _ in ordered], "parcels_g": [grams for _, grams in ordered]})
    return {row.match_id: row.parcels_g for row in await session.execute(_ADD_LOADS, rows)}


async def subsidies_by_parcel(session: AsyncSession, parcel_ids: Collection[UUID]) -> dict[UUID, Subsidy]:
    """What these parcels' subsidies are; a parcel without one has `NO_SUBSIDY`."""
    found = dict.fromkeys(parcel_ids, NO_SUBSIDY)
    for parcel_id, row in (await subsidies_of(session, parcel_ids)).items():
        found[parcel_id] = Subsidy(**{name: getattr(row, name) for name in Subsidy.__slots__})
    return found


def _of(column: ColumnElement[Any], carrier_id: UUID | None) -> ColumnElement[bool]:
    return true() if carrier_id is None else column == carrier_id


def _columns(parcels: Sequence[Parcel], names: Sequence[str]) -> dict[str, list[Any]]:
    columns = {name: [getattr(parcel, name) for parcel in parcels] for name in names}
    # a flag is iterable, which asyncpg would take for one more dimension of the array
    return parameters(columns | {"seen": [int(parcel.seen) for parcel in parcels]})


def _parcel(row: Row[tuple[Any, ...]]) -> Parcel:
    values = {name: getattr(row, name) for name in _NAMES}
    return Parcel(**values | {"seen": Seen(row.seen)})
