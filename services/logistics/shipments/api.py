"""`/v1/shipments`: what there is to carry, and how far it has come."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from catalogue.fields import AdcodeBeginning
from chassis.auth import Caller, only
from chassis.fields import Day, Limit, Page
from chassis.known import UNLESS_KNOWN
from chassis.photos import AS_JPEG, CleanPhoto, private_jpeg
from chassis.routes import PhotoRoute, Read, Write, set_etag, set_location, slice_router
from contracts.shipments import ShipmentStatus
from services.logistics.feed.schemas import ShipmentOut
from services.logistics.shipments import queries, service
from services.logistics.shipments.schemas import IDS_MAX, NewReport, PhotoOut, ReportOut

router = slice_router("/v1/shipments", tag="shipments")
photos_router = slice_router("/v1/shipments", tag="shipments", route_class=PhotoRoute)
Carrier = Annotated[Caller, Depends(only("carrier"))]
Party = Annotated[Caller, Depends(only("carrier", "producer", "agent", "platform", "group_leader", "citizen"))]

Ids = Annotated[list[UUID], Query(alias="id", max_length=IDS_MAX, default_factory=list)]


@router.get("")
async def list_shipments(
    caller: Party,
    session: Read,
    ids: Ids,
    status: ShipmentStatus | None = None,
    adcode: AdcodeBeginning | None = None,
    to_adcode: AdcodeBeginning | None = None,
    date: Day | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[ShipmentOut]:
    """Newest first: a carrier's own and what it may claim, or your matches'. By `id`, repeated, those of them.

    `adcode`: an area's, or how one begins, of the origin; `to_adcode` of the destination. `date`: that can be fetched
    on that day (Asia/Shanghai).
    """
    rows = await queries.shipments_of(
        session,
        caller,
        ids=ids,
        status=status,
        adcode=adcode,
        to_adcode=to_adcode,
        day=date,
        before=after,
        limit=limit + 1,
    )
    return Page.of(await service.seen_by(session, caller, rows), limit, lambda last: last.id)


@router.get("/{shipment_id}", dependencies=[UNLESS_KNOWN])
async def read_shipment(shipment_id: UUID, caller: Party, session: Read, response: Response) -> ShipmentOut:
    """One shipment, with its version as ETag."""
    shipment = await service.find(session, caller, shipment_id)
    set_etag(response, shipment.version)
    (seen,) = await service.seen_by(session, caller, [shipment])
    return seen


@router.post("/{shipment_id}/claim")
async def claim_shipment(shipment_id: UUID, caller: Carrier, session: Write, response: Response) -> ShipmentOut:
    """Take a shipment that is open, or failed before. One carrier gets it, the others 409."""
    shipment = await service.claim(session, caller, shipment_id)
    set_etag(response, shipment.version)
    (seen,) = await service.seen_by(session, caller, [shipment])
    return seen


@router.post("/{shipment_id}/release")
async def release_shipment(shipment_id: UUID, caller: Carrier, session: Write, response: Response) -> ShipmentOut:
    """Give back what you claimed and have not picked up."""
    shipment = await service.release(session, caller, shipment_id)
    set_etag(response, shipment.version)
    (seen,) = await service.seen_by(session, caller, [shipment])
    return seen


@router.post("/{shipment_id}/events")
async def report_on_shipment(
    shipment_id: UUID, new: NewReport, caller: Carrier, session: Write, response: Response
) -> ShipmentOut:
    """Tell that it was picked up, delivered, or failed; the same told again changes nothing."""
    shipment = await service.report(session, caller, shipment_id, new)
    set_etag(response, shipment.version)
    (seen,) = await service.seen_by(session, caller, [shipment])
    return seen


@router.get("/{shipment_id}/events")
async def list_reports(shipment_id: UUID, caller: Party, session: Read) -> Page[ReportOut]:
    """What its carriers told, in the order of its coming."""
    shipment = await service.find(session, caller, shipment_id)
    rows = await queries.reports_of(session, shipment.id)
    return Page(items=[ReportOut.of(row) for row in rows], next=None)


@photos_router.post("/{shipment_id}/photos", status_code=201)
async def show_shipment(
    shipment_id: UUID, caller: Carrier, photo: CleanPhoto, session: Write, response: Response
) -> PhotoOut:
    """Keep a photo of a shipment that you claimed, as proof; a form with `photo`. Its location is taken out of it."""
    shown = await service.show(session, caller, shipment_id, photo)
    set_location(response, f"/v1/shipments/{shipment_id}/photos/{shown.id}")
    return PhotoOut.of(shown)


@router.get("/{shipment_id}/photos")
async def list_photos(shipment_id: UUID, caller: Party, session: Read) -> Page[PhotoOut]:
    """The photos of your shipment, in the order of their coming."""
    rows = await service.photos(session, caller, shipment_id)
    return Page(items=[PhotoOut.of(row) for row in rows], next=None)


@router.get("/{shipment_id}/photos/{photo_id}", response_class=Response, responses=AS_JPEG)
async def read_photo(shipment_id: UUID, photo_id: UUID, caller: Party, session: Read) -> Response:
    """One photo of your shipment."""
    return private_jpeg(await service.photo(session, caller, shipment_id, photo_id))
