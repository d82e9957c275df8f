"""A statement in the form that its reader wants."""

from typing import Final
from uuid import UUID

from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.accepts import wanted
from chassis.auth import Caller
from chassis.db import Database
from services.logistics.programmes.models import Programme
from services.logistics.settlements import service, sheets
from services.logistics.settlements.models import Settlement
from services.logistics.settlements.schemas import StatementOut

SHEETS: Final = (sheets.CSV, sheets.XLSX)
FORMS: Final = ("application/json", *SHEETS)


FIRST_LINES: Final = 50


async def begun(session: AsyncSession, settlement: Settlement) -> StatementOut:
    """With its first lines."""
    lines = await service.lines_of(session, settlement, None, FIRST_LINES + 1)
    return StatementOut.with_lines(settlement, await service.due(session, settlement), lines, FIRST_LINES)


async def as_accepted(
    db: Database, caller: Caller, settlement_id: UUID, accept: str, after: UUID | None, limit: int
) -> Response:
    """JSON with a page of lines, or the whole as a table. Raises NotFound."""
    form = wanted(accept, FORMS)
    async with db.reading() as session:
        settlement = await service.find(session, caller, settlement_id)
        if form not in SHEETS:
            lines = await service.lines_of(session, settlement, after, limit + 1)
            shown = StatementOut.with_lines(settlement, await service.due(session, settlement), lines, limit)
            return JSONResponse(shown.model_dump(mode="json"), headers={"Vary": "Accept"})
        programme = await session.get_one(Programme, settlement.programme_id)
        head = sheets.Head(settlement, programme.name, programme.funder)
    table = sheets.as_csv if form == sheets.CSV else sheets.as_xlsx
    name = head.file_name("csv" if form == sheets.CSV else "xlsx")
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(table(db, head), media_type=form, headers=headers)
