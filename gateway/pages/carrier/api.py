"""`/carrier`: what there is to carry, routes drawn, vehicles, waybills, and what is owed for them."""

from asyncio import gather
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chassis.routes import Read
from gateway.pages import placing
from gateway.pages.carrier import plans, service, views
from gateway.pages.forms import NOTHING_TRIED, Form, Tried, Typed, form_with
from gateway.pages.payees.views import is_noticed
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page
from gateway.pages.sheet import sheet_page
from gateway.pages.statements import FileKind, statement_file

router = page_router()

Carrier = Annotated[Reader, Depends(reader_who_is("carrier"))]
PlanForm = Annotated[Typed, Depends(form_with(fields_max=plans.FIELDS_MAX))]
Short = Annotated[str | None, Query(max_length=100)]
Verb = Literal["claim", "release", "events"]
HOME = "/carrier"


@router.get(HOME)
async def shipments(
    request: Request, reader: Carrier, place: Short = None, after: Short = None, done: Short = None
) -> HTMLResponse:
    return page(request, "carrier/shipments.html", shown=await views.read_shipments(reader, place, after, done))


@router.get(f"{HOME}/shipments/{{shipment_id}}")
async def shipment(request: Request, shipment_id: UUID, reader: Carrier) -> HTMLResponse:
    return await _shipment(request, shipment_id, reader, NOTHING_TRIED)


@router.post(f"{HOME}/shipments/{{shipment_id}}/{{verb}}")
async def move(request: Request, shipment_id: UUID, verb: Verb, reader: Carrier, typed: Form) -> Response:
    tried = Tried(verb, typed, await service.move(reader, shipment_id, verb, typed))
    if tried.status < 400:
        return RedirectResponse(f"{HOME}/shipments/{shipment_id}", 303)
    return await _shipment(request, shipment_id, reader, tried)


@router.get(f"{HOME}/routes")
async def routes(request: Request, reader: Carrier, again: UUID | None = None) -> HTMLResponse:
    shown = await plans.read_routes(reader, again)
    return page(request, "carrier/routes.html", shown=shown, tried=NOTHING_TRIED, meant=placing.NOWHERE)


@router.post(f"{HOME}/routes")
async def plan(request: Request, reader: Carrier, typed: PlanForm) -> Response:
    told = await service.plan(reader, typed)
    if told.ok:
        return RedirectResponse(f"{HOME}/routes/{told.said['id']}", 303)
    shown = await plans.read_routes(reader, chosen=service.chosen(typed))
    meant = placing.part(typed.get("place", ""), typed.get("adcode", ""))
    tried = Tried("plan", typed, told)
    return page(request, "carrier/routes.html", told.status, shown=shown, tried=tried, meant=meant)


@router.get(f"{HOME}/routes/{{plan_id}}")
async def route(request: Request, plan_id: UUID, reader: Carrier) -> HTMLResponse:
    return page(request, "carrier/route.html", shown=await plans.read_route(reader, plan_id))


@router.get(f"{HOME}/routes/{{plan_id}}/sheet")
async def sheet(request: Request, plan_id: UUID, reader: Carrier, session: Read) -> HTMLResponse:
    """The drivers' sheet of `/v1/routes/{id}/sheet`, for who is signed in on the pages."""
    return await sheet_page(request, session, plan_id, back=f"{HOME}/routes/{plan_id}")


@router.get(f"{HOME}/vehicles")
async def vehicles(request: Request, reader: Carrier) -> HTMLResponse:
    return await _vehicles(request, reader, NOTHING_TRIED)


@router.post(f"{HOME}/vehicles")
async def add_vehicle(request: Request, reader: Carrier, typed: Form) -> Response:
    return await _after_vehicle(request, reader, Tried("add", typed, await service.add_vehicle(reader.api, typed)))


@router.post(f"{HOME}/vehicles/{{vehicle_id}}")
async def retire_vehicle(request: Request, vehicle_id: UUID, reader: Carrier, typed: Form) -> Response:
    told = await service.retire_vehicle(reader.api, vehicle_id, typed)
    return await _after_vehicle(request, reader, Tried("retire", typed, told))


@router.get(f"{HOME}/parcels")
async def parcels(request: Request, reader: Carrier, waybill: Short = None, after: Short = None) -> HTMLResponse:
    shown = await views.read_parcels(reader, waybill, after)
    return page(request, "carrier/parcels.html", shown.status, shown=shown)


@router.get(f"{HOME}/settlements")
async def settlements(request: Request, reader: Carrier, after: Short = None) -> HTMLResponse:
    found, noticed = await gather(reader.api.get("/v1/settlements", after=after, limit=20), is_noticed(reader))
    return page(request, "carrier/settlements.html", shown=found, noticed=noticed)


@router.get(f"{HOME}/settlements/{{settlement_id}}")
async def settlement(request: Request, settlement_id: UUID, reader: Carrier, after: Short = None) -> HTMLResponse:
    path = f"/v1/settlements/{settlement_id}"
    said, corrections = await gather(reader.api.get(path, after=after), reader.api.get(f"{path}/corrections"))
    return page(request, "carrier/settlement.html", said=said, corrections=corrections["items"])


@router.get(f"{HOME}/settlements/{{settlement_id}}/statement.{{kind}}")
async def statement(settlement_id: UUID, kind: FileKind, request: Request, reader: Carrier) -> Response:
    return await statement_file(request, reader, settlement_id, kind)


async def _shipment(request: Request, shipment_id: UUID, reader: Reader, tried: Tried) -> HTMLResponse:
    shown = await views.read_shipment(reader, shipment_id)
    here = f"{HOME}/shipments/{shipment_id}"
    return page(request, "carrier/shipment.html", tried.status, here=here, shown=shown, tried=tried)


async def _after_vehicle(request: Request, reader: Reader, tried: Tried) -> Response:
    if tried.status < 400:
        return RedirectResponse(f"{HOME}/vehicles", 303)
    return await _vehicles(request, reader, tried)


async def _vehicles(request: Request, reader: Reader, tried: Tried) -> HTMLResponse:
    shown = await views.read_vehicles(reader)
    meant = placing.county(tried.value("add", "place"), tried.value("add", "adcode"))
    here = f"{HOME}/vehicles"
    return page(request, "carrier/vehicles.html", tried.status, here=here, shown=shown, tried=tried, meant=meant)
