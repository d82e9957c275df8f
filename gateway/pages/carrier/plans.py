"""What a carrier's pages of plans show, read from the API: which there are, one with its routes drawn, and what a plan
leaves behind, which can be planned again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from catalogue.days import CHINA
from gateway.pages import placing
from gateway.pages.carrier.drawing import Drawing, draw
from gateway.pages.carrier.loads import CLAIMABLE, Load, claimable, loads_of
from gateway.pages.names import place_name, produce_name
from gateway.pages.reader import Reader
from gateway.pages.shown import at, day, local

SHIPMENTS_MAX, VEHICLES_MAX = 500, 200
"""So many the API plans at once."""
FIELDS_MAX = SHIPMENTS_MAX + VEHICLES_MAX + 20
"""Of the form of a plan: a box each, and its few fields."""
LEFT_SHOWN = 100
"""Of what a plan leaves behind so many are named, and ticked in the form that plans it again."""
MORNING = time(6, tzinfo=CHINA)
TOO_LATE_TODAY = frozenset({"shift", "break"})
LATER_IS_WORSE = frozenset({"window", "spoils_before_arrival"})
NO_FITTING_VEHICLE = frozenset({"no_vehicle", "no_vehicle_in_range", "temperature_class", "capacity"})
"""Why a plan leaves shipments behind that another departure, or another vehicle, would take."""


@dataclass(frozen=True, slots=True)
class Routes:
    """`plans` leave today, by the clocks of China, or later. `loads` may be planned, those first that `again` is about.
    `ticked` and `depart_at`: what the form begins with."""

    plans: Sequence[Mapping[str, Any]]
    earlier: Sequence[Mapping[str, Any]]
    loads: Sequence[Load]
    vehicles: Sequence[Mapping[str, Any]]
    ticked: frozenset[str]
    depart_at: str
    again: Mapping[str, Any] | None
    """The plan whose shipments are planned again that it left behind."""
    missing: int
    """How many of them are not ticked: who has them by now, or they are too many for one form."""


@dataclass(frozen=True, slots=True)
class Left:
    """A shipment that a plan leaves behind, and why. `load` is None where it can't be looked up; `to` is what the
    change of the API would have to come to, readable; None with no change that alone would do."""

    said: Mapping[str, Any]
    load: Load | None
    vehicle: str
    to: object

    @property
    def change(self) -> str | None:
        return self.said["change"]["change"] if self.said.get("change") else None


@dataclass(frozen=True, slots=True)
class Route:
    """`goods` by the slug of the produce, in the reader's language."""

    plan: Mapping[str, Any]
    drawing: Drawing
    goods: Mapping[str, str]
    places: Mapping[str, str]
    left: Sequence[Left]

    @property
    def reasons(self) -> frozenset[str]:
        return _reasons(self.plan)

    @property
    def next_departure(self) -> datetime | None:
        """When what came too late to be back in time could leave; None where no departure helps."""
        return next_departure(self.plan) if _helps_to_leave_later(self.plan) else None

    @property
    def lacks_vehicle(self) -> bool:
        return bool(self.reasons & NO_FITTING_VEHICLE)


async def read_routes(reader: Reader, again: UUID | None = None, chosen: Sequence[str] = ()) -> Routes:
    """`again`: a plan of whose shipments some are left, to be planned once more; `chosen`: those that were ticked in a
    form that was refused. Raises Refused and ServiceUnavailable."""
    api = reader.api
    plans, (open_ones, _), claimed, vehicles = await asyncio.gather(
        api.get("/v1/routes", limit=30),
        claimable(reader, placing.NOWHERE, None),
        api.get("/v1/shipments", status="claimed", limit=100),
        api.get("/v1/vehicles", limit=VEHICLES_MAX),
    )
    plan = None if again is None else await api.get(f"/v1/routes/{again}")
    wanted = [each["shipment_id"] for each in plan["unassigned"]] if plan else list(chosen)
    listed = {load.said["id"]: load for load in loads_of(reader, [*claimed["items"], *open_ones])}
    asked = await _shipments(reader, [each for each in wanted if each not in listed])
    known = listed | {load.said["id"]: load for load in asked if _may_be_planned(load)}
    first = {each: known[each] for each in [each for each in wanted if each in known][:LEFT_SHOWN]}
    today = day(datetime.now(UTC))
    return Routes(
        plans=[each for each in plans["items"] if day(each["depart_at"]) >= today],
        earlier=[each for each in plans["items"] if day(each["depart_at"]) < today],
        loads=list(({**first, **listed} if plan else known).values()),
        vehicles=[each for each in vehicles["items"] if not each["retired"]],
        ticked=frozenset(first if plan else (each for each, load in known.items() if load.is_own)),
        depart_at=_departure(plan),
        again=plan,
        missing=len(wanted) - len(first),
    )


def next_departure(plan: Mapping[str, Any]) -> datetime:
    """The morning after the plan's, by the clocks of China, or after today where that is past."""
    later = max(at(plan["depart_at"]), at(datetime.now(UTC)))
    return datetime.combine(later.date() + timedelta(days=1), MORNING)


async def read_route(reader: Reader, plan_id: UUID) -> Route:
    """Raises Refused where there is no such plan of the reader's, and ServiceUnavailable."""
    plan, vehicles = await asyncio.gather(
        reader.api.get(f"/v1/routes/{plan_id}"), reader.api.get("/v1/vehicles", limit=500)
    )
    names = {each["id"]: each["name"] for each in vehicles["items"]}
    stops = [stop for each in plan["vehicles"] for stop in each["stops"]]
    return Route(
        plan=plan,
        drawing=draw(plan["vehicles"], names),
        goods={each["produce"]: produce_name(each["produce"], reader.language) for each in stops if each["produce"]},
        places={each["adcode"]: place_name(each["adcode"]) for each in stops if each["adcode"]},
        left=await _left(reader, plan["unassigned"], names),
    )


async def _left(reader: Reader, items: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[Left]:
    found = await _shipments(reader, [each["shipment_id"] for each in items])
    loads = {load.said["id"]: load for load in found}
    changes = [each.get("change") or {} for each in items]
    return [
        Left(each, loads.get(each["shipment_id"]), names.get(change.get("vehicle_id", ""), ""), _to(change))
        for each, change in zip(items, changes, strict=True)
    ]


def _to(change: Mapping[str, Any]) -> object:
    return place_name(change["to"]) if change.get("change") == "area" else change.get("to")


async def _shipments(reader: Reader, ids: Sequence[str]) -> list[Load]:
    """The first of them, by one question: what there is to carry may be many times as much."""
    named = tuple(ids[:LEFT_SHOWN])
    if not named:
        return []
    return loads_of(reader, (await reader.api.get("/v1/shipments", id=named, limit=len(named)))["items"])


def _may_be_planned(load: Load) -> bool:
    return load.said["status"] in CLAIMABLE or (load.is_own and load.said["status"] == "claimed")


def _reasons(plan: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(reason for each in plan["unassigned"] for reason in each["reasons"])


def _helps_to_leave_later(plan: Mapping[str, Any]) -> bool:
    """Whether something is left that only the vehicles' hours kept back: what also spoils or comes too late does so
    all the more by leaving later."""
    left = (set(each["reasons"]) for each in plan["unassigned"])
    return any(reasons & TOO_LATE_TODAY and not reasons & LATER_IS_WORSE for reasons in left)


def _departure(plan: Mapping[str, Any] | None) -> str:
    """Of what is planned again: tomorrow where today is too short, else when it was to leave, if that is to come."""
    if plan is None:
        return ""
    if _helps_to_leave_later(plan):
        return local(next_departure(plan))
    return local(plan["depart_at"]) if at(plan["depart_at"]) > datetime.now(UTC) else ""
