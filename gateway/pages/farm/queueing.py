"""What a phone's queue sends once the signal is back, and asks before: in JSON, for a script reads it.

Each lot comes with the key that it got when it was filled in, so that a second sending, after an answer that was lost
on the way, is the same request.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse

from gateway.pages.asking import Refused, Told
from gateway.pages.farm.offering import Sheet, post, sheet_of, show_once
from gateway.pages.reader import AnyReader, PhotoPageRoute, Reader, page_router, reader_who_is


class QueueRoute(PhotoPageRoute):
    """What the API refuses while something is looked up goes on to the phone as it is; any other refusal is no page."""

    def answer_to(self, request: Request, refusal: Exception) -> Response | None:
        return _answer(refusal.told.status, refusal.told.said or {}) if isinstance(refusal, Refused) else None


router = page_router(QueueRoute)

Farmer = Annotated[Reader, Depends(reader_who_is("producer", "agent"))]
Came = Annotated[Sheet, Depends(sheet_of)]


@router.get("/farm/queue")
async def whose(reader: AnyReader) -> JSONResponse:
    """Who is signed in, nobody perhaps, and what time it is: a phone's clock may be wrong."""
    account = str(reader.caller.account_id) if reader.caller else ""
    return _answer(200, {"account": account, "now": datetime.now(UTC).isoformat()})


@router.post("/farm/queue")
async def send(reader: Farmer, sheet: Came) -> JSONResponse:
    posted = await post(reader, Sheet(sheet.filled), sheet.filled.key)
    return _said(reader, posted.told, posted.listing_id, sheet)


@router.post("/farm/queue/{listing_id}/photos")
async def send_photo(listing_id: UUID, reader: Farmer, sheet: Came) -> JSONResponse:
    told = await show_once(reader, str(listing_id), sheet)
    return _said(reader, told, str(listing_id), sheet)


def _said(reader: Reader, told: Told, listing_id: str, sheet: Sheet) -> JSONResponse:
    """The lot's id; or the problem, with its faults by the fields of the form, and what may have been meant."""
    if told.ok:
        return _answer(201, {"id": listing_id})
    faults = sheet.filled.faults(told.faults(), reader.language)
    choices = sheet.filled.choices(reader.language)
    return _answer(told.status, {**(told.said or {}), "faults": faults, "choices": choices})


def _answer(status: int, body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
