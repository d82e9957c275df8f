"""From rows to the router's problem and from its plan to the answer that is kept."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from services.logistics.carriers.models import Vehicle
from services.logistics.routes.problem import answer_of, problem_of
from services.logistics.routes.schemas import Answer
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import Point, RoutePlan, Unassigned
from services.logistics.routing.solve import plan_routes
from services.logistics.shipments.models import Shipment

SIX_IN_SHANGHAI = datetime(2026, 11, 22, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def vehicle(**changes: Any) -> Vehicle:
    standard: dict[str, Any] = {
        "id": uuid4(),
        "capacity_g": 1_500_000,
        "temperature_classes": ["ambient", "chilled"],
        "depot_lon": 118.70,
        "depot_lat": 33.73,
        "shift_start": time(6),
        "shift_end": time(22),
        "cost_fen_per_km": 250,
    }
    return Vehicle(**(standard | changes))


def shipment(**changes: Any) -> Shipment:
    standard: dict[str, Any] = {
        "id": uuid4(),
        "quantity_g": 300_001,
        "temperature_class": "chilled",
        "origin_lon": 118.69,
        "origin_lat": 33.72,
        "destination_lon": 118.80,
        "destination_lat": 33.06,
        "ready_at": SIX_IN_SHANGHAI,
        "deliver_by": SIX_IN_SHANGHAI + 20 * HOUR,
        "spoils_at": SIX_IN_SHANGHAI + 60 * HOUR,
        "min_remaining_life_h": 24,
    }
    return Shipment(**(standard | changes))


def test_a_vehicle_is_asked_with_the_shift_that_runs_when_it_may_leave() -> None:
    one = vehicle()
    (asked,) = problem_of([one], [], SIX_IN_SHANGHAI + HOUR).vehicles
    assert (asked.shift_start, asked.shift_end) == (SIX_IN_SHANGHAI, SIX_IN_SHANGHAI + 16 * HOUR)
    assert (asked.id, asked.capacity_g, asked.cost_fen_per_km) == (str(one.id), 1_500_000, 250)
    assert (asked.depot, asked.temperature_classes) == (Point(118.70, 33.73), frozenset({"ambient", "chilled"}))


def test_after_its_shift_a_vehicle_is_asked_with_the_next() -> None:
    (asked,) = problem_of([vehicle()], [], SIX_IN_SHANGHAI + 17 * HOUR).vehicles
    assert asked.shift_start == SIX_IN_SHANGHAI + 24 * HOUR


def test_a_shipment_is_asked_with_its_window_and_the_life_that_must_be_left() -> None:
    one = shipment()
    (task,) = problem_of([], [one], SIX_IN_SHANGHAI).tasks
    assert (task.shipment_id, task.quantity_g, task.temperature_class) == (str(one.id), 300_001, "chilled")
    assert (task.pickup, task.delivery) == (Point(118.69, 33.72), Point(118.80, 33.06))
    assert (task.ready_at, task.deliver_by) == (one.ready_at, one.deliver_by)
    assert task.latest_arrival == one.deliver_by
    assert task.min_life == 24 * HOUR
    assert task.prize_fen is None, "every shipment is worth its way"


def test_freshness_binds_before_the_window_where_it_ends_first() -> None:
    (task,) = problem_of([], [shipment(spoils_at=SIX_IN_SHANGHAI + 30 * HOUR)], SIX_IN_SHANGHAI).tasks
    assert task.latest_arrival == SIX_IN_SHANGHAI + 6 * HOUR
    assert task.late_reason == "spoils_before_arrival"


def test_a_real_plan_is_kept_with_kilograms_depots_and_every_stop() -> None:
    van, lot = vehicle(), shipment()
    problem = problem_of([van], [lot], SIX_IN_SHANGHAI)
    plan = plan_routes(problem, limit_s=0.1)
    answer = answer_of(problem, plan, gone=[])
    (route,) = answer.vehicles
    assert (route.vehicle_id, route.load_kg) == (van.id, 300.001)
    assert (route.depot.lon, route.depot.lat) == (118.70, 33.73)
    assert route.duration_s == (route.returns_at - route.departs_at).total_seconds()
    assert [(stop.shipment_id, stop.type) for stop in route.stops] == [(lot.id, "pickup"), (lot.id, "delivery")]
    assert [(stop.lon, stop.lat) for stop in route.stops] == [(118.69, 33.72), (118.80, 33.06)]
    between = great_circle(problem.points()).distance_m
    assert route.distance_m == between[0, 1] + between[1, 2] + between[2, 0]
    assert (answer.unassigned, answer.distance_source) == ([], "great_circle")


def test_whole_kilograms_are_whole_numbers() -> None:
    problem = problem_of([vehicle()], [shipment(quantity_g=300_000)], SIX_IN_SHANGHAI)
    (route,) = answer_of(problem, plan_routes(problem, limit_s=0.1), gone=[]).vehicles
    assert (route.load_kg, type(route.load_kg)) == (300, int)


def test_what_was_left_out_comes_with_its_reasons_and_what_is_gone_behind_it() -> None:
    left, gone = uuid4(), uuid4()
    plan = RoutePlan((), (Unassigned(str(left), ("capacity", "window")),), "osrm")
    answer = answer_of(problem_of([], [], SIX_IN_SHANGHAI), plan, gone=[gone])
    assert [(each.shipment_id, each.reasons) for each in answer.unassigned] == [
        (left, ["capacity", "window"]),
        (gone, ["not_available"]),
    ]
    assert answer.distance_source == "osrm"


def test_what_is_kept_as_json_comes_back_the_same() -> None:
    problem = problem_of([vehicle()], [shipment()], SIX_IN_SHANGHAI)
    answer = answer_of(problem, plan_routes(problem, limit_s=0.1), gone=[uuid4()])
    assert Answer.model_validate(answer.model_dump(mode="json")) == answer
