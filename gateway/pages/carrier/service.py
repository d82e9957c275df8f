"""What a carrier does on the pages: each form becomes one request to the API."""

from datetime import UTC, datetime
from uuid import UUID

from catalogue import places
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, fen, given, instant, number


async def move(api: Api, shipment_id: UUID, verb: str, typed: Typed) -> Told:
    """Claim or release it, or tell what happened; where no time is told, just now."""
    told = given(
        type=typed.get("type"),
        at=instant(typed.get("at")) or datetime.now(UTC).isoformat(),
        weight_kg=number(typed.get("weight_kg")),
        reason=typed.get("reason"),
    )
    body = told if verb == "events" else None
    return await api.send("POST", f"/v1/shipments/{shipment_id}/{verb}", body, key=typed.key)


async def plan(api: Api, typed: Typed) -> Told:
    """Of the shipments that were ticked; where none was, of all there is to carry from a county."""
    shipments = typed.many.get("shipment", [])
    body = given(
        shipment_ids=shipments,
        adcode=None if shipments else code_of(typed.get("place")),
        vehicle_ids=typed.many.get("vehicle", []),
        depart_at=instant(typed.get("depart_at")),
        limit_s=10,
    )
    return await api.send("POST", "/v1/routes", body, key=typed.key)


async def add_vehicle(api: Api, typed: Typed) -> Told:
    body = given(
        name=typed.get("name"),
        capacity_kg=number(typed.get("capacity_kg")),
        temperature_classes=typed.many.get("class", []),
        depot=_depot(typed),
        shift=given(start=typed.get("start"), end=typed.get("end")),
        cost_fen_per_km=fen(typed.get("cost")),
    )
    return await api.send("POST", "/v1/vehicles", body, key=typed.key)


async def retire_vehicle(api: Api, vehicle_id: UUID, typed: Typed) -> Told:
    """Take it out of service, or back; of the version that was shown."""
    retired = typed.get("retired") == "true"
    path, version = f"/v1/vehicles/{vehicle_id}", typed.get("version")
    return await api.send("PATCH", path, {"retired": retired}, version=version)


def code_of(place: str | None) -> str | None:
    """The code of a place by its name or code; what is none goes on as it is, and the API says so."""
    if not place or place.isdigit():
        return place
    found = places.search(place, 1)
    return found[0].adcode if found else place


def _depot(typed: Typed) -> dict[str, object]:
    """A point, as told or as the seat of the place that was named."""
    if "lon" in typed or "lat" in typed:
        return given(lon=number(typed.get("lon")), lat=number(typed.get("lat")))
    found = places.search(typed.get("place", ""), 1) if "place" in typed else ()
    located = places.point_of(found[0].adcode) if found else None
    return {} if located is None else {"lon": located.point.lon, "lat": located.point.lat}
