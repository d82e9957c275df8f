"""The driver's sheet: a planned route to print, with what is fetched and brought where, and whom to ask for.

The plan is the logistics service's, asked with the caller's own token, so that whoever may not read it gets no sheet.
Names and masked phones are the gateway's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.problems import Language, NotFound
from gateway.accounts.service import Contact, contacts
from gateway.fetch import Sent, fetch
from gateway.pages.names import place_name, produce_name
from gateway.pages.render import page, reader_language
from gateway.pages.shown import at
from gateway.proxy import ServiceUnavailable, Upstream

LISTED_MAX = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A stop, or a break (`kind`), by the clocks of China. `load_kg` is what is aboard when it is left, `reference` the
    end of the shipment's id."""

    kind: str
    arrives: datetime
    leaves: datetime
    place: str = ""
    point: str = ""
    goods: str = ""
    temperature_class: str = ""
    quantity_kg: float | None = None
    load_kg: float | None = None
    reference: str = ""
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Of one vehicle."""

    vehicle: str
    departs: datetime
    returns: datetime
    distance_km: float
    load_kg: float
    lines: Sequence[Line]


async def sheet_page(request: Request, session: AsyncSession, plan_id: UUID, back: str = "") -> HTMLResponse:
    """The plan to print, a page a vehicle, by the right of whoever asks; `back` is the page from which one came. Raises
    NotFound and ServiceUnavailable."""
    logistics, authorization = request.app.state.upstreams.get("logistics"), request.headers["authorization"]
    plan = await read_plan(logistics, plan_id, authorization)
    names = await vehicle_names(logistics, plan, authorization)
    people = await contacts(session, request.app.state.sign_in.vault, parties(plan))
    shown = sheets(plan, names, people, reader_language(request))
    return page(request, "sheet.html", plan=plan, sheets=shown, back=back)


async def read_plan(logistics: Upstream | None, plan_id: UUID, authorization: str) -> Any:
    """The plan, by the caller's own right. Raises NotFound and ServiceUnavailable."""
    return await _asked(logistics, f"/v1/routes/{plan_id}", authorization)


async def vehicle_names(logistics: Upstream | None, plan: Mapping[str, Any], authorization: str) -> dict[str, str]:
    """By id, as their carrier calls them."""
    driven = {route["vehicle_id"] for route in plan["vehicles"]}
    if not driven:
        return {}
    listed = await _asked(logistics, "/v1/vehicles", authorization, f"limit={LISTED_MAX}")
    names = {each["id"]: each["name"] for each in listed["items"] if each["id"] in driven}
    for vehicle_id in driven - names.keys():  # of who has more vehicles than a list tells
        names[vehicle_id] = (await _asked(logistics, f"/v1/vehicles/{vehicle_id}", authorization))["name"]
    return names


def parties(plan: Mapping[str, Any]) -> set[UUID]:
    """Whoever hands over or takes on these routes."""
    stops = [stop for route in plan["vehicles"] for stop in route["stops"]]
    return {UUID(stop["account_id"]) for stop in stops if stop["account_id"]}


def sheets(
    plan: Mapping[str, Any], names: Mapping[str, str], contacts: Mapping[UUID, Contact], language: Language
) -> list[Sheet]:
    """One for each vehicle that moves, in the plan's order; `names` has each of them."""
    return [
        Sheet(
            vehicle=names[route["vehicle_id"]],
            departs=at(route["departs_at"]),
            returns=at(route["returns_at"]),
            distance_km=round(route["distance_m"] / 1000, 1),
            load_kg=route["load_kg"],
            lines=_lines(route, contacts, language),
        )
        for route in plan["vehicles"]
    ]


def _lines(route: Mapping[str, Any], contacts: Mapping[UUID, Contact], language: Language) -> list[Line]:
    """Stops and breaks, as they come."""
    stops = [_line(stop, contacts, language) for stop in route["stops"]]
    rests = [Line("break", at(rest["start"]), at(rest["end"])) for rest in route["breaks"]]
    return sorted([*stops, *rests], key=lambda line: line.arrives)


def _line(stop: Mapping[str, Any], contacts: Mapping[UUID, Contact], language: Language) -> Line:
    return Line(
        kind=stop["type"],
        arrives=at(stop["arrival"]),
        leaves=at(stop["departure"]),
        place=place_name(stop["adcode"]) if stop["adcode"] else "",
        point=f"{stop['lon']:.5f}, {stop['lat']:.5f}",
        goods=produce_name(stop["produce"], language) if stop["produce"] else "",
        temperature_class=stop["temperature_class"] or "",
        quantity_kg=stop["quantity_kg"],
        load_kg=stop["load_kg"],
        reference=stop["shipment_id"][-6:],
        contact=contacts.get(UUID(stop["account_id"])) if stop["account_id"] else None,
    )


async def _asked(logistics: Upstream | None, path: str, authorization: str, query: str = "") -> Any:
    if logistics is None:
        raise ServiceUnavailable()
    answer = await fetch(logistics, path, query, sent=Sent(authorization))
    if answer.status in {403, 404}:
        raise NotFound()
    if answer.status != 200:
        raise ServiceUnavailable()
    return answer.json()
