"""`/v1/flags`: what looks like fraud in a statement, and what an officer found when looking."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import Read, Write, slice_router
from services.logistics.flags import queries, service
from services.logistics.flags.models import Status
from services.logistics.flags.rules import Rule
from services.logistics.flags.schemas import FlagOut, NewReview

router = slice_router("/v1/flags", tag="flags")
Officer = Annotated[Caller, Depends(only("programme_officer"))]
Overseer = Annotated[Caller, Depends(only("programme_officer", "auditor"))]


@router.get("")
async def list_flags(
    caller: Overseer,
    session: Read,
    programme_id: UUID | None = None,
    settlement_id: UUID | None = None,
    rule: Rule | None = None,
    status: Status | None = None,
    reviewed_by: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[FlagOut]:
    """Flags, newest first, each with its rule and evidence."""
    rows = await queries.flags_of(
        session,
        programme_id=programme_id,
        settlement_id=settlement_id,
        rule=rule,
        status=status,
        reviewed_by=reviewed_by,
        before=after,
        limit=limit + 1,
    )
    return Page.of([FlagOut.of(row) for row in rows], limit, lambda last: last.id)


@router.post("/{flag_id}/review")
async def review_flag(flag_id: UUID, new: NewReview, caller: Officer, session: Write) -> FlagOut:
    """Clear or confirm a flag. It held the payout until now, and refuses nothing by itself."""
    return FlagOut.of(await service.review(session, caller, flag_id, new))
