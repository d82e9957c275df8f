"""How far a plan has been driven, by what was reported of its shipments."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.shipments import ShipmentStatus
from services.logistics.routes.progress import Progress, progress_of
from services.logistics.routes.schemas import Answer, OtherVehicle, PointOut, StopOut, UnassignedOut, VehicleRouteOut
from services.logistics.routing.problem import Point, Told

VAN, A, B = uuid4(), uuid4(), uuid4()
EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
STOPS = [(A, "pickup"), (B, "pickup"), (A, "delivery"), (B, "delivery")]


def stop(number: int, shipment_id: UUID, kind: Any) -> StopOut:
    return StopOut(shipment_id=shipment_id, type=kind, arrival=EIGHT, departure=EIGHT, lon=100 + number, lat=30)


def progress(*, start: PointOut | None = None, **statuses: ShipmentStatus) -> Progress:
    route = VehicleRouteOut(
        vehicle_id=VAN,
        distance_m=0,
        duration_s=0,
        load_kg=0,
        departs_at=EIGHT,
        returns_at=EIGHT,
        depot=PointOut(lon=99, lat=30),
        start=start,
        stops=[stop(number, *each) for number, each in enumerate(STOPS, 1)],
    )
    known = {{"a": A, "b": B}[name]: status for name, status in statuses.items()}
    return progress_of(Answer(vehicles=[route]), known)[VAN]


ALL = tuple(Told(str(shipment_id), kind) for shipment_id, kind in STOPS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statuses", "at", "aboard", "left"),
    [
        ({}, None, set(), [0, 1, 2, 3]),
        ({"a": "claimed", "b": "claimed"}, None, set(), [0, 1, 2, 3]),
        ({"a": "picked_up", "b": "claimed"}, Point(101, 30), {A}, [1, 2, 3]),
        ({"a": "picked_up", "b": "picked_up"}, Point(102, 30), {A, B}, [2, 3]),
        ({"a": "delivered", "b": "picked_up"}, Point(103, 30), {B}, [3]),
        ({"a": "delivered", "b": "delivered"}, Point(104, 30), set(), []),
        ({"a": "failed", "b": "picked_up"}, Point(102, 30), {B}, [0, 2, 3]),
    ],
)
def test_what_was_reported_is_done_and_the_rest_is_still_told(
    statuses: dict[str, ShipmentStatus], at: Point | None, aboard: set[UUID], left: list[int]
) -> None:
    come = progress(**statuses)
    assert (come.at, come.aboard) == (at, aboard)
    assert come.told == tuple(ALL[each] for each in left)


def test_what_was_aboard_and_left_out_is_aboard_still() -> None:
    left = UnassignedOut(shipment_id=A, reasons=["window"], aboard=VAN)
    answer = Answer(unassigned=[left, UnassignedOut(shipment_id=B, reasons=["window"])])
    assert progress_of(answer, {A: "picked_up", B: "picked_up"})[VAN].aboard == {A}
    assert progress_of(answer, {A: "delivered"}) == {}


def test_who_was_not_planned_with_is_where_he_was_with_what_he_had() -> None:
    other = OtherVehicle(vehicle_id=VAN, at=PointOut(lon=98, lat=31), aboard=[A, B])
    come = progress_of(Answer(others=[other]), {A: "picked_up", B: "delivered"})[VAN]
    assert (come.at, come.aboard, come.told) == (Point(98, 31), {A}, ())


def test_who_only_has_aboard_what_was_left_out_is_where_that_was_said_to_be() -> None:
    left = UnassignedOut(shipment_id=A, reasons=["window"], aboard=VAN, at=PointOut(lon=98, lat=31))
    assert progress_of(Answer(unassigned=[left]), {A: "picked_up"})[VAN].at == Point(98, 31)


def test_who_has_made_no_stop_yet_is_where_he_was_when_it_was_planned() -> None:
    assert progress(start=PointOut(lon=98, lat=31)).at == Point(98, 31)
