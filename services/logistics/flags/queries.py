"""Reading flags, and what the rules look at in a statement."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Float, Select, Text, column, extract, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue import places
from chassis.db import WriteSession
from chassis.ids import earliest_id
from chassis.newest import newest
from services.logistics.flags.models import Flag, Status
from services.logistics.flags.rules import EARLY_MOST, RECIPIENT_FEWEST, Early, Repeated, Rule, Seen, Share, Weights
from services.logistics.parcels.models import LOADS, PARCELS, SCANS
from services.logistics.shipments.models import Report, Shipment
from services.logistics.subsidy.fund import BUCKETS
from services.logistics.subsidy.models import LEDGER_HEADS, SUBSIDIES

s, p = SUBSIDIES.c, PARCELS.c
GRANTED = ("reserved", "posted", "voided", "reversed")
REFUSED = ("not_eligible", "fund_exhausted")


async def share_of(
    session: AsyncSession, programme_id: UUID, payee_id: UUID, begins_at: datetime, ends_at: datetime, settled: int
) -> Share:
    """Of the payee in the period; and of all the programme's others, by its counts, over its whole life. `settled` of
    those granted are in the payee's statements of before.

    A parcel's id is of version 7, made when it is registered: so the payee's of a period lie together.
    """
    rows = await session.execute(
        select(func.count(), func.count().filter(s.status.in_(GRANTED)), func.count().filter(s.status.in_(REFUSED)))
        .join_from(PARCELS, SUBSIDIES, s.subject_id == p.id, isouter=True)
        .where(p.carrier_id == payee_id, p.id >= earliest_id(begins_at), p.id < earliest_id(ends_at))
    )
    registered, granted, refused = rows.one()
    h = LEDGER_HEADS.c
    counts = (await session.execute(select(*(h[each] for each in BUCKETS)).where(h.programme_id == programme_id))).one()
    others_granted = max(0, sum(getattr(counts, each) for each in GRANTED) - granted - settled)
    others_asked = others_granted + max(0, counts.refused - refused)
    return Share(str(payee_id), registered, granted, others_asked, others_granted)


async def weights_of(session: AsyncSession, settlement_id: UUID) -> list[Weights]:
    """Of each match in the statement that was weighed when it was fetched; the last report counts."""
    matches = select(s.match_id).where(s.settlement_id == settlement_id).distinct()
    rows = await session.execute(
        select(LOADS.c.match_id, LOADS.c.parcels_g, Report.weight_g)
        .join_from(LOADS, Shipment, Shipment.match_id == LOADS.c.match_id)
        .join(Report, Report.shipment_id == Shipment.id)
        .where(LOADS.c.match_id.in_(matches), Report.type == "picked_up", Report.weight_g.is_not(None))
        .ext(distinct_on(LOADS.c.match_id))
        .order_by(LOADS.c.match_id, Report.recorded_at.desc())
    )
    return [Weights(str(match_id), declared_g, weighed_g) for match_id, declared_g, weighed_g in rows]


async def quickest_hops(session: AsyncSession, settlement_id: UUID) -> list[tuple[str, str, float]]:
    """From county to county, of the parcels in the statement: where, where to, and the fewest seconds between scans."""
    hops = _hops(settlement_id).subquery().c
    wanted = select(hops.one, hops.other, func.min(hops.seconds)).group_by(hops.one, hops.other)
    return [(one, other, float(seconds)) for one, other, seconds in await session.execute(wanted)]


async def scans_of_hops(
    session: AsyncSession, settlement_id: UUID, hops: Sequence[tuple[str, str, float]], limit: int
) -> dict[str, list[Seen]]:
    """By waybill, all scans of the statement's parcels that made one of these hops in fewer seconds."""
    if not hops:
        return {}
    columns = [list(each) for each in zip(*hops, strict=True)]
    kinds: list[tuple[str, Any]] = [("one", Text), ("other", Text), ("within_s", Float)]
    arrays = [literal(values, ARRAY(kind)) for values, (_, kind) in zip(columns, kinds, strict=True)]
    asked = func.unnest(*arrays).table_valued(*(column(*kind) for kind in kinds), name="asked").render_derived().c
    made = _hops(settlement_id).subquery().c
    fast = (
        select(made.parcel_id)
        .where(made.one == asked.one, made.other == asked.other, made.seconds < asked.within_s)
        .distinct()
        .limit(limit)
        .subquery()
    )
    c = SCANS.c
    rows = await session.execute(
        select(p.waybill, c.at, c.adcode)
        .join_from(SCANS, fast, fast.c.parcel_id == c.parcel_id)
        .join(PARCELS, p.id == c.parcel_id)
    )
    found: dict[str, list[Seen]] = defaultdict(list)
    for waybill, at, adcode in rows:
        located = places.point_of(adcode)
        if located is not None:
            found[waybill].append(Seen(at, adcode, located.point.lon, located.point.lat))
    return found


def _hops(settlement_id: UUID) -> Select[Any]:
    """From each scan of a parcel to its next, where that is in another county."""
    c = SCANS.c
    in_order: dict[str, Any] = {"partition_by": c.parcel_id, "order_by": c.at}
    before, since = func.lag(c.adcode).over(**in_order), func.lag(c.at).over(**in_order)
    seconds = extract("epoch", c.at - since).label("seconds")
    steps = (
        select(c.parcel_id, before.label("one"), c.adcode.label("other"), seconds)
        .join_from(SCANS, SUBSIDIES, s.subject_id == c.parcel_id)
        .where(s.settlement_id == settlement_id)
        .subquery()
    )
    return select(steps).where(steps.c.one != steps.c.other)


async def repeated_of(session: AsyncSession, settlement_id: UUID) -> list[Repeated]:
    """Groups of the statement's parcels without an order's number that are all alike."""
    rows = await session.execute(
        select(p.match_id, p.recipient_adcode, p.weight_g, func.count())
        .join_from(SUBSIDIES, PARCELS, p.id == s.subject_id)
        .where(s.settlement_id == settlement_id, p.order_ref.is_(None))
        .group_by(p.match_id, p.recipient_adcode, p.weight_g)
        .having(func.count() >= RECIPIENT_FEWEST)
    )
    return [Repeated(str(match_id), adcode, weight_g, parcels) for match_id, adcode, weight_g, parcels in rows]


async def early_of(session: AsyncSession, settlement_id: UUID, payee_id: UUID) -> list[Early]:
    """Of each match in the statement: its parcels that were delivered, by their scans, before their carrier first
    fetched it, by its own word, or though it never did. What another fetched, who failed, is not with this one yet."""
    matches = select(s.match_id).where(s.settlement_id == settlement_id)
    fetched = (
        select(Shipment.match_id, func.min(Report.at).label("at"))
        .join_from(Shipment, Report, Report.shipment_id == Shipment.id)
        .where(Shipment.match_id.in_(matches), Report.type == "picked_up", Report.carrier_id == payee_id)
        .group_by(Shipment.match_id)
        .subquery()
        .c
    )
    is_early = or_(fetched.at.is_(None), SCANS.c.at < fetched.at - EARLY_MOST)
    rows = await session.execute(
        select(s.match_id, fetched.at, func.min(SCANS.c.at), func.count(s.subject_id.distinct()))
        .join_from(SUBSIDIES, SCANS, SCANS.c.parcel_id == s.subject_id)
        .join(fetched.match_id.table, fetched.match_id == s.match_id, isouter=True)
        .where(s.settlement_id == settlement_id, SCANS.c.type == "delivered", is_early)
        .group_by(s.match_id, fetched.at)
        .order_by(s.match_id)
    )
    return [Early(str(match_id), at, first_at, parcels) for match_id, at, first_at, parcels in rows]


async def open_flags(session: AsyncSession, settlement_id: UUID) -> int:
    wanted = select(func.count()).where(Flag.settlement_id == settlement_id, Flag.status == "open")
    return int((await session.execute(wanted)).scalar_one())


async def reviewers_of(session: AsyncSession, settlement_id: UUID) -> set[UUID]:
    """The officers who have reviewed a flag of this statement."""
    wanted = select(Flag.reviewed_by).where(Flag.settlement_id == settlement_id, Flag.reviewed_by.is_not(None))
    return {each for each in await session.scalars(wanted) if each is not None}


async def locked_flag(session: WriteSession, flag_id: UUID) -> Flag | None:
    return (await session.scalars(select(Flag).where(Flag.id == flag_id).with_for_update())).one_or_none()


async def flags_of(
    session: AsyncSession,
    *,
    programme_id: UUID | None,
    settlement_id: UUID | None,
    rule: Rule | None,
    status: Status | None,
    reviewed_by: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Flag]:
    """Newest first."""
    equal = {"programme_id": programme_id, "settlement_id": settlement_id, "rule": rule, "status": status}
    return await newest(session, Flag, before=before, limit=limit, reviewed_by=reviewed_by, **equal)
