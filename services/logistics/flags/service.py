"""What can be done with fraud flags: raise them for a statement, review them, hold a payout by them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue import places
from catalogue.geodesy import great_circle_km
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import WriteSession
from chassis.problems import must_exist
from services.logistics.flags import queries, rules
from services.logistics.flags.models import Flag, PayoutHeld
from services.logistics.flags.rules import Seen
from services.logistics.flags.schemas import NewReview
from services.logistics.programmes.models import SecondOfficerNeeded

FLAGS_MAX = 1000
"""Of one statement and rule: whoever has so many is looked at anyway, and no rule hides what another found."""


async def raise_for(
    session: WriteSession,
    settlement_id: UUID,
    programme_id: UUID,
    payee_id: UUID,
    begins_at: datetime,
    ends_at: datetime,
    settled: int,
    now: datetime,
) -> None:
    """Raise what the rules find in a carrier's frozen statement; `settled` lines were in those before it.

    The database looks through what may be a million parcels; here come counts, and the scans of those that were too
    fast.
    """
    early = await queries.early_of(session, settlement_id, payee_id)
    found = [
        rules.of_share(await queries.share_of(session, programme_id, payee_id, begins_at, ends_at, settled)),
        rules.of_weights(await queries.weights_of(session, settlement_id)),
        rules.of_speed(await _too_fast(session, settlement_id), great_circle_km),
        rules.of_recipients(await queries.repeated_of(session, settlement_id)),
        rules.of_early(early),
        rules.of_unfetched(early),
    ]
    session.add_all(
        Flag(
            id=uuid7(),
            settlement_id=settlement_id,
            programme_id=programme_id,
            rule=each.rule,
            subject=each.subject,
            evidence=dict(each.evidence),
            status="open",
            raised_at=now,
        )
        for of_one_rule in found
        for each in of_one_rule[:FLAGS_MAX]
    )


async def must_be_reviewed(session: AsyncSession, caller: Caller, settlement_id: UUID) -> None:
    """Raises PayoutHeld while a flag of the statement is open, and SecondOfficerNeeded for who has reviewed one."""
    count = await queries.open_flags(session, settlement_id)
    if count:
        raise PayoutHeld(count=count)
    if caller.account_id in await queries.reviewers_of(session, settlement_id):
        raise SecondOfficerNeeded()


async def _too_fast(session: AsyncSession, settlement_id: UUID) -> dict[str, list[Seen]]:
    """The scans of the parcels that were in two counties within less time than anybody takes between them."""
    too_fast = []
    for one, other, seconds in await queries.quickest_hops(session, settlement_id):
        points = [places.point_of(each) for each in (one, other)]
        if all(points):
            here, there = ((each.point.lon, each.point.lat) for each in points if each is not None)
            least_s = rules.within_s(here, there, great_circle_km)
            if seconds < least_s:
                too_fast.append((one, other, least_s))
    return await queries.scans_of_hops(session, settlement_id, too_fast, FLAGS_MAX)


async def review(session: WriteSession, caller: Caller, flag_id: UUID, new: NewReview) -> Flag:
    """Clear or confirm it; either lets another officer pay. Raises NotFound and ReviewedAlready."""
    flag = must_exist(await queries.locked_flag(session, flag_id))
    flag.review(new.verdict, new.note, caller.account_id, await database_now(session))
    return flag
