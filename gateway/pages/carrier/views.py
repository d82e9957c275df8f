"""What a carrier's pages show, read from the API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from catalogue.days import CHINA
from catalogue.geodesy import great_circle_km
from chassis.problems import NotFound
from gateway.pages.asking import Refused
from gateway.pages.carrier import placing
from gateway.pages.carrier.drawing import Drawing, draw
from gateway.pages.carrier.placing import Depot, Meant
from gateway.pages.names import place_name, produce_name
from gateway.pages.paging import newest
from gateway.pages.reader import Reader
from gateway.pages.shown import at, day, local

CLAIMABLE = ("open", "failed")
"""Anybody may take over what another carrier has failed with."""
OPEN_SHOWN = 50
LEFT_SHOWN = 20
UNDER_WAY = ("claimed", "picked_up")
OVER = ("delivered", "cancelled")
OWN_MAX = 200
DONE_SHOWN = 10
NEXT: Mapping[str, Sequence[str]] = {"claimed": ("picked_up", "failed"), "picked_up": ("delivered", "failed")}
"""What can be told of a shipment of that status."""
MORNING = time(6, tzinfo=CHINA)
TOO_LATE_TODAY = frozenset({"shift", "break"})
NO_FITTING_VEHICLE = frozenset({"no_vehicle", "no_vehicle_in_range", "temperature_class", "capacity"})
"""Why a plan leaves shipments behind that another departure, or another vehicle, would take."""


@dataclass(frozen=True, slots=True)
class Load:
    """A shipment. `near_km`: from the carrier's first vehicle to where it is fetched, None without one."""

    said: Mapping[str, Any]
    goods: str
    origin: str
    destination: str
    near_km: float | None
    is_own: bool

    @property
    def tellings(self) -> Sequence[str]:
        return NEXT.get(self.said["status"], ()) if self.is_own else ()


@dataclass(frozen=True, slots=True)
class Shipments:
    """`open` are those that may be claimed. `is_part`: there are such that are not here, so the nearest of these may
    not be the nearest of all. `meant` is what the place that was looked for means."""

    open: Sequence[Load]
    own: Sequence[Load]
    done: Sequence[Load]
    place: str
    meant: Meant
    next: str | None
    is_part: bool
    depot: Mapping[str, float] | None
    """Of the first vehicle, from where `near_km` is reckoned."""


@dataclass(frozen=True, slots=True)
class OneShipment:
    """One with what was reported of it, in the order of its coming."""

    load: Load
    reports: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Routes:
    """`plans` leave today, by the clocks of China, or later. `ticked` and `depart_at`: what the form begins with."""

    plans: Sequence[Mapping[str, Any]]
    earlier: Sequence[Mapping[str, Any]]
    loads: Sequence[Load]
    vehicles: Sequence[Mapping[str, Any]]
    ticked: frozenset[str]
    depart_at: str


@dataclass(frozen=True, slots=True)
class Route:
    """`goods` by the slug of the produce, in the reader's language."""

    plan: Mapping[str, Any]
    drawing: Drawing
    goods: Mapping[str, str]
    places: Mapping[str, str]
    left: Mapping[str, Load]
    """Shipments that have no place in the plan, by their ids; those that can't be looked up are missing."""

    @property
    def reasons(self) -> frozenset[str]:
        return frozenset(reason for each in self.plan["unassigned"] for reason in each["reasons"])

    @property
    def next_departure(self) -> datetime | None:
        """When what came too late to be back in time could leave; None where no departure helps."""
        return next_departure(self.plan) if self.reasons & TOO_LATE_TODAY else None

    @property
    def lacks_vehicle(self) -> bool:
        return bool(self.reasons & NO_FITTING_VEHICLE)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle, and where it stands."""

    said: Mapping[str, Any]
    depot: Depot

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        return cls(said, placing.depot_at(said["depot"]["lon"], said["depot"]["lat"]))


@dataclass(frozen=True, slots=True)
class Parcels:
    """`found` is the waybill that was looked for; `problem` says why there is none."""

    waybill: str
    items: Sequence[Mapping[str, Any]]
    next: str | None
    found: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] | None = None

    @property
    def status(self) -> int:
        return int(self.problem["status"]) if self.problem else 200


async def read_shipments(reader: Reader, place: str | None, after: str | None) -> Shipments:
    """`place` is where they are fetched, by name or code. Raises Refused and ServiceUnavailable."""
    api, meant = reader.api, placing.part((place or "").strip())
    (claimable, following), vehicles, failed, *of_status = await asyncio.gather(
        _claimable(reader, meant, after),
        api.get("/v1/vehicles", limit=50),
        newest(api, "/v1/shipments", OWN_MAX, lambda each: _is_own(reader, each), status="failed"),
        *(api.get("/v1/shipments", status=status, limit=OWN_MAX) for status in UNDER_WAY),
        *(api.get("/v1/shipments", status=status, limit=DONE_SHOWN) for status in OVER),
    )
    depot = next((each["depot"] for each in vehicles["items"] if not each["retired"]), None)
    under_way = [failed.items, *(each["items"] for each in of_status[: len(UNDER_WAY)])]
    over = [each["items"] for each in of_status[len(UNDER_WAY) :]]
    return Shipments(
        open=sorted(_loads(reader, claimable, depot), key=lambda load: load.near_km or 0),
        own=_own(reader, ("failed", *UNDER_WAY), under_way, depot),
        done=_own(reader, OVER, over, depot)[:DONE_SHOWN],
        place=place or "",
        meant=meant,
        next=following,
        is_part=bool(after or following),
        depot=depot,
    )


async def _claimable(reader: Reader, meant: Meant, after: str | None) -> tuple[list[Mapping[str, Any]], str | None]:
    """The newest that the reader may claim, and behind which the next ones come: of two lists one, by their ids.

    Of a place that may be several none: which it is is asked first.
    """
    if meant.why is not None:
        return [], None
    asked = {"adcode": meant.code, "after": after, "limit": OPEN_SHOWN}
    pages = await asyncio.gather(*(reader.api.get("/v1/shipments", status=each, **asked) for each in CLAIMABLE))
    of_status = zip(CLAIMABLE, pages, strict=True)
    found = [each for status, page in of_status for each in page["items"] if each["status"] == status]
    shown = sorted(found, key=lambda each: str(each["id"]), reverse=True)[:OPEN_SHOWN]
    goes_on = len(found) > OPEN_SHOWN or any(page["next"] for page in pages)
    following = str(shown[-1]["id"]) if goes_on and shown else None
    return [each for each in shown if not _is_own(reader, each)], following


def _own(
    reader: Reader,
    statuses: Sequence[str],
    told: Sequence[Sequence[Mapping[str, Any]]],
    depot: Mapping[str, float] | None,
) -> list[Load]:
    """The reader's own of these statuses, the newest first."""
    of_status = zip(statuses, told, strict=True)
    items = [each for status, page in of_status for each in page if each["status"] == status]
    newest = sorted(items, key=lambda each: str(each["id"]), reverse=True)
    return [load for load in _loads(reader, newest, depot) if load.is_own]


async def read_shipment(reader: Reader, shipment_id: UUID) -> OneShipment:
    """Raises Refused where there is none, or another carries it; ServiceUnavailable."""
    path = f"/v1/shipments/{shipment_id}"
    said, reports = await asyncio.gather(reader.api.get(path), reader.api.get(f"{path}/events"))
    (load,) = _loads(reader, [said], None)
    return OneShipment(load, reports["items"])


async def read_routes(reader: Reader, again: UUID | None = None) -> Routes:
    """`again`: a plan of whose shipments some are left, to be planned for its next departure. Raises Refused and
    ServiceUnavailable."""
    api = reader.api
    plans, (claimable, _), claimed, vehicles = await asyncio.gather(
        api.get("/v1/routes", limit=30),
        _claimable(reader, placing.NOWHERE, None),
        api.get("/v1/shipments", status="claimed", limit=100),
        api.get("/v1/vehicles", limit=200),
    )
    today = day(datetime.now(UTC))
    loads = _loads(reader, [*claimed["items"], *claimable], None)
    plan = None if again is None else await api.get(f"/v1/routes/{again}")
    left = None if plan is None else frozenset(each["shipment_id"] for each in plan["unassigned"])
    return Routes(
        plans=[each for each in plans["items"] if day(each["depart_at"]) >= today],
        earlier=[each for each in plans["items"] if day(each["depart_at"]) < today],
        loads=loads,
        vehicles=[each for each in vehicles["items"] if not each["retired"]],
        ticked=frozenset(load.said["id"] for load in loads if load.is_own) if left is None else left,
        depart_at="" if plan is None else local(next_departure(plan)),
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
        left=await _left(reader, [each["shipment_id"] for each in plan["unassigned"]]),
    )


async def _left(reader: Reader, ids: Sequence[str]) -> Mapping[str, Load]:
    """The first of them, each by its own question: what there is to carry may be many times as much."""
    asked = [reader.api.ask(f"/v1/shipments/{each}") for each in ids[:LEFT_SHOWN]]
    told = [each.said for each in await asyncio.gather(*asked) if each.ok]
    return {load.said["id"]: load for load in _loads(reader, told, None)}


async def read_vehicles(reader: Reader) -> Sequence[Vehicle]:
    """Those in service first. Raises Refused and ServiceUnavailable."""
    found = (await reader.api.get("/v1/vehicles", limit=200))["items"]
    return [Vehicle.of(each) for each in sorted(found, key=lambda each: each["retired"])]


async def read_parcels(reader: Reader, waybill: str | None, after: str | None) -> Parcels:
    """The reader's parcels, and the one of that waybill, which may be none of theirs. Raises Refused where it can't be
    looked up, and ServiceUnavailable."""
    wanted = (waybill or "").strip()
    listed = await reader.api.get("/v1/parcels", after=after, limit=20)
    items, following = listed["items"], listed["next"]
    if not wanted:
        return Parcels("", items, following)
    told = await reader.api.ask(f"/v1/parcels/{wanted}")
    if not told.ok and told.status != NotFound.status:
        raise Refused(told)
    return Parcels(wanted, items, following, told.said if told.ok else None, None if told.ok else told.said)


def _loads(reader: Reader, items: Sequence[Mapping[str, Any]], depot: Mapping[str, float] | None) -> list[Load]:
    return [
        Load(
            said=each,
            goods=produce_name(each["produce"], reader.language),
            origin=place_name(each["origin"]["adcode"]),
            destination=place_name(each["destination"]["adcode"]),
            near_km=_km(depot, each["origin"]),
            is_own=_is_own(reader, each),
        )
        for each in items
    ]


def _is_own(reader: Reader, said: Mapping[str, Any]) -> bool:
    return reader.caller is not None and said["carrier_id"] == str(reader.caller.account_id)


def _km(one: Mapping[str, float] | None, other: Mapping[str, float]) -> float | None:
    return None if one is None else round(great_circle_km(one["lon"], one["lat"], other["lon"], other["lat"]))
