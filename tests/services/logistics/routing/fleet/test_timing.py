"""When a vehicle is where along a sequence, and what makes a sequence impossible."""

from dataclasses import replace

import pytest

from services.logistics.routing.fleet.model import Task, Visit
from services.logistics.routing.fleet.timing import Impossible, driven
from tests.services.logistics.routing.fleet.fleets import fleet, job, shipment, van


def test_it_waits_for_a_window_and_at_its_start_rather_than_under_way() -> None:
    problem = fleet(van(), job(1, windows=((300, 400),), service_s=20), job(2, windows=((900, 950),)))
    route = driven(problem, 0, [0, 2])
    assert route.departs_s == 300
    assert [(step.arrival_s, step.waiting_s, step.departure_s) for step in route.steps] == [
        (400, 0, 420),
        (520, 380, 900),
    ]
    assert (route.ends_s, route.travel_s, route.distance_m, route.cost) == (1100, 400, 400, 400)


def test_of_several_windows_the_first_that_it_can_reach_is_taken() -> None:
    problem = fleet(van(), job(3, windows=((0, 100), (150, 290), (500, 600))))
    (step,) = driven(problem, 0, [0]).steps
    assert (step.arrival_s, step.waiting_s) == (500, 0)
    with pytest.raises(Impossible, match="window"):
        driven(fleet(van(), job(3, windows=((0, 100),))), 0, [0])


def test_setup_counts_only_where_it_comes_from_elsewhere_and_may_end_after_the_window() -> None:
    problem = fleet(van(), job(1, windows=((0, 100),), setup_s=50), job(1, setup_s=50), job(2, setup_s=50))
    route = driven(problem, 0, [0, 2, 4])
    assert [step.setup_s for step in route.steps] == [50, 0, 50]
    assert [step.arrival_s for step in route.steps] == [100, 150, 250]


def test_without_a_start_it_appears_at_its_first_visit_and_without_an_end_it_stays_at_its_last() -> None:
    tasks = job(5, windows=((700, 800),)), job(6)
    route = driven(fleet(van(start=None, end=None), *tasks), 0, [0, 2])
    assert (route.departs_s, route.steps[0].arrival_s, route.ends_s, route.travel_s) == (700, 700, 800, 100)
    assert driven(fleet(van(start=None), *tasks), 0, [0, 2]).travel_s == 700
    assert driven(fleet(van(end=None), *tasks), 0, [0, 2]).travel_s == 600


def test_what_jobs_bring_is_aboard_from_the_start_and_what_they_give_until_the_end() -> None:
    tasks = job(1, delivered=(3,)), job(2, delivered=(0,), collected=(4,)), shipment(1, 2, 5)
    route = driven(fleet(van(), *tasks), 0, [0, 4, 5, 2])
    assert route.load == (3,)
    assert [step.load for step in route.steps] == [(0,), (5,), (0,), (4,)]


def test_too_much_at_any_moment_and_too_late_a_return_are_impossible() -> None:
    tasks = job(1, delivered=(3,)), job(2, delivered=(0,), collected=(4,)), shipment(1, 2, 5)
    with pytest.raises(Impossible, match="capacity"):
        driven(fleet(van(capacity=(7,)), *tasks), 0, [4, 0, 5, 2])
    with pytest.raises(Impossible, match="shift"):
        driven(fleet(van(window=(0, 399)), job(2)), 0, [0])
    assert driven(fleet(van(window=(0, 400)), job(2)), 0, [0]).ends_s == 400


def test_the_cost_is_that_of_its_travel_and_of_the_vehicle_itself() -> None:
    task = Task((Visit(2),), (1,), (0,))
    assert driven(fleet(van(fixed_cost=70), task), 0, [0]).cost == 470


def test_an_hour_costs_from_leaving_the_start_so_it_leaves_when_it_must() -> None:
    route = driven(fleet(van(per_s=2), job(1), job(2, windows=((900, 950),))), 0, [0, 2])
    assert (route.departs_s, route.ends_s, route.cost) == (700, 1100, 400 + 2 * 400)


def test_what_may_be_aboard_for_a_while_only_is_loaded_later() -> None:
    """Behind a stop with a window that can't be waited for at home."""
    first = job(1, windows=((100, 100),))
    late = shipment(2, 3, windows=(((0, 5000),), ((900, 5000),)))
    free = driven(fleet(van(), first, late), 0, [0, 2, 3])
    assert (free.steps[1].departure_s, free.steps[2].begins_s) == (200, 900)
    quick = driven(fleet(van(), first, replace(late, max_ride_s=150)), 0, [0, 2, 3])
    assert (quick.steps[1].arrival_s, quick.steps[1].departure_s, quick.steps[2].begins_s) == (200, 750, 900)
    assert quick.ends_s == free.ends_s == 1200


def test_what_would_be_aboard_for_too_long_in_any_case_is_impossible() -> None:
    round_about = job(5)
    with pytest.raises(Impossible, match="on_board"):
        driven(fleet(van(), round_about, replace(shipment(2, 3), max_ride_s=400)), 0, [2, 0, 3])
    assert driven(fleet(van(), round_about, replace(shipment(2, 3), max_ride_s=500)), 0, [2, 0, 3]).ends_s == 1000
