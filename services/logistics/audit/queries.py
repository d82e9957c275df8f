"""Reading what the ledger was reckoned from: parcels, matches, scans, and what officers decided."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Select, and_, case, cast, distinct, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from catalogue.days import CHINA
from chassis.bulk import among
from chassis.ids import earliest_id
from contracts.programmes import ProgrammeKind
from services.logistics.audit.replay import Asked, Order
from services.logistics.audit.whatif import Past
from services.logistics.clawbacks.models import RECOVERIES, Clawback, recovery_subject
from services.logistics.parcels.models import DELIVERY_DEADLINE, PARCELS, SCANS
from services.logistics.parcels.states import SEEN_BY_SCAN, Seen, subsidy_due
from services.logistics.programmes.granting import Claim
from services.logistics.programmes.models import Approval, Programme
from services.logistics.settlements.models import CORRECTION_LINES, Correction, Settlement
from services.logistics.shipments.models import Shipment
from services.logistics.subsidy.ledger import Balances, Head, Transfer, moved, of_turn, transfer_id
from services.logistics.subsidy.models import SUBSIDIES, TRANSFERS
from services.logistics.subsidy.queries import head_of

PAGE: Final = 5000
CLOCKS_APART: Final = timedelta(hours=1)
"""A parcel's id, by which it is found, has the time of a process; `registered_at` that of the database."""
ENDING: Final = {"voided": ("returned", "lost"), "reversed": ("returned",), "posted": ("delivered",)}
"""Whose scans a subsidy ended by."""

HELD: Final = ("reserved", "posted")
"""What a subsidy is while its money is out of the fund."""

Between = tuple[datetime, datetime]

p, s, sh = PARCELS.c, SUBSIDIES.c, Shipment
_RECORDED = (
    s.status,
    s.first_status,
    s.reason,
    s.refused_by,
    s.programme_id,
    s.amount_fen,
    s.rule_version,
    s.turn,
    s.came_back_at,
    s.asked_at,
    s.decided_at,
    s.match_g,
    s.before_g,
    exists()
    .where(CORRECTION_LINES.c.subject_id == s.subject_id, CORRECTION_LINES.c.correction_id == Correction.id)
    .where(Correction.status == "approved")
    .label("is_corrected"),
)
_GOODS = (sh.producer_id, sh.buyer_id, sh.origin_adcode, sh.produce, sh.quantity_g)
_SCANNED = select(func.array_agg(distinct(SCANS.c.type))).where(SCANS.c.parcel_id == p.id).scalar_subquery()
_PARCELS = (
    select(
        PARCELS,
        *_RECORDED,
        *_GOODS,
        _SCANNED.label("scanned"),
        (p.registered_at <= func.now() - DELIVERY_DEADLINE).label("is_late"),
    )
    .join_from(PARCELS, Shipment, sh.match_id == p.match_id)
    .join(SUBSIDIES, s.subject_id == p.id, isouter=True)
)
_MATCHES = (
    select(s.subject_id.label("id"), s.match_id, *_RECORDED, *_GOODS, sh.carrier_id)
    .join_from(SUBSIDIES, Shipment, sh.match_id == s.match_id)
    .where(s.subject_id == s.match_id)
)


async def programmes(session: AsyncSession) -> Sequence[Programme]:
    """All there are, with their rules and standings."""
    wanted = select(Programme).options(selectinload(Programme.rules), selectinload(Programme.standings))
    return (await session.scalars(wanted.order_by(Programme.id))).all()


class Chain(NamedTuple):
    """A programme's: the places between which a time lies, what was available when it began; and how it stands now, by
    its entries, beside what its row keeps."""

    after: int
    last: int
    available_fen: int
    entries: int
    stands: Balances
    kept: Head


async def chain_of(session: AsyncSession, programme_id: UUID, between: Between) -> Chain:
    """Summed from every entry, so that neither a seal nor a missing place leads astray."""
    t = TRANSFERS.c
    into = case((t.credit == "available", t.amount_fen), (t.debit == "available", -t.amount_fen), else_=0)
    by_kind = select(
        t.kind,
        func.count().label("entries"),
        func.sum(t.amount_fen).label("fen"),
        func.coalesce(func.max(t.seq).filter(t.at < between[0]), 0).label("after"),
        func.coalesce(func.max(t.seq).filter(t.at < between[1]), 0).label("last"),
        func.coalesce(func.sum(into).filter(t.at < between[0]), 0).label("available_fen"),
    ).where(t.programme_id == programme_id)
    rows = (await session.execute(by_kind.group_by(t.kind))).all()
    return Chain(
        max((row.after for row in rows), default=0),
        max((row.last for row in rows), default=0),
        int(sum(row.available_fen for row in rows)),
        sum(row.entries for row in rows),
        moved(Balances(), {row.kind: int(row.fen) for row in rows}),
        await head_of(session, programme_id),
    )


async def asked_for(session: AsyncSession, transfers: Sequence[Transfer]) -> dict[str, Asked]:
    """What asked for these transfers, by its id: a parcel's, or a match's."""
    parcels = {UUID(each.parcel_id) for each in transfers if each.parcel_id is not None}
    matches = {UUID(each.match_id) for each in transfers if each.parcel_id is None and each.match_id is not None}
    rows = [*await session.execute(_PARCELS.where(among(p.id, parcels)))] if parcels else []
    asked = {str(row.id): _parcel(row) for row in rows}
    rows = [*await session.execute(_MATCHES.where(among(s.subject_id, matches)))] if matches else []
    return asked | {str(row.id): _match(row) for row in rows}


async def asked_between(session: AsyncSession, between: Between) -> AsyncIterator[list[Asked]]:
    """Every parcel that was registered in this time, and every match fulfilled, a page at a time."""
    async for rows in _pages(session, _registered(between), p.id):
        yield [_parcel(row) for row in rows]
    fulfilled = _MATCHES.where(s.asked_at >= between[0], s.asked_at < between[1])
    async for rows in _pages(session, fulfilled, s.subject_id):
        yield [_match(row) for row in rows]


async def past_parcels(session: AsyncSession, between: Between) -> list[Past]:
    """The parcels registered in this time, in that order, and when each came to its end."""
    pasts: list[Past] = []
    async for rows in _pages(session, _registered(between), p.id):
        scans = await _scans_of(session, [row.id for row in rows])
        for row in rows:
            asked = _parcel(row)
            pasts.append(Past(asked.claim, asked.due, _ended_at(row, asked, scans.get(row.id, {}))))
    return sorted(pasts, key=lambda past: past.claim.moment)


async def past_matches(session: AsyncSession, between: Between) -> list[Past]:
    """The matches fulfilled in this time, in that order."""
    wanted = _MATCHES.where(s.asked_at >= between[0], s.asked_at < between[1])
    pasts = [Past(_match(row).claim, "posted") async for rows in _pages(session, wanted, s.subject_id) for row in rows]
    return sorted(pasts, key=lambda past: past.claim.moment)


async def loads_before(session: AsyncSession, match_ids: Collection[UUID], before: datetime) -> dict[UUID, int]:
    """What the parcels weigh, in g, that these matches had before a moment, as far as they are goods of theirs."""
    counted = select(p.match_id, func.sum(p.counted_g)).where(among(p.match_id, match_ids), p.registered_at < before)
    return {match_id: int(grams) for match_id, grams in await session.execute(counted.group_by(p.match_id))}


class Granted(NamedTuple):
    """What a programme granted to those that asked on one day: how many, and their fen that have not come back."""

    programme_id: UUID
    day: date
    granted: int
    fen: int


async def granted_between(session: AsyncSession, kind: ProgrammeKind, between: Between) -> list[Granted]:
    """What programmes of this kind granted to those that asked in this time, in the order of the days."""
    rows = await session.execute(granted_by(kind, between))
    return [Granted(programme_id, on, many, int(fen)) for programme_id, on, many, fen in rows]


def granted_by(kind: ProgrammeKind, between: Between) -> Select[Any]:
    """The same as a statement. It begins at those that asked, whatever else the ledger has: a parcel's id begins with
    its time, and support has an index of when it was asked for."""
    is_parcels = kind == "courier_parcel"
    asked_at = p.registered_at if is_parcels else s.asked_at
    day = cast(func.timezone(str(CHINA), asked_at), Date)
    # what came back after it was paid stays posted, see `replay.standing`
    has_stayed = s.status.in_(HELD) & s.came_back_at.is_(None)
    kept_fen = func.coalesce(func.sum(s.amount_fen).filter(has_stayed), 0)
    wanted = (
        select(s.programme_id, day, func.count(), kept_fen)
        .join_from(SUBSIDIES, Programme, Programme.id == s.programme_id)
        .where(Programme.kind == kind, asked_at >= between[0], asked_at < between[1])
        .group_by(s.programme_id, day)
        .order_by(day, s.programme_id)
    )
    if is_parcels:
        return wanted.join(PARCELS, p.id == s.subject_id).where(_made(between))
    return wanted.where(s.subject_id == s.match_id)


async def unrecorded(session: AsyncSession, between: Between) -> int:
    """How many matches were supported in this time before it was recorded when they asked."""
    wanted = select(func.count()).where(s.subject_id == s.match_id, s.asked_at.is_(None))
    return (await session.scalar(wanted.where(s.posted_at >= between[0], s.posted_at < between[1]))) or 0


async def orders_held(session: AsyncSession, orders: Collection[Order], before: datetime) -> dict[Order, bool | None]:
    """Those of these whose subsidy a parcel has now that asked before; None where it was not granted at once, or not
    for the first time, so that it is not known since when. By the index that keeps an order to one subsidy."""
    if not orders:
        return {}
    buyers, refs = zip(*orders, strict=True)
    holders = (
        select(s.buyer_id, s.order_ref, s.first_status, s.turn)
        .join_from(SUBSIDIES, PARCELS, p.id == s.subject_id)
        .where(among(s.buyer_id, set(buyers)), among(s.order_ref, set(refs)), p.registered_at < before)
    )
    rows = await session.execute(holders)
    found = {(row[0], row[1]): True if (row.first_status, row.turn) == ("reserved", 1) else None for row in rows}
    return {order: found[order] for order in orders if order in found}


async def orders_once_held(session: AsyncSession, orders: Collection[Order], before: datetime) -> set[Order]:
    """Those of these for which another parcel was ever granted a subsidy that asked before. No index helps: ask it of
    few."""
    if not orders:
        return set()
    refs = {order_ref for _, order_ref in orders}
    earlier = (
        select(s.buyer_id, p.order_ref)
        .join_from(PARCELS, SUBSIDIES, s.subject_id == p.id)
        .where(among(p.order_ref, refs), p.registered_at < before, s.programme_id.is_not(None))
    )
    return {(buyer_id, order_ref) for buyer_id, order_ref in await session.execute(earlier)} & set(orders)


async def posted_between(session: AsyncSession, between: Between) -> list[tuple[UUID, str, int]]:
    """Programme, subject in the ledger and fen of what is told to have been posted in this time."""
    wanted = select(s.programme_id, s.subject_id, p.identity, s.turn, s.amount_fen)
    wanted = wanted.join_from(SUBSIDIES, PARCELS, p.id == s.subject_id, isouter=True)
    wanted = wanted.where(s.posted_at >= between[0], s.posted_at < between[1], s.programme_id.is_not(None))
    return [
        (row.programme_id, of_turn(row.identity or str(row.subject_id), row.turn), row.amount_fen)
        for row in await session.execute(wanted)
    ]


async def officers_entries(session: AsyncSession, programme_id: UUID) -> dict[str, tuple[datetime, int]]:
    """When each entry was to be made that officers brought about, by its id, and its fen."""
    id_ = str(programme_id)
    entries: dict[str, tuple[datetime, int]] = {}
    topups = select(Approval).where(
        Approval.programme_id == programme_id, Approval.kind == "topup", Approval.status == "approved"
    )
    for approval in await session.scalars(topups):
        assert approval.decided_at is not None
        entries[transfer_id(id_, "fund", str(approval.id))] = (approval.decided_at, approval.wanted["amount_fen"])
    owed = func.coalesce(func.sum(s.amount_fen).filter(s.status == "posted"), 0)
    payouts = (
        select(Settlement.id, Settlement.paid_at, owed)
        .join_from(Settlement, SUBSIDIES, s.settlement_id == Settlement.id)
        .where(Settlement.programme_id == programme_id, Settlement.paid_at.is_not(None))
        .group_by(Settlement.id)
    )
    for settlement_id, paid_at, fen in await session.execute(payouts):
        entries[transfer_id(id_, "payout", str(settlement_id))] = (paid_at, int(fen))
    r = RECOVERIES.c
    recoveries = select(RECOVERIES).join(Clawback, Clawback.id == r.clawback_id)
    for row in await session.execute(recoveries.where(Clawback.programme_id == programme_id)):
        entries[transfer_id(id_, "clawback", recovery_subject(row.clawback_id, row.kind, row.reference))] = (
            row.at,
            row.amount_fen,
        )
    return entries


async def _pages(session: AsyncSession, wanted: Select[Any], key: Any) -> AsyncIterator[Sequence[Row[Any]]]:
    """In the order of their ids."""
    after: UUID | None = None
    while True:
        page = wanted.order_by(key).limit(PAGE)
        rows = (await session.execute(page if after is None else page.where(key > after))).all()
        if rows:
            yield rows
            after = rows[-1].id
        if len(rows) < PAGE:
            return


def _registered(between: Between) -> Select[Any]:
    return _PARCELS.where(_made(between), p.registered_at >= between[0], p.registered_at < between[1])


def _made(between: Between) -> ColumnElement[bool]:
    """Parcels that may have been registered in this time, by their ids."""
    first, behind = (earliest_id(at + by) for at, by in zip(between, (-CLOCKS_APART, CLOCKS_APART), strict=True))
    return and_(p.id >= first, p.id < behind)


async def _scans_of(session: AsyncSession, parcel_ids: Collection[UUID]) -> dict[UUID, dict[str, datetime]]:
    """When each parcel was first scanned so, as its carrier tells."""
    wanted = select(SCANS.c.parcel_id, SCANS.c.type, func.min(SCANS.c.at).label("at"))
    wanted = wanted.where(among(SCANS.c.parcel_id, parcel_ids)).group_by(SCANS.c.parcel_id, SCANS.c.type)
    scans: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    for parcel_id, kind, at in await session.execute(wanted):
        scans[parcel_id][kind] = at
    return scans


def _ended_at(row: Row[Any], asked: Asked, scans: Mapping[str, datetime]) -> datetime | None:
    """Since when it is due what it is; None while it is under way."""
    if asked.due == "reserved":
        return None
    ends = [scans[kind] for kind in ENDING[asked.due] if kind in scans]
    return min(ends) if ends else row.registered_at + DELIVERY_DEADLINE


def _parcel(row: Row[Any]) -> Asked:
    claim = Claim(
        subject=row.identity,
        moment=row.registered_at,
        match_id=row.match_id,
        parcel_id=row.id,
        producer_id=row.producer_id,
        carrier_id=row.carrier_id,
        buyer_id=row.buyer_id,
        order_ref=row.order_ref,
        origin_adcode=row.origin_adcode,
        produce=row.produce,
        mass_g=row.weight_g,
        match_mass_g=row.quantity_g if row.match_g is None else row.match_g,
        match_parcels_g=row.before_g or 0,
    )
    scanned = reduce(or_, (SEEN_BY_SCAN[each] for each in row.scanned or ()), Seen.NOTHING)
    if row.is_late:
        scanned |= Seen.EXPIRED & Seen(row.seen)
    scans: dict[str, Any] = {"due": subsidy_due(scanned), "scanned": scanned, "seen": Seen(row.seen)}
    if row.status is None:  # no programme was active, so nothing is recorded
        return Asked(claim, "courier_parcel", **scans, decided_at=row.registered_at)
    return Asked(claim, "courier_parcel", **scans, **_recorded(row))


def _match(row: Row[Any]) -> Asked:
    mass_g = row.quantity_g if row.match_g is None else row.match_g
    claim = Claim(
        subject=str(row.match_id),
        moment=row.asked_at or row.decided_at,
        match_id=row.match_id,
        parcel_id=None,
        producer_id=row.producer_id,
        carrier_id=row.carrier_id,
        buyer_id=row.buyer_id,
        order_ref=None,
        origin_adcode=row.origin_adcode,
        produce=row.produce,
        mass_g=mass_g,
        match_mass_g=mass_g,
    )
    return Asked(claim, "produce_support", "posted", **_recorded(row))


def _recorded(row: Row[Any]) -> dict[str, Any]:
    names = ("status", "first_status", "reason", "refused_by", "programme_id", "amount_fen", "rule_version", "turn")
    recorded = {name: getattr(row, name) for name in (*names, "decided_at", "is_corrected")}
    return recorded | {"came_back": row.came_back_at is not None}
