"""Reading clawbacks, and the subsidies that they are about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among
from chassis.db import WriteSession
from chassis.newest import newest
from services.logistics.clawbacks.models import CLAWBACK_LINES, RECOVERIES, Clawback, Status
from services.logistics.parcels.models import PARCELS
from services.logistics.subsidy.models import PAID_STATEMENTS, SUBSIDIES


@dataclass(frozen=True, slots=True)
class Paid:
    """A subsidy that was paid, of a parcel or (`waybill` None) of a match."""

    subject_id: UUID
    identity: str | None
    waybill: str | None
    programme_id: UUID
    payee_id: UUID
    amount_fen: int
    came_back_at: datetime | None


s = SUBSIDIES.c
_PAID = (
    select(
        s.subject_id, PARCELS.c.identity, PARCELS.c.waybill, s.programme_id, s.payee_id, s.amount_fen, s.came_back_at
    )
    .join_from(SUBSIDIES, PAID_STATEMENTS, PAID_STATEMENTS.c.settlement_id == SUBSIDIES.c.settlement_id)
    .join(PARCELS, PARCELS.c.id == SUBSIDIES.c.subject_id, isouter=True)
    .where(SUBSIDIES.c.status == "posted")
)


async def paid_called(session: WriteSession, programme_id: UUID, identities: Collection[str]) -> dict[str, Paid]:
    """Of the parcels of these waybills those that this programme has paid for, locked in the order of their ids."""
    wanted = _PAID.where(among(PARCELS.c.identity, identities), SUBSIDIES.c.programme_id == programme_id)
    wanted = wanted.order_by(s.subject_id).with_for_update(of=SUBSIDIES)
    return {row.identity: Paid(*row) for row in await session.execute(wanted)}


async def paid_matches(session: WriteSession, programme_id: UUID, match_ids: Collection[UUID]) -> dict[UUID, Paid]:
    """Of the support of these matches that which this programme has paid, locked in the order of their ids."""
    wanted = _PAID.where(among(SUBSIDIES.c.subject_id, match_ids), SUBSIDIES.c.programme_id == programme_id)
    wanted = wanted.order_by(s.subject_id).with_for_update(of=SUBSIDIES)
    return {row.subject_id: Paid(*row) for row in await session.execute(wanted)}


async def came_back_unclaimed(session: WriteSession, before: datetime | None, limit: int) -> list[Paid]:
    """What came back after it was paid, before a moment, and is not being recovered, nor was a clawback for just that
    dismissed since it came back; locked. What others have locked is passed over.

    By the index of what came back unclaimed: what was ever claimed is not looked through again in each run.
    """
    wanted = _PAID.where(SUBSIDIES.c.came_back_at.is_not(None), SUBSIDIES.c.claimed_back_at.is_(None))
    if before is not None:
        wanted = wanted.where(SUBSIDIES.c.came_back_at < before)
    wanted = wanted.order_by(SUBSIDIES.c.came_back_at).limit(limit).with_for_update(of=SUBSIDIES, skip_locked=True)
    return [Paid(*row) for row in await session.execute(wanted)]


async def claim_lines(session: WriteSession, subject_ids: Collection[UUID], at: datetime) -> None:
    """A clawback was opened for these, which the caller has locked."""
    await session.execute(update(SUBSIDIES).where(among(s.subject_id, subject_ids)).values(claimed_back_at=at))


async def release_lines(session: WriteSession, clawback_id: UUID) -> None:
    """Those of a clawback that was dismissed may be claimed again. It does so by itself where one comes back, or has
    and none for just that was decided since: one dismissed before it came back says nothing of this return."""
    c = CLAWBACK_LINES.c
    subject_ids = (await session.scalars(select(c.subject_id).where(c.clawback_id == clawback_id))).all()
    # before the lines, and in their order: as who opens one does
    locked = select(s.subject_id).where(among(s.subject_id, subject_ids)).order_by(s.subject_id).with_for_update()
    await session.execute(locked)
    await session.execute(update(CLAWBACK_LINES).where(c.clawback_id == clawback_id).values(is_live=False))
    for_just_that = and_(
        Clawback.cause == "returned_after_payment",
        Clawback.decided_at >= s.came_back_at,
        Clawback.decided_by.is_distinct_from(Clawback.opened_by),  # who only took it back decided nothing
    )
    answered = exists().where(c.subject_id == s.subject_id, c.clawback_id == Clawback.id, for_just_that)
    released = update(SUBSIDIES).where(among(s.subject_id, subject_ids), ~answered).values(claimed_back_at=None)
    await session.execute(released)


async def live_among(session: AsyncSession, subject_ids: Collection[UUID]) -> set[UUID]:
    """Those of these subsidies that are part of a clawback already."""
    wanted = select(CLAWBACK_LINES.c.subject_id).where(
        among(CLAWBACK_LINES.c.subject_id, subject_ids), CLAWBACK_LINES.c.is_live
    )
    return set((await session.scalars(wanted)).all())


async def repaid_by(session: AsyncSession, reference: str) -> tuple[UUID, int] | None:
    """The clawback that this transfer of the bank has repaid, and how much; None where it is new."""
    r = RECOVERIES.c
    wanted = select(r.clawback_id, r.amount_fen).where(r.kind == "repaid", r.reference == reference)
    row = (await session.execute(wanted)).one_or_none()
    return None if row is None else (row.clawback_id, row.amount_fen)


async def clawback_of(session: AsyncSession, clawback_id: UUID, payee_id: UUID | None) -> Clawback | None:
    """The clawback, when it is against this payee; None as `payee_id` stands for everyone."""
    return (await session.scalars(_one(clawback_id, payee_id))).one_or_none()


async def locked_clawback(session: WriteSession, clawback_id: UUID, payee_id: UUID | None) -> Clawback | None:
    """The same, locked."""
    return (await session.scalars(_one(clawback_id, payee_id).with_for_update())).one_or_none()


async def locked_upheld(session: WriteSession, programme_id: UUID, payee_id: UUID) -> Sequence[Clawback]:
    """What is still to be recovered from this payee, the oldest first, locked in that order."""
    wanted = select(Clawback).where(
        Clawback.programme_id == programme_id, Clawback.payee_id == payee_id, Clawback.status == "upheld"
    )
    return (await session.scalars(wanted.order_by(Clawback.id).with_for_update())).all()


async def upheld_fen(session: AsyncSession, programme_id: UUID, payee_id: UUID) -> int:
    """How much is still to be recovered from this payee."""
    wanted = select(func.coalesce(func.sum(Clawback.amount_fen - Clawback.recovered_fen), 0)).where(
        Clawback.programme_id == programme_id, Clawback.payee_id == payee_id, Clawback.status == "upheld"
    )
    return int((await session.execute(wanted)).scalar_one())


async def clawbacks_of(
    session: AsyncSession,
    *,
    payee_id: UUID | None,
    programme_id: UUID | None,
    status: Status | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Clawback]:
    """Newest first."""
    equal = {"payee_id": payee_id, "programme_id": programme_id, "status": status}
    return await newest(session, Clawback, before=before, limit=limit, **equal)


async def lines_of(session: AsyncSession, clawback_id: UUID) -> list[Paid]:
    """The subsidies of a clawback; there are at most as many as one is opened with."""
    wanted = _PAID.join(CLAWBACK_LINES, CLAWBACK_LINES.c.subject_id == SUBSIDIES.c.subject_id)
    wanted = wanted.where(CLAWBACK_LINES.c.clawback_id == clawback_id).order_by(SUBSIDIES.c.subject_id)
    return [Paid(*row) for row in await session.execute(wanted)]


def _one(clawback_id: UUID, payee_id: UUID | None) -> Select[Clawback]:
    wanted = select(Clawback).where(Clawback.id == clawback_id)
    return wanted if payee_id is None else wanted.where(Clawback.payee_id == payee_id)
