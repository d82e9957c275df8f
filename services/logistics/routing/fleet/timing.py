"""When a vehicle is where, and what it carries, along a sequence of visits."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from services.logistics.routing.fleet.model import Amount, Problem, Reason, Route, Step, Visit


class Impossible(Exception):
    """The sequence can't be driven; `reason` is the first thing that stands in the way."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def driven(problem: Problem, vehicle: int, visits: Sequence[int]) -> Route:
    """The route of these visits: each as early as can be, and away no earlier than the first of them needs.

    Raises Impossible.
    """
    by = problem.vehicles[vehicle]
    loads = _loads(problem, vehicle, visits)
    first = next(_steps(problem, vehicle, visits, loads, by.window[0]))
    departs_s = by.window[0] + first.waiting_s
    steps = tuple(_steps(problem, vehicle, visits, loads, departs_s))
    travel, places = problem.travel[by.profile], _places(problem, vehicle, visits)
    legs = list(pairwise(places))
    home_s = int(travel.duration_s[legs[-1]]) if by.end is not None else 0
    ends_s = steps[-1].departure_s + home_s
    if ends_s > by.window[1]:
        raise Impossible("shift")
    return Route(
        vehicle=vehicle,
        departs_s=departs_s,
        ends_s=ends_s,
        load=loads[0],
        steps=steps,
        travel_s=sum(int(travel.duration_s[leg]) for leg in legs),
        distance_m=sum(int(travel.distance_m[leg]) for leg in legs),
        cost=by.fixed_cost + sum(int(travel.cost[leg]) for leg in legs),
    )


def _places(problem: Problem, vehicle: int, visits: Sequence[int]) -> list[int]:
    """Where it is, one after the other, its start and its end among them where it has them."""
    by = problem.vehicles[vehicle]
    start = [] if by.start is None else [by.start]
    end = [] if by.end is None else [by.end]
    return [*start, *(problem.visit(visit).location for visit in visits), *end]


def _steps(
    problem: Problem, vehicle: int, visits: Sequence[int], loads: Sequence[Amount], departs_s: int
) -> Iterator[Step]:
    """Raises Impossible where the vehicle comes too late."""
    by = problem.vehicles[vehicle]
    duration_s = problem.travel[by.profile].duration_s
    here, now_s = by.start, departs_s
    for number, load in zip(visits, loads[1:], strict=True):
        visit = problem.visit(number)
        arrival_s = now_s + (0 if here is None else int(duration_s[here, visit.location]))
        begins_s = _begins(visit, arrival_s)
        setup_s = 0 if here == visit.location else visit.setup_s
        yield Step(number, arrival_s, begins_s - arrival_s, setup_s, visit.service_s, load)
        here, now_s = visit.location, begins_s + setup_s + visit.service_s


def _begins(visit: Visit, arrival_s: int) -> int:
    for opens_s, closes_s in visit.windows:
        if arrival_s <= closes_s:
            return max(arrival_s, opens_s)
    raise Impossible("window")


def _loads(problem: Problem, vehicle: int, visits: Sequence[int]) -> list[Amount]:
    """What is aboard when it leaves its start, and after each visit. Raises Impossible where that is too much."""
    capacity = problem.vehicles[vehicle].capacity
    load = [0] * problem.dimensions
    for number in visits:
        task = problem.tasks[number >> 1]
        if not task.is_shipment:
            load = [have + more for have, more in zip(load, task.delivered, strict=True)]
    loads = [tuple(load)]
    for number in visits:
        task = problem.tasks[number >> 1]
        taken = task.collected if not number & 1 else ()
        given = task.delivered if number & 1 or not task.is_shipment else ()
        load = [have + (taken[each] if taken else 0) - (given[each] if given else 0) for each, have in enumerate(load)]
        loads.append(tuple(load))
    if any(have > most for each in loads for have, most in zip(each, capacity, strict=True)):
        raise Impossible("capacity")
    return loads
