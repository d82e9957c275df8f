"""What is told in two places: as it is told, and as it is summed from its parts."""

from uuid import UUID

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.logistics.audit.queries import HELD
from services.logistics.clawbacks.models import CLAWBACK_LINES, RECOVERIES, Clawback
from services.logistics.settlements.models import Settlement
from services.logistics.subsidy.models import PAID_STATEMENTS, SUBSIDIES
from services.logistics.subsidy.queries import head_of

s = SUBSIDIES.c


async def sums_now(session: AsyncSession, programme_id: UUID) -> list[tuple[str, int, int]]:
    """What is told in two places: what, as it is told, and as it is summed from the parts.

    Fen reserved, and posted or paid, by the head and by the subsidies; and what `_statements` and `_clawbacks` tell.
    """
    amounts = (func.coalesce(func.sum(s.amount_fen).filter(s.status == each), 0) for each in HELD)
    reserved, posted = (await session.execute(select(*amounts).where(s.programme_id == programme_id))).one()
    head, r = (await head_of(session, programme_id)).balances, RECOVERIES.c
    recovered = select(func.coalesce(func.sum(r.amount_fen), 0)).join(Clawback, Clawback.id == r.clawback_id)
    recovered_fen = int((await session.execute(recovered.where(Clawback.programme_id == programme_id))).scalar_one())
    return [
        ("reserved", head.reserved, int(reserved)),
        ("posted and paid", head.posted + head.paid, int(posted) - recovered_fen),
        *await _statements(session, programme_id),
        *await _clawbacks(session, programme_id),
    ]


async def _statements(session: AsyncSession, programme_id: UUID) -> list[tuple[str, int, int]]:
    """Of each statement its lines and their fen, as it was frozen; whether it is paid, what was owed and kept."""
    r, paid = RECOVERIES.c, PAID_STATEMENTS.c.settlement_id
    netted = (
        select(r.reference, func.sum(r.amount_fen).label("fen"))
        .where(r.kind == "netted")
        .group_by(r.reference)
        .subquery()
    )
    wanted = (
        select(
            Settlement,
            func.count(s.subject_id).label("lines"),
            func.coalesce(func.sum(s.amount_fen), 0).label("fen"),
            func.coalesce(func.sum(s.amount_fen).filter(s.status == "posted"), 0).label("owed_fen"),
            func.coalesce(netted.c.fen, 0).label("netted_fen"),
            paid.is_not(None).label("is_paid"),
        )
        .join(SUBSIDIES, s.settlement_id == Settlement.id, isouter=True)
        .join(PAID_STATEMENTS, paid == Settlement.id, isouter=True)
        .join(netted, netted.c.reference == cast(Settlement.id, Text), isouter=True)
        .where(Settlement.programme_id == programme_id)
        .group_by(Settlement.id, paid, netted.c.fen)
    )
    told = []
    for row in await session.execute(wanted):
        of = row.Settlement
        told += [(f"lines of {of.id}", of.lines, row.lines), (f"amount of {of.id}", of.amount_fen, int(row.fen))]
        told += [(f"paid, {of.id}", of.status == "paid", row.is_paid)]
        if of.status == "paid":
            told += [(f"owed of {of.id}", of.owed_fen or 0, int(row.owed_fen))]
        told += [(f"kept of {of.id}", of.recovered_fen or 0, int(row.netted_fen))]
    return told


async def _clawbacks(session: AsyncSession, programme_id: UUID) -> list[tuple[str, int, int]]:
    """Of each clawback the fen that it is of, and those that were recovered."""
    r, lines = RECOVERIES.c, CLAWBACK_LINES.c
    claimed = (
        select(func.coalesce(func.sum(s.amount_fen), 0))
        .join_from(CLAWBACK_LINES, SUBSIDIES, s.subject_id == lines.subject_id)
        .where(lines.clawback_id == Clawback.id, s.programme_id == Clawback.programme_id)
    )
    recovered = select(func.coalesce(func.sum(r.amount_fen), 0)).where(r.clawback_id == Clawback.id)
    wanted = select(Clawback, claimed.scalar_subquery(), recovered.scalar_subquery())
    told = []
    for of, claimed_fen, recovered_fen in await session.execute(wanted.where(Clawback.programme_id == programme_id)):
        told += [(f"amount of clawback {of.id}", of.amount_fen, int(claimed_fen))]
        told += [(f"recovered of clawback {of.id}", of.recovered_fen, int(recovered_fen))]
    return told
