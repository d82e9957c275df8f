"""What can be done with fraud flags: raise them for a statement, review them, hold a payout by them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.geodesy import great_circle_km
from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import NotFound
from services.logistics.clock import database_now
from services.logistics.flags import queries, rules
from services.logistics.flags.models import Flag, PayoutHeld
from services.logistics.flags.schemas import NewReview

FLAGS_MAX = 1000
"""Of one statement: whoever has so many is looked at anyway."""


async def raise_for(
    session: WriteSession,
    settlement_id: UUID,
    programme_id: UUID,
    payee_id: UUID,
    begins_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> None:
    """Raise what the rules find in a carrier's frozen statement."""
    found = [
        *rules.of_share(await queries.share_of(session, programme_id, payee_id, begins_at, ends_at)),
        *rules.of_weights(await queries.weights_of(session, settlement_id)),
        *rules.of_speed(await queries.scans_of(session, settlement_id), great_circle_km),
        *rules.of_recipients(await queries.repeated_of(session, settlement_id)),
    ]
    session.add_all(
        Flag(
            id=uuid7(),
            settlement_id=settlement_id,
            rule=each.rule,
            subject=each.subject,
            evidence=dict(each.evidence),
            status="open",
            raised_at=now,
        )
        for each in found[:FLAGS_MAX]
    )


async def must_be_reviewed(session: AsyncSession, settlement_id: UUID) -> None:
    """Raises PayoutHeld while a flag of the statement is open."""
    count = await queries.open_flags(session, settlement_id)
    if count:
        raise PayoutHeld(count=count)


async def review(session: WriteSession, caller: Caller, flag_id: UUID, new: NewReview) -> Flag:
    """Clear or confirm it; either lets the payout go. Raises NotFound and ReviewedAlready."""
    flag = await queries.locked_flag(session, flag_id)
    if flag is None:
        raise NotFound()
    flag.review(new.verdict, new.note, caller.account_id, await database_now(session))
    return flag
