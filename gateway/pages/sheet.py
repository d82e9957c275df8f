"""The driver's sheet: a planned route to print, with what is fetched and brought where, and whom to ask for.

The plan is the logistics service's, asked with the caller's own token, so that whoever may not read it gets no sheet.
Names and masked phones are the gateway's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from catalogue import places, produce
from chassis.problems import Language, NotFound
from gateway.accounts.service import Contact
from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable, Upstream

CHINA = ZoneInfo("Asia/Shanghai")


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


async def read_plan(logistics: Upstream | None, plan_id: UUID, authorization: str) -> Any:
    """The plan, by the caller's own right. Raises NotFound and ServiceUnavailable."""
    return await _asked(logistics, f"/v1/routes/{plan_id}", authorization)


async def vehicle_names(logistics: Upstream | None, plan: Mapping[str, Any], authorization: str) -> dict[str, str]:
    """By id, as their carrier calls them."""
    found = {}
    for route in plan["vehicles"]:
        vehicle = await _asked(logistics, f"/v1/vehicles/{route['vehicle_id']}", authorization)
        found[route["vehicle_id"]] = vehicle["name"]
    return found


def parties(plan: Mapping[str, Any]) -> set[UUID]:
    """Whoever hands over or takes on these routes."""
    stops = [stop for route in plan["vehicles"] for stop in route["stops"]]
    return {UUID(stop["account_id"]) for stop in stops if stop["account_id"]}


def sheets(
    plan: Mapping[str, Any], names: Mapping[str, str], contacts: Mapping[UUID, Contact], language: Language
) -> list[Sheet]:
    return [
        Sheet(
            vehicle=names[route["vehicle_id"]],
            departs=_clock(route["departs_at"]),
            returns=_clock(route["returns_at"]),
            distance_km=round(route["distance_m"] / 1000, 1),
            load_kg=route["load_kg"],
            lines=_lines(route, contacts, language),
        )
        for route in plan["vehicles"]
    ]


def _lines(route: Mapping[str, Any], contacts: Mapping[UUID, Contact], language: Language) -> list[Line]:
    """Stops and breaks, as they come."""
    stops = [_line(stop, contacts, language) for stop in route["stops"]]
    rests = [Line("break", _clock(rest["start"]), _clock(rest["end"])) for rest in route["breaks"]]
    return sorted([*stops, *rests], key=lambda line: line.arrives)


def _line(stop: Mapping[str, Any], contacts: Mapping[UUID, Contact], language: Language) -> Line:
    place = places.get(stop["adcode"]) if stop["adcode"] else None
    goods = produce.get(stop["produce"]) if stop["produce"] else None
    named = "" if goods is None else goods.name_zh if language == "zh-CN" else goods.name_en
    return Line(
        kind=stop["type"],
        arrives=_clock(stop["arrival"]),
        leaves=_clock(stop["departure"]),
        place="" if place is None else place.full_name,
        point=f"{stop['lon']:.5f}, {stop['lat']:.5f}",
        goods=named or stop["produce"] or "",
        temperature_class=stop["temperature_class"] or "",
        quantity_kg=stop["quantity_kg"],
        load_kg=stop["load_kg"],
        reference=stop["shipment_id"][-6:],
        contact=contacts.get(UUID(stop["account_id"])) if stop["account_id"] else None,
    )


def _clock(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(CHINA)


async def _asked(logistics: Upstream | None, path: str, authorization: str) -> Any:
    if logistics is None:
        raise ServiceUnavailable()
    answer = await fetch(logistics, path, authorization=authorization)
    if answer.status in {403, 404}:
        raise NotFound()
    if answer.status != 200:
        raise ServiceUnavailable()
    return answer.json()
