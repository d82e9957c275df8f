"""When a vehicle is where, and what it carries, along a sequence of visits."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from services.logistics.routing.fleet.breaks import Legs, last_departure, rested, splits
from services.logistics.routing.fleet.model import Amount, Problem, Reason, Rest, Route, Step


class _Walk(NamedTuple):
    """What a sequence comes to; `ends_s` is when the vehicle is at its end."""

    steps: list[Step]
    rests: list[Rest]
    ends_s: int


class Impossible(Exception):
    """The sequence can't be driven; `reason` is the first thing that stands in the way."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def driven(problem: Problem, vehicle: int, visits: Sequence[int]) -> Route:
    """The route of these visits that ends soonest, and of those the one that leaves its start last.

    Raises Impossible.
    """
    by = problem.vehicles[vehicle]
    if by.max_tasks is not None and len(visits) > by.max_tasks:
        raise Impossible("max_tasks")
    loads = _loads(problem, vehicle, visits)
    legs = _legs(problem, vehicle, visits, loads)
    places = [
        each for each in (by.start, *(problem.visit(visit).location for visit in visits), by.end) if each is not None
    ]
    travel, ways = problem.travel[by.profile], list(pairwise(places))
    travel_s, distance_m = sum(legs.travel_s), sum(travel.metres[way] for way in ways)
    if by.max_travel_s is not None and travel_s > by.max_travel_s:
        raise Impossible("max_travel_time")
    if by.max_distance_m is not None and distance_m > by.max_distance_m:
        raise Impossible("max_distance")
    departs_s, (steps, rests, ends_s) = _soonest(problem, vehicle, visits, legs)
    cost = by.fixed_cost + by.per_way * sum(travel.costs[way] for way in ways) + by.per_s * (ends_s - departs_s)
    return Route(
        vehicle=vehicle,
        departs_s=departs_s,
        ends_s=ends_s,
        load=loads[0],
        steps=tuple(steps),
        rests=tuple(rests),
        travel_s=travel_s,
        distance_m=distance_m,
        cost=cost,
    )


def _soonest(problem: Problem, vehicle: int, visits: Sequence[int], legs: Legs) -> tuple[int, _Walk]:
    """When it leaves its start, and the walk from then."""
    by = problem.vehicles[vehicle]
    departs_s = by.window[0]
    walk = _timed(problem, vehicle, visits, legs, departs_s)
    too_late_s = last_departure(by.breaks, legs, walk.ends_s) + 1
    now_s = too_late_s - 1
    # That is the last; but what may be aboard for a while only can ask for less, and then the last is searched for.
    while departs_s < now_s:
        later = _ending_by(walk.ends_s, problem, vehicle, visits, legs, now_s)
        if later is None:
            too_late_s = now_s
        else:
            departs_s, walk = now_s, later
        now_s = (departs_s + too_late_s) // 2
    return departs_s, walk


def _ending_by(
    ends_s: int, problem: Problem, vehicle: int, visits: Sequence[int], legs: Legs, departs_s: int
) -> _Walk | None:
    with suppress(Impossible):
        walk = _timed(problem, vehicle, visits, legs, departs_s)
        if walk.ends_s <= ends_s:
            return walk
    return None


def _timed(problem: Problem, vehicle: int, visits: Sequence[int], legs: Legs, departs_s: int) -> _Walk:
    """Every visit as early as can be, but what would be aboard for too long is loaded later.

    Each bound asks only for a later time, so repeating this comes to the earliest times that keep them all, if there
    are any (a system of difference constraints, its least solution). Raises Impossible.
    """
    by = problem.vehicles[vehicle]
    for _ in range(len(visits) + 1):
        split: tuple[int, ...] | None = (0,) * len(legs.travel_s)
        if by.breaks:
            split = splits(by.breaks, legs, departs_s, by.window[1])
        if split is None:
            # without any, what else is wrong is told first
            _walked(problem, vehicle, visits, legs, (0,) * len(legs.travel_s), departs_s)
            raise Impossible("break")
        walk = _walked(problem, vehicle, visits, legs, split, departs_s)
        later = _loaded_later(problem, walk.steps)
        if not later:
            return walk
        legs = replace(legs, not_before_s=tuple(max(s, later.get(leg, 0)) for leg, s in enumerate(legs.not_before_s)))
    raise Impossible("on_board")


def _loaded_later(problem: Problem, steps: Sequence[Step]) -> dict[int, int]:
    """When the pickups, by leg, whose load is aboard for too long have to begin."""
    picked_up: dict[int, int] = {}
    later: dict[int, int] = {}
    for leg, step in enumerate(steps):
        task = problem.tasks[step.visit >> 1]
        if task.max_ride_s is None:
            continue
        if not step.visit & 1:
            picked_up[step.visit >> 1] = leg
            continue
        pickup = picked_up[step.visit >> 1]
        too_long_s = step.begins_s - steps[pickup].departure_s - task.max_ride_s
        if too_long_s > 0:
            later[pickup] = steps[pickup].begins_s + too_long_s
    return later


def _legs(problem: Problem, vehicle: int, visits: Sequence[int], loads: list[Amount]) -> Legs:
    """The ways to each visit and then to the end; one that there is not takes no time."""
    by = problem.vehicles[vehicle]
    seconds = problem.travel[by.profile].seconds
    places = [by.start, *(problem.visit(visit).location for visit in visits), by.end]
    travel_s = tuple(0 if a is None or b is None else seconds[a, b] for a, b in pairwise(places))
    asked = [problem.visit(visit) for visit in visits]
    done_s = tuple(
        (0 if here == visit.location else visit.setup_s) + visit.service_s
        for here, visit in zip(places, asked, strict=False)
    )
    return Legs(travel_s, tuple(visit.windows for visit in asked), done_s, tuple(loads), (0,) * len(asked))


def _walked(
    problem: Problem, vehicle: int, visits: Sequence[int], legs: Legs, split: Sequence[int], departs_s: int
) -> _Walk:
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
            return _Walk(steps, rests, arrival_s)
        begins_s, visit = legs.begins_s(leg, arrival_s), problem.visit(number)
        if begins_s is None:
            raise Impossible(visit.late)
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
