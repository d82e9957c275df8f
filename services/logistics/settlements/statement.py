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
from services.logistics.settlements.models import Due, Settlement
from services.logistics.settlements.readable import Readable
from services.logistics.settlements.schemas import StatementOut, Wanted
from services.logistics.settlements.tables import CSV, XLSX

SHEETS: Final = (CSV, XLSX)
FORMS: Final = ("application/json", *SHEETS)


FIRST_LINES: Final = 50


async def begun(session: AsyncSession, settlement: Settlement) -> StatementOut:
    """With its first lines."""
    lines = await service.lines_of(session, settlement, None, FIRST_LINES + 1)
    return StatementOut.with_lines(settlement, await service.due(session, settlement), lines, FIRST_LINES)


async def as_wanted(
    db: Database, caller: Caller, settlement_id: UUID, form: Wanted, after: UUID | None, limit: int
) -> Response:
    """JSON with a page of lines, or the whole as a table. Raises NotFound."""
    media_type = wanted(form.accept, FORMS)
    async with db.reading() as session:
        settlement = await service.find(session, caller, settlement_id)
        due = await service.due(session, settlement)
        if media_type not in SHEETS:
            lines = await service.lines_of(session, settlement, after, limit + 1)
            shown = StatementOut.with_lines(settlement, due, lines, limit)
            return JSONResponse(shown.model_dump(mode="json"), headers={"Vary": "Accept"})
        programme = await session.get_one(Programme, settlement.programme_id)
        head = sheets.Head(settlement, programme.name, programme.funder)
    return _table(db, head, due, form, media_type)


def _table(db: Database, head: sheets.Head, due: Due | None, form: Wanted, media_type: str) -> Response:
    is_csv = media_type == CSV
    if form.language is None:
        kind, written = "settlement", (sheets.as_csv if is_csv else sheets.as_xlsx)(db, head)
    else:
        readable = Readable(head, due, form.language, form.payee_name or "")
        kind, written = "statement", (readable.as_csv if is_csv else readable.as_xlsx)(db)
    name = head.file_name(kind, "csv" if is_csv else "xlsx")
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(written, media_type=media_type, headers=headers)
