"""`/v1/parcels`: a carrier registers waybills and tells how far they have come."""

from typing import Annotated

from fastapi import Depends

from chassis.auth import Caller, only
from chassis.routes import Read, Write, slice_router
from services.logistics.parcels import service
from services.logistics.parcels.schemas import (
    NewParcels,
    NewScans,
    ParcelOut,
    RegisteredItems,
    ScannedItems,
    ScannedOut,
)

router = slice_router("/v1/parcels", tag="parcels")
Carrier = Annotated[Caller, Depends(only("carrier"))]


@router.post("", response_model_exclude_none=True)
async def register_parcels(new: NewParcels, caller: Carrier, session: Write) -> RegisteredItems:
    """Register parcels of shipments that you claimed, and hear of each whether it is subsidised, in the order sent."""
    return RegisteredItems(items=await service.register(session, caller, new))


@router.post("/scans")
async def scan_parcels(new: NewScans, caller: Carrier, session: Write) -> ScannedItems:
    """Tell what happened to your parcels; in any order, and as often as you like."""
    parcels = await service.scan(session, caller, new)
    return ScannedItems(items=[ScannedOut.of(parcel) for parcel in parcels])


@router.get("/{waybill}", response_model_exclude_none=True)
async def read_parcel(waybill: str, caller: Carrier, session: Read) -> ParcelOut:
    """One of your parcels as it is now, however its waybill is written."""
    return await service.find(session, caller, waybill)
