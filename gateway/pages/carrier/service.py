"""What a carrier does on the pages: each form becomes one request to the API."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from catalogue import places
from chassis.idempotency import KeyReused
from chassis.problems import FieldError, InvalidInput, Text
from gateway.pages import placing
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, fen, given, instant, number, refused
from gateway.pages.reader import Reader

NO_REASON = Text("请写明为什么没运成。", "Say why it failed.")
NOTHING_TO_PLAN = Text("请勾选要运的运单，或填写取货地。", "Tick shipments, or name the place to carry from.")


async def move(reader: Reader, shipment_id: UUID, verb: str, typed: Typed) -> Told:
    """Claim or release it, or tell what happened, which is just now where no time is told. Raises Refused and
    ServiceUnavailable.

    The API takes a failure without its reason; a person is asked for it, for somebody else has to carry on from there.
    Sent twice a report has another time, and so another body under its key: it is the same all the same.
    """
    path = f"/v1/shipments/{shipment_id}/{verb}"
    if verb != "events":
        return await reader.api.send("POST", path, key=typed.key)
    if typed.get("type") == "failed" and not typed.get("reason"):
        return refused(reader.language, InvalidInput(errors=[FieldError("#/reason", NO_REASON)]))
    said = given(type=typed.get("type"), weight_kg=number(typed.get("weight_kg")), reason=typed.get("reason"))
    body = {**said, "at": instant(typed.get("at")) or datetime.now(UTC).isoformat()}
    told = await reader.api.send("POST", path, body, key=typed.key)
    if told.is_problem(KeyReused) and await _is_told(reader, path, said):
        return Told(200, None, None)
    return told


async def plan(reader: Reader, typed: Typed) -> Told:
    """Of the shipments that were ticked; where none was, of all there is to carry from a county or an area."""
    shipments, place = typed.many.get("shipment", []), typed.get("place")
    if not shipments and not place:
        return refused(reader.language, InvalidInput(errors=[FieldError("#/adcode", NOTHING_TO_PLAN)]))
    body = given(
        shipment_ids=shipments,
        adcode=None if shipments else placing.part(place or "", typed.get("adcode", "")).code or place,
        vehicle_ids=typed.many.get("vehicle", []),
        depart_at=instant(typed.get("depart_at")),
        limit_s=10,
    )
    return await reader.api.send("POST", "/v1/routes", body, key=typed.key)


def chosen(typed: Typed) -> list[str]:
    """The shipments that were ticked; what can be no id is none."""
    ids = []
    for each in typed.many.get("shipment", []):
        with suppress(ValueError):
            ids.append(str(UUID(each)))
    return ids


async def add_vehicle(api: Api, typed: Typed) -> Told:
    """Its depot is the seat of the county that was named. Raises ServiceUnavailable."""
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


async def _is_told(reader: Reader, path: str, told: Mapping[str, object]) -> bool:
    """Whether the reader has reported just this of the shipment, whenever it was."""
    if reader.caller is None:
        return False
    said = {"weight_kg": None, "reason": None, **told, "carrier_id": str(reader.caller.account_id)}
    reports = (await reader.api.get(path))["items"]
    return any({name: each[name] for name in said} == said for each in reports)


def _depot(typed: Typed) -> dict[str, object]:
    """The seat of the county that was named; empty where that says not which, and then the API asks for it."""
    code = placing.county(typed.get("place", ""), typed.get("adcode", "")).code
    located = None if code is None else places.point_of(code)
    return {} if located is None else {"lon": located.point.lon, "lat": located.point.lat}
