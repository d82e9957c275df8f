"""`/v1/parcels`: a carrier registers waybills and tells how far they have come.

Both writes take what waits together in one transaction: they end at the lock of a programme's fund.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import Response

from chassis.auth import Caller, only
from chassis.db import WriteSession
from chassis.fields import Limit, Page
from chassis.grouping import group_of
from chassis.routes import IdempotencyKey, Read, slice_router
from contracts.parcels import ParcelStatus, SubsidyStatus
from services.logistics.parcels import service
from services.logistics.parcels.queries import Wanted
from services.logistics.parcels.schemas import (
    ARRAY_MAX,
    NewParcel,
    NewParcels,
    NewScan,
    NewScans,
    ParcelItem,
    ParcelOut,
    RegisteredItems,
    ScannedItems,
)

router = slice_router("/v1/parcels", tag="parcels")
Carrier = Annotated[Caller, Depends(only("carrier"))]
Reader = Annotated[Caller, Depends(only("carrier", "programme_officer", "auditor"))]


@router.post("", response_model=RegisteredItems)
async def register_parcels(new: NewParcels, caller: Carrier, request: Request, _: IdempotencyKey = None) -> Response:
    """Register parcels of shipments that you claimed, and hear of each whether it is subsidised, in the order sent."""
    return await group_of(request, "parcels", _register, limit=2 * ARRAY_MAX).submit(request, caller, new, len(new))


@router.post("/scans", response_model=ScannedItems)
async def scan_parcels(new: NewScans, caller: Carrier, request: Request, _: IdempotencyKey = None) -> Response:
    """Tell what happened to your parcels; in any order, and as often as you like."""
    return await group_of(request, "scans", _scan, limit=2 * ARRAY_MAX).submit(request, caller, new, len(new))


@router.get("")
async def list_parcels(
    caller: Carrier,
    session: Read,
    status: ParcelStatus | None = None,
    subsidy: SubsidyStatus | None = None,
    match_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[ParcelItem]:
    """Your parcels as they are now, in the order of their registration. A page may be short and not be the last."""
    return await service.list_own(session, caller, Wanted(status, subsidy, match_id), after=after, limit=limit)


@router.get("/{waybill:path}", response_model_exclude_none=True)
async def read_parcel(waybill: str, caller: Reader, session: Read) -> ParcelOut:
    """A parcel as it is now, however its waybill is written: one of your own, anyone's for the office."""
    return await service.find(session, caller, waybill)


async def _register(session: WriteSession, requests: Sequence[tuple[Caller, Sequence[NewParcel]]]) -> list[Response]:
    answers = await service.register(session, requests)
    return [_json(RegisteredItems(items=items).model_dump_json(exclude_none=True)) for items in answers]


async def _scan(session: WriteSession, requests: Sequence[tuple[Caller, Sequence[NewScan]]]) -> list[Response]:
    answers = await service.scan(session, requests)
    return [_json(ScannedItems(items=items).model_dump_json()) for items in answers]


def _json(body: str) -> Response:
    return Response(body, media_type="application/json")
