"""What a carrier's pages of shipments, vehicles and parcels show, read from the API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from chassis.problems import NotFound
from gateway.pages import placing
from gateway.pages.asking import Refused
from gateway.pages.carrier.depots import Depot, depot_at
from gateway.pages.carrier.loads import Depots, Load, claimable, is_own, loads_of
from gateway.pages.paging import newest
from gateway.pages.placing import Meant
from gateway.pages.reader import Reader

UNDER_WAY = ("claimed", "picked_up")
OVER = ("delivered", "cancelled")
OWN_MAX = 200
DONE_SHOWN = 10


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
    next_done: str | None
    is_part: bool
    depots: Depots
    """Of the vehicles in service."""


@dataclass(frozen=True, slots=True)
class OneShipment:
    """One with what was reported of it, in the order of its coming."""

    load: Load
    reports: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle, and where it stands."""

    said: Mapping[str, Any]
    depot: Depot

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        return cls(said, depot_at(said["depot"]["lon"], said["depot"]["lat"]))


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


async def read_shipments(
    reader: Reader, place: str | None, after: str | None, done_after: str | None = None
) -> Shipments:
    """`place` is where they are fetched, by name or code; of what is over, what comes behind `done_after`.

    Raises Refused and ServiceUnavailable.
    """
    api, meant = reader.api, placing.part((place or "").strip())
    (open_ones, following), vehicles, failed, *of_status = await asyncio.gather(
        claimable(reader, meant, after),
        api.get("/v1/vehicles", limit=500),
        newest(api, "/v1/shipments", OWN_MAX, lambda each: is_own(reader, each), status="failed"),
        *(api.get("/v1/shipments", status=status, limit=OWN_MAX) for status in UNDER_WAY),
        *(api.get("/v1/shipments", status=status, after=done_after, limit=DONE_SHOWN) for status in OVER),
    )
    depots = [each["depot"] for each in vehicles["items"] if not each["retired"]]
    under_way = [failed.items, *(each["items"] for each in of_status[: len(UNDER_WAY)])]
    over = of_status[len(UNDER_WAY) :]
    done = _own(reader, OVER, [each["items"] for each in over], depots)
    goes_on = len(done) > DONE_SHOWN or any(each["next"] for each in over)
    done = done[:DONE_SHOWN]
    return Shipments(
        open=sorted(loads_of(reader, open_ones, depots), key=lambda load: load.near_km or 0),
        own=_own(reader, ("failed", *UNDER_WAY), under_way, depots),
        done=done,
        place=place or "",
        meant=meant,
        next=following,
        next_done=str(done[-1].said["id"]) if goes_on and done else None,
        is_part=bool(after or following),
        depots=depots,
    )


def _own(
    reader: Reader,
    statuses: Sequence[str],
    told: Sequence[Sequence[Mapping[str, Any]]],
    depots: Depots,
) -> list[Load]:
    """The reader's own of these statuses, the newest first."""
    of_status = zip(statuses, told, strict=True)
    items = [each for status, page in of_status for each in page if each["status"] == status]
    newest = sorted(items, key=lambda each: str(each["id"]), reverse=True)
    return [load for load in loads_of(reader, newest, depots) if load.is_own]


async def read_shipment(reader: Reader, shipment_id: UUID) -> OneShipment:
    """Raises Refused where there is none, or another carries it; ServiceUnavailable."""
    path = f"/v1/shipments/{shipment_id}"
    said, reports = await asyncio.gather(reader.api.get(path), reader.api.get(f"{path}/events"))
    (load,) = loads_of(reader, [said])
    return OneShipment(load, reports["items"])


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
