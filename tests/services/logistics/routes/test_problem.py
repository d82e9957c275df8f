"""From rows to the router's problem and from its plan to the answer that is kept."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from catalogue.geodesy import great_circle_km
from services.logistics.carriers.models import Vehicle
from services.logistics.routes.models import Plan
from services.logistics.routes.problem import HUB_HANDLING, answer_of, problem_of
from services.logistics.routes.progress import Progress
from services.logistics.routes.schemas import Answer
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import Break, Change, Point, Problem, RoutePlan, Told, Unassigned
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
        "cost_fen_per_h": 0,
        "breaks": [],
        "area": [],
    }
    return Vehicle(**(standard | changes))


def shipment(**changes: Any) -> Shipment:
    standard: dict[str, Any] = {
        "id": uuid4(),
        "quantity_g": 300_001,
        "temperature_class": "chilled",
        "origin_adcode": "321323",
        "origin_lon": 118.69,
        "origin_lat": 33.72,
        "destination_lon": 118.80,
        "destination_lat": 33.06,
        "ready_at": SIX_IN_SHANGHAI,
        "deliver_by": SIX_IN_SHANGHAI + 20 * HOUR,
        "spoils_at": SIX_IN_SHANGHAI + 60 * HOUR,
        "min_remaining_life_h": 24,
        "leave_by": SIX_IN_SHANGHAI + 40 * HOUR,
    }
    return Shipment(**(standard | changes))


def asked(vehicles: list[Vehicle], shipments: list[Shipment], depart_at: datetime, **plan: Any) -> Problem:
    return problem_of(Plan(**plan), vehicles, shipments, depart_at)


def test_a_vehicle_is_asked_with_the_shift_that_runs_when_it_may_leave() -> None:
    one = vehicle()
    (van,) = asked([one], [], SIX_IN_SHANGHAI + HOUR).vehicles
    assert (van.shift_start, van.shift_end) == (SIX_IN_SHANGHAI, SIX_IN_SHANGHAI + 16 * HOUR)
    assert (van.id, van.capacity_g, van.cost_fen_per_km) == (str(one.id), 1_500_000, 250)
    assert (van.depot, van.temperature_classes) == (Point(118.70, 33.73), frozenset({"ambient", "chilled"}))


@pytest.mark.parametrize(("status", "told"), [("open", False), ("failed", False), ("claimed", True)])
def test_until_it_is_claimed_a_stop_shows_no_finer_place_of_who_was_erased(status: str, told: bool) -> None:
    lot = shipment(status=status, producer_id=uuid4(), buyer_id=uuid4(), destination_adcode="320102")
    asked_for = problem_of(Plan(), [vehicle()], [lot], SIX_IN_SHANGHAI, erased={lot.producer_id})
    (task,) = asked_for.tasks
    assert (task.pickup == Point(118.69, 33.72)) == told
    assert task.delivery == Point(118.80, 33.06), "its buyer is still there"


def test_after_its_shift_a_vehicle_is_asked_with_the_next() -> None:
    (van,) = asked([vehicle()], [], SIX_IN_SHANGHAI + 17 * HOUR).vehicles
    assert van.shift_start == SIX_IN_SHANGHAI + 24 * HOUR


def test_a_shipment_is_asked_with_its_window_and_the_life_that_must_be_left() -> None:
    one = shipment()
    (task,) = asked([], [one], SIX_IN_SHANGHAI).tasks
    assert (task.shipment_id, task.quantity_g, task.temperature_class) == (str(one.id), 300_001, "chilled")
    assert (task.pickup, task.delivery) == (Point(118.69, 33.72), Point(118.80, 33.06))
    assert (task.ready_at, task.deliver_by) == (one.ready_at, one.deliver_by)
    assert task.latest_arrival == one.deliver_by
    assert task.min_life == 24 * HOUR
    assert task.prize_fen is None, "every shipment is worth its way"
    assert not task.owed


def test_what_was_claimed_is_owed_and_worth_its_way_whatever_others_are() -> None:
    lots = [shipment(status=status) for status in ("open", "claimed")]
    offered, claimed = asked([], lots, SIX_IN_SHANGHAI, prize_fen_per_kg=500).tasks
    assert (offered.owed, claimed.owed) == (False, True)
    assert (offered.prize_fen, claimed.prize_fen) == (150_000, None)


def test_what_drivers_who_are_left_out_were_told_counts_where_it_is_planned_now() -> None:
    here, away, lot, other = vehicle(), uuid4(), shipment(), uuid4()
    told = {
        here.id: Progress(None, frozenset(), (Told(str(other), "pickup"),)),
        away: Progress(None, frozenset({other}), (Told(str(lot.id), "pickup"), Told(str(other), "delivery"))),
    }
    problem = problem_of(Plan(), [here], [lot], SIX_IN_SHANGHAI, told)
    assert problem.told == {str(here.id): (Told(str(other), "pickup"),), str(away): (Told(str(lot.id), "pickup"),)}
    assert problem.tasks[0].aboard is None, "what is aboard of those that are left out is not planned"


def test_a_vehicle_is_asked_with_its_breaks_by_the_clocks_of_its_shift_and_the_counties_it_serves() -> None:
    by_night = vehicle(
        shift_start=time(20),
        shift_end=time(8),
        breaks=[{"start": "23:30", "end": "00:30", "minutes": 45}, {"start": "04:00", "end": "05:00", "minutes": 15}],
        area=["320000", "341100", "321323"],
        cost_fen_per_h=3600,
    )
    evening = SIX_IN_SHANGHAI - 9 * HOUR
    (van,) = asked([by_night], [], evening).vehicles
    assert van.breaks == (
        Break(evening + 2.5 * HOUR, evening + 3.5 * HOUR, 2700),
        Break(evening + 7 * HOUR, evening + 8 * HOUR, 900),
    )
    assert (van.area, van.cost_fen_per_h) == ({"32", "3411", "321323"}, 3600)


def test_of_a_vehicle_under_way_the_breaks_that_it_has_taken_are_none() -> None:
    noon = [{"start": "12:00", "end": "13:00", "minutes": 30}, {"start": "16:00", "end": "17:00", "minutes": 15}]
    van, over = vehicle(breaks=noon), SIX_IN_SHANGHAI + 6.5 * HOUR

    def breaks(depart_at: datetime) -> int:
        come = Progress(Point(118.0, 33.0), frozenset(), (), rested_at=(over,))
        return len(problem_of(Plan(), [van], [], depart_at, {van.id: come}).vehicles[0].breaks)

    assert (breaks(over - HOUR), breaks(over)) == (2, 1)


def test_a_lot_may_be_on_the_road_for_half_of_the_time_that_it_has_or_for_what_was_asked() -> None:
    lot = shipment(spoils_at=SIX_IN_SHANGHAI + 34 * HOUR)
    assert asked([], [lot], SIX_IN_SHANGHAI).tasks[0].on_board_max_s == 5 * 3600
    assert asked([], [lot], SIX_IN_SHANGHAI, on_board_max_s=7200).tasks[0].on_board_max_s == 7200


def test_what_must_leave_soon_is_urgent_and_worth_more() -> None:
    def urgent(hours: float) -> tuple[int, int | None]:
        lot = shipment(leave_by=SIX_IN_SHANGHAI + hours * HOUR, quantity_g=300_000)
        (task,) = asked([], [lot], SIX_IN_SHANGHAI, prize_fen_per_kg=20).tasks
        return task.urgent, task.prize_fen

    assert [urgent(hours) for hours in (11, 12, 35, 36)] == [(2, 18_000), (1, 12_000), (1, 12_000), (0, 6_000)]


def test_first_mile_ends_at_the_hub_while_there_is_time_for_the_way_on() -> None:
    (task,) = asked([], [shipment()], SIX_IN_SHANGHAI, hub_lon=118.7, hub_lat=33.7).tasks
    assert task.delivery == Point(118.7, 33.7)
    onward = 1.3 * great_circle_km(118.7, 33.7, 118.80, 33.06) / 60 * HOUR + HUB_HANDLING
    assert abs(task.onward - onward) < timedelta(seconds=1)
    assert task.latest_arrival == SIX_IN_SHANGHAI + 20 * HOUR - task.onward


@pytest.mark.parametrize(
    ("change", "kind", "to"),
    [
        (Change("quantity_g", 1_234_567, "v"), "quantity_kg", 1234.567),
        (Change("on_board_max_s", 3601, "v"), "on_board_max_h", 1.01),
        (Change("prize_fen", 1001, "v"), "prize_fen_per_kg", 2),
        (Change("deliver_by", SIX_IN_SHANGHAI, "v"), "deliver_by", SIX_IN_SHANGHAI),
        (Change("min_remaining_life_h", 5, "v"), "min_remaining_life_h", 5),
        (Change("temperature_class", "frozen", "v"), "temperature_class", "frozen"),
        (Change("vehicle", None, "v"), "vehicle", None),
    ],
)
def test_a_change_is_told_in_the_words_and_units_of_the_request(change: Change, kind: str, to: object) -> None:
    van, lot = vehicle(), shipment(quantity_g=1_000_000)
    left = Unassigned(str(lot.id), ("capacity",), replace(change, vehicle_id=str(van.id)))
    answer = answer_of(asked([van], [lot], SIX_IN_SHANGHAI), RoutePlan((), (left,), "osrm"), gone={})
    told = answer.unassigned[0].change
    assert told is not None
    assert (told.change, told.to, told.vehicle_id) == (kind, to, van.id)


def test_freshness_binds_before_the_window_where_it_ends_first() -> None:
    (task,) = asked([], [shipment(spoils_at=SIX_IN_SHANGHAI + 30 * HOUR)], SIX_IN_SHANGHAI).tasks
    assert task.latest_arrival == SIX_IN_SHANGHAI + 6 * HOUR
    assert task.late_reason == "spoils_before_arrival"


def test_a_real_plan_is_kept_with_kilograms_depots_and_every_stop() -> None:
    van, lot = vehicle(), shipment()
    problem = asked([van], [lot], SIX_IN_SHANGHAI)
    plan = plan_routes(problem, limit_s=0.1)
    answer = answer_of(problem, plan, gone={})
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
    problem = asked([vehicle()], [shipment(quantity_g=300_000)], SIX_IN_SHANGHAI)
    (route,) = answer_of(problem, plan_routes(problem, limit_s=0.1), gone={}).vehicles
    assert (route.load_kg, type(route.load_kg)) == (300, int)


def test_what_was_left_out_comes_with_its_reasons_and_what_is_gone_behind_it() -> None:
    left, gone = uuid4(), uuid4()
    plan = RoutePlan((), (Unassigned(str(left), ("capacity", "window")),), "osrm")
    answer = answer_of(asked([], [shipment(id=left)], SIX_IN_SHANGHAI), plan, gone={gone: None})
    assert [(each.shipment_id, each.reasons) for each in answer.unassigned] == [
        (left, ["capacity", "window"]),
        (gone, ["not_available"]),
    ]
    assert answer.distance_source == "osrm"


def test_what_is_kept_as_json_comes_back_the_same() -> None:
    problem = asked([vehicle()], [shipment()], SIX_IN_SHANGHAI)
    answer = answer_of(problem, plan_routes(problem, limit_s=0.1), gone={uuid4(): None})
    assert Answer.model_validate(answer.model_dump(mode="json")) == answer
