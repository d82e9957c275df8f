"""When a vehicle is where along a sequence, and what makes a sequence impossible."""

import pytest

from services.logistics.routing.fleet.model import Task, Visit
from services.logistics.routing.fleet.timing import Impossible, driven
from tests.services.logistics.routing.fleet.fleets import fleet, job, shipment, van


def test_it_waits_for_a_window_and_leaves_no_earlier_than_the_first_of_them_needs() -> None:
    problem = fleet(van(), job(1, windows=((300, 400),), service_s=20), job(2, windows=((900, 950),)))
    route = driven(problem, 0, [0, 2])
    assert route.departs_s == 200
    assert [(step.arrival_s, step.waiting_s, step.departure_s) for step in route.steps] == [
        (300, 0, 320),
        (420, 480, 900),
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
