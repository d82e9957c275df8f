"""When a vehicle is where, and what it carries, along a sequence of visits."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from services.logistics.routing.fleet.breaks import Legs, rested, splits
from services.logistics.routing.fleet.model import Amount, Problem, Reason, Rest, Route, Step


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
    if by.max_tasks is not None and len(visits) > by.max_tasks:
        raise Impossible("max_tasks")
    loads = _loads(problem, vehicle, visits)
    legs = _legs(problem, vehicle, visits, loads)
    begins_s = by.window[0]
    steps, rests, ends_s = _walked(problem, vehicle, visits, legs, (0,) * len(legs.travel_s), begins_s)
    if by.breaks:
        split = splits(by.breaks, legs, begins_s, by.window[1])
        if split is None:
            raise Impossible("break")
        steps, rests, ends_s = _walked(problem, vehicle, visits, legs, split, begins_s)
    departs_s = begins_s
    if not any(rest.leg == 0 for rest in rests):
        # What it would wait at its first visit it stays at its start: all that follows is as it was.
        departs_s += steps[0].waiting_s
        steps[0] = replace(steps[0], arrival_s=steps[0].arrival_s + steps[0].waiting_s, waiting_s=0)
    travel, places = problem.travel[by.profile], _places(problem, vehicle, visits)
    ways = list(pairwise(places))
    travel_s, distance_m = sum(legs.travel_s), sum(int(travel.distance_m[way]) for way in ways)
    if by.max_travel_s is not None and travel_s > by.max_travel_s:
        raise Impossible("max_travel_time")
    if by.max_distance_m is not None and distance_m > by.max_distance_m:
        raise Impossible("max_distance")
    return Route(
        vehicle=vehicle,
        departs_s=departs_s,
        ends_s=ends_s,
        load=loads[0],
        steps=tuple(steps),
        rests=tuple(rests),
        travel_s=travel_s,
        distance_m=distance_m,
        cost=by.fixed_cost + sum(int(travel.cost[way]) for way in ways),
    )


def _places(problem: Problem, vehicle: int, visits: Sequence[int]) -> list[int]:
    """Where it is, one after the other, its start and its end among them where it has them."""
    by = problem.vehicles[vehicle]
    start = [] if by.start is None else [by.start]
    end = [] if by.end is None else [by.end]
    return [*start, *(problem.visit(visit).location for visit in visits), *end]


def _legs(problem: Problem, vehicle: int, visits: Sequence[int], loads: list[Amount]) -> Legs:
    """The ways to each visit and then to the end; one that there is not takes no time."""
    by = problem.vehicles[vehicle]
    duration_s = problem.travel[by.profile].duration_s
    places = [by.start, *(problem.visit(visit).location for visit in visits), by.end]
    travel_s = tuple(0 if a is None or b is None else int(duration_s[a, b]) for a, b in pairwise(places))
    asked = [problem.visit(visit) for visit in visits]
    done_s = tuple(
        (0 if here == visit.location else visit.setup_s) + visit.service_s
        for here, visit in zip(places, asked, strict=False)
    )
    return Legs(travel_s, tuple(visit.windows for visit in asked), done_s, tuple(loads))


def _walked(
    problem: Problem, vehicle: int, visits: Sequence[int], legs: Legs, split: Sequence[int], departs_s: int
) -> tuple[list[Step], list[Rest], int]:
    """With so many breaks on each leg. Raises Impossible where the vehicle comes too late."""
    by = problem.vehicles[vehicle]
    steps: list[Step] = []
    rests: list[Rest] = []
    now_s, taken, here = departs_s, 0, by.start
    for leg, number in enumerate([*visits, None]):
        found = rested(by.breaks[taken : taken + split[leg]], leg, now_s, legs)
        if found is None:
            raise Impossible("break")
        arrival_s, more = found
        rests += more
        taken += split[leg]
        if number is None:
            if arrival_s > by.window[1]:
                raise Impossible("shift")
            return steps, rests, arrival_s
        begins_s = legs.begins_s(leg, arrival_s)
        if begins_s is None:
            raise Impossible("window")
        visit = problem.visit(number)
        setup_s = 0 if here == visit.location else visit.setup_s
        steps.append(Step(number, arrival_s, begins_s - arrival_s, setup_s, visit.service_s, legs.loads[leg + 1]))
        here, now_s = visit.location, steps[-1].departure_s
    raise AssertionError("the end is the last leg")


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
