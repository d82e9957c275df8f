"""Reading settlements and the lines of their statements."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among
from chassis.db import Database, WriteSession
from chassis.newest import newest
from services.logistics.parcels.models import PARCELS
from services.logistics.programmes.models import Decision
from services.logistics.settlements.models import CORRECTION_LINES, Correction, Settlement, Status
from services.logistics.subsidy.models import PAID_STATEMENTS, SUBSIDIES

STATEMENT_PAGE = 5000


LineState = Literal["owed", "reversed", "paid", "came_back"]
"""`reversed` before it was paid, or `came_back` after that."""

STATE = case(
    (SUBSIDIES.c.status != "posted", "reversed"),
    (PAID_STATEMENTS.c.settlement_id.is_(None), "owed"),
    (SUBSIDIES.c.came_back_at.is_not(None), "came_back"),
    else_="paid",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One subsidy of a statement: of a parcel, or of a match (`waybill` None); and what became of it since."""

    subject_id: UUID
    waybill: str | None
    match_id: UUID
    posted_at: datetime
    amount_fen: int
    rule_version: int
    state: LineState


async def settlement_of(session: AsyncSession, settlement_id: UUID, payee_id: UUID | None) -> Settlement | None:
    """The settlement, when it is this payee's; None as `payee_id` stands for everyone."""
    wanted = select(Settlement).where(Settlement.id == settlement_id)
    if payee_id is not None:
        wanted = wanted.where(Settlement.payee_id == payee_id)
    return (await session.scalars(wanted)).one_or_none()


async def locked_settlement(session: WriteSession, settlement_id: UUID) -> Settlement | None:
    wanted = select(Settlement).where(Settlement.id == settlement_id).with_for_update()
    return (await session.scalars(wanted)).one_or_none()


async def settlements_of(
    session: AsyncSession,
    *,
    payee_id: UUID | None,
    programme_id: UUID | None,
    status: Status | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Settlement]:
    """Newest first."""
    is_paid = Settlement.paid_at.is_not(None)
    conditions = [] if status is None else [is_paid if status == "paid" else ~is_paid]
    equal = {"payee_id": payee_id, "programme_id": programme_id}
    return await newest(session, Settlement, *conditions, before=before, limit=limit, **equal)


@dataclass(frozen=True, slots=True)
class Owed:
    """What is posted for one payee and is in no statement yet, since when."""

    payee_id: UUID
    lines: int
    amount_fen: int
    since: datetime


async def owed_by(session: AsyncSession, programme_id: UUID, after: UUID | None, limit: int) -> list[Owed]:
    """Whom a programme owes anything that is in no statement, in the order of their ids."""
    s = SUBSIDIES.c
    wanted = (
        select(s.payee_id, func.count(), func.sum(s.amount_fen), func.min(s.posted_at))
        .where(s.programme_id == programme_id, s.status == "posted", s.settlement_id.is_(None))
        .group_by(s.payee_id)
        .order_by(s.payee_id)
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(s.payee_id > after)
    rows = await session.execute(wanted)
    return [Owed(payee_id, lines, int(fen), since) for payee_id, lines, fen, since in rows]


async def lines_settled(session: AsyncSession, programme_id: UUID, payee_id: UUID, but: UUID) -> int:
    """How many lines there are in the payee's other statements of this programme."""
    wanted = select(func.coalesce(func.sum(Settlement.lines), 0)).where(
        Settlement.payee_id == payee_id, Settlement.programme_id == programme_id, Settlement.id != but
    )
    return int((await session.execute(wanted)).scalar_one())


async def is_taken(session: AsyncSession, reference: str) -> bool:
    """Whether some settlement was paid with this reference."""
    wanted = select(Settlement.id).where(Settlement.reference == reference)
    return (await session.scalar(wanted)) is not None


async def paid_between(
    session: AsyncSession, programme_id: UUID | None, begins_at: datetime, ends_at: datetime
) -> Sequence[Settlement]:
    """What was paid from `begins_at` on and before `ends_at`."""
    wanted = select(Settlement).where(Settlement.paid_at >= begins_at, Settlement.paid_at < ends_at)
    if programme_id is not None:
        wanted = wanted.where(Settlement.programme_id == programme_id)
    return (await session.scalars(wanted.order_by(Settlement.id))).all()


async def lines_after(session: AsyncSession, settlement_id: UUID, after: UUID | None, limit: int) -> list[Line]:
    """The next lines of a statement, in the order of their ids."""
    s = SUBSIDIES.c
    wanted = _lines().where(s.settlement_id == settlement_id).limit(limit)
    if after is not None:
        wanted = wanted.where(s.subject_id > after)
    return [Line(*row) for row in await session.execute(wanted)]


async def reversed_fen(session: AsyncSession, settlement_id: UUID) -> int:
    """What its lines come to that are not paid, for they came back or were corrected before."""
    s = SUBSIDIES.c
    wanted = select(func.coalesce(func.sum(s.amount_fen), 0)).where(
        s.settlement_id == settlement_id, s.status != "posted"
    )
    return int((await session.execute(wanted)).scalar_one())


def _lines() -> Select[Any]:
    s = SUBSIDIES.c
    return (
        select(s.subject_id, PARCELS.c.waybill, s.match_id, s.posted_at, s.amount_fen, s.rule_version, STATE)
        .join_from(SUBSIDIES, PARCELS, PARCELS.c.id == s.subject_id, isouter=True)
        .join(PAID_STATEMENTS, PAID_STATEMENTS.c.settlement_id == s.settlement_id, isouter=True)
        .order_by(s.subject_id)
    )


async def pages_of(db: Database, settlement_id: UUID) -> AsyncIterator[list[Line]]:
    """All lines of a statement, a transaction a page."""
    after: UUID | None = None
    while True:
        async with db.reading() as session:
            page = await lines_after(session, settlement_id, after, STATEMENT_PAGE)
        if page:
            yield page
            after = page[-1].subject_id
        if len(page) < STATEMENT_PAGE:
            return


async def owed_called(
    session: AsyncSession, settlement_id: UUID, identities: Collection[str]
) -> dict[str, tuple[UUID, int]]:
    """Of the parcels of these waybills those that a statement owes: subject and fen."""
    s = SUBSIDIES.c
    wanted = select(PARCELS.c.identity, s.subject_id, s.amount_fen).join_from(
        SUBSIDIES, PARCELS, PARCELS.c.id == s.subject_id
    )
    wanted = wanted.where(among(PARCELS.c.identity, identities), s.settlement_id == settlement_id)
    rows = await session.execute(wanted.where(s.status == "posted"))
    return {identity: (subject_id, fen) for identity, subject_id, fen in rows}


async def owed_among(
    session: AsyncSession, settlement_id: UUID, match_ids: Collection[UUID]
) -> dict[UUID, tuple[UUID, int]]:
    """Of the support of these matches that which a statement owes: subject and fen."""
    s = SUBSIDIES.c
    wanted = select(s.subject_id, s.amount_fen).where(among(s.subject_id, match_ids), s.settlement_id == settlement_id)
    rows = await session.execute(wanted.where(s.status == "posted", s.subject_id == s.match_id))
    return {subject_id: (subject_id, fen) for subject_id, fen in rows}


async def correction_of(session: AsyncSession, settlement_id: UUID, correction_id: UUID) -> Correction | None:
    return (await session.scalars(_correction(settlement_id, correction_id))).one_or_none()


async def locked_correction(session: WriteSession, settlement_id: UUID, correction_id: UUID) -> Correction | None:
    return (await session.scalars(_correction(settlement_id, correction_id).with_for_update())).one_or_none()


def _correction(settlement_id: UUID, correction_id: UUID) -> Select[Correction]:
    return select(Correction).where(Correction.id == correction_id, Correction.settlement_id == settlement_id)


async def corrected_lines(session: AsyncSession, correction_id: UUID) -> list[Line]:
    """The lines that a correction is about, as they are now; there are at most as many as one is asked for with."""
    c = CORRECTION_LINES.c
    wanted = _lines().join(CORRECTION_LINES, c.subject_id == SUBSIDIES.c.subject_id)
    return [Line(*row) for row in await session.execute(wanted.where(c.correction_id == correction_id))]


async def subjects_of(session: AsyncSession, correction_id: UUID) -> list[UUID]:
    """The subsidies that a correction is about."""
    c = CORRECTION_LINES.c
    return list(await session.scalars(select(c.subject_id).where(c.correction_id == correction_id)))


async def pending_corrections(session: AsyncSession, settlement_id: UUID) -> int:
    wanted = select(func.count()).where(Correction.settlement_id == settlement_id, Correction.status == "pending")
    return (await session.scalar(wanted)) or 0


async def corrections_of(
    session: AsyncSession, settlement_id: UUID, *, status: Decision | None, before: UUID | None, limit: int
) -> Sequence[Correction]:
    """Newest first."""
    equal = {"settlement_id": settlement_id, "status": status}
    return await newest(session, Correction, before=before, limit=limit, **equal)
