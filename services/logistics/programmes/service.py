"""What can be done with programmes: one function a use case."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.days import bounds_of
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import NotFound, must_exist
from contracts.programmes import ProgrammeOpened
from services.logistics.programmes import queries
from services.logistics.programmes.burndown import Rate, rate
from services.logistics.programmes.models import Approval, Decision, Programme
from services.logistics.programmes.queries import Opened
from services.logistics.programmes.schemas import NewProgramme, first_rule
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.ledger import Head, Transfer
from services.logistics.subsidy.queries import transfers_after
from services.logistics.subsidy.seals import Seal
from services.logistics.subsidy.service import Verified


async def open_programme(session: WriteSession, caller: Caller, new: NewProgramme) -> Opened:
    """Record the programme with its first rules, and bring its budget into its fund."""
    programme = Programme(
        id=uuid7(),
        name=new.name,
        funder=new.funder,
        kind=new.kind,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
        created_by=caller.account_id,
        rules=[first_rule(new)],
    )
    session.add(programme)
    await session.flush()
    at = await database_now(session)
    await subsidy.open_fund(session, programme.id, new.budget_fen, least_fen=new.rate_fen, at=at)
    session.emit(
        ProgrammeOpened(
            programme_id=programme.id,
            version=1,
            kind=programme.kind,
            budget_fen=new.budget_fen,
            available_fen=new.budget_fen,
            rate_fen=new.rate_fen,
            rule_version=1,
            at=at,
        )
    )
    return await find(session, programme.id)


async def find(session: AsyncSession, programme_id: UUID) -> Opened:
    """A programme as it stands. Raises NotFound."""
    return must_exist(await queries.opened(session, programme_id))


async def approvals_of(
    session: AsyncSession, programme_id: UUID, *, status: Decision | None, before: UUID | None, limit: int
) -> Sequence[Approval]:
    """What was asked to change of the programme, newest first."""
    await _must_exist(session, programme_id)
    return await queries.approvals_of(session, programme_id, status=status, before=before, limit=limit)


async def transfers(session: AsyncSession, programme_id: UUID, after: int, limit: int) -> list[Transfer]:
    """The programme's transfers behind `after`, in the order of the chain."""
    await _must_exist(session, programme_id)
    return await transfers_after(session, programme_id, after, limit)


async def verify(db: Database, programme_id: UUID) -> Verified:
    """Walk the programme's whole chain."""
    async with db.reading() as session:
        await _must_exist(session, programme_id)
    return await subsidy.verify(db, programme_id)


async def export(db: Database, programme_id: UUID) -> AsyncIterator[bytes]:
    """The programme's ledger as a file that can be verified from outside."""
    async with db.reading() as session:
        await _must_exist(session, programme_id)
    return subsidy.exported(db, programme_id)


async def sealed_days(session: AsyncSession, programme_id: UUID, after: date | None, limit: int) -> list[Seal]:
    """Where the chain stood when each day was over, behind `after`."""
    await _must_exist(session, programme_id)
    return await ledger.seals_of(session, programme_id, after=after, limit=limit)


async def standing_at(session: AsyncSession, programme_id: UUID, at: datetime) -> Head:
    """Where the chain stood at this moment."""
    await _must_exist(session, programme_id)
    head = await ledger.head_of(session, programme_id)
    return await ledger.standing_at(session, programme_id, at, head.seq)


async def burn_down(session: AsyncSession, programme_id: UUID) -> tuple[list[Seal], Rate]:
    """The sealed days of a programme, how fast its money goes and when it ends, if before the programme does."""
    programme, money = await find(session, programme_id)
    days = await ledger.seals_of(session, programme_id)
    sealed = [(bounds_of(date.fromisoformat(seal.day))[1], seal.budget_fen - seal.available_fen) for seal in days]
    since = max(programme.starts_at, programme.created_at)
    now = rate(sealed, since, money.read_at, money.budget_fen - money.available_fen, money.available_fen)
    outlasts = now.ends_at is not None and now.ends_at > programme.ends_at
    return days, replace(now, ends_at=None) if outlasts else now


async def _must_exist(session: AsyncSession, programme_id: UUID) -> None:
    if not await queries.exists(session, programme_id):
        raise NotFound()
