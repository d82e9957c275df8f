"""`/v1/programmes`: who puts up the money, what it pays for, and where every fen went."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import Db, Read, Write, slice_router
from services.logistics.programmes import queries, service
from services.logistics.programmes.schemas import NewProgramme, ProgrammeOut, VerifiedOut

router = slice_router("/v1/programmes", tag="programmes")
Officer = Annotated[Caller, Depends(only("programme_officer"))]
Overseer = Annotated[Caller, Depends(only("programme_officer", "auditor"))]
AfterSeq = Annotated[int, Query(ge=0, le=2**53 - 1)]


@router.post("", status_code=201)
async def open_programme(new: NewProgramme, caller: Officer, session: Write) -> ProgrammeOut:
    """Open a programme; it is active from starts_at."""
    return ProgrammeOut.of(*await service.open_programme(session, caller, new))


@router.get("")
async def list_programmes(
    caller: Overseer, session: Read, after: UUID | None = None, limit: Limit = 50
) -> Page[ProgrammeOut]:
    """Every programme, newest first."""
    rows = await queries.list_opened(session, after, limit + 1)
    return Page.of([ProgrammeOut.of(*row) for row in rows], limit, lambda last: last.id)


@router.get("/{programme_id}")
async def read_programme(programme_id: UUID, caller: Overseer, session: Read) -> ProgrammeOut:
    """One programme and its money, all of it of one moment."""
    return ProgrammeOut.of(*await service.find(session, programme_id))


@router.get("/{programme_id}/transfers")
async def list_transfers(
    programme_id: UUID, caller: Overseer, session: Read, after: AfterSeq = 0, limit: Limit = 50
) -> Page[dict[str, Any]]:
    """The chain, in its order: each transfer with the hash of the one before and its own."""
    rows = await service.transfers(session, programme_id, after, limit + 1)
    return Page.of([row.as_json() for row in rows], limit, lambda last: last["seq"])


@router.get("/{programme_id}/verify")
async def verify_programme(programme_id: UUID, caller: Overseer, db: Db) -> VerifiedOut:
    """Walk the whole chain: is every transfer as it was written, and does it lead to the programme's balances?"""
    verified = await service.verify(db, programme_id)
    return VerifiedOut.model_validate(verified, from_attributes=True)
