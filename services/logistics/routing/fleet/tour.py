"""Where in a vehicle's tour a task could go, looked at cheaply (Savelsbergh's 1992 slacks).

What is left out here is impossible. What is left in has still to be driven (`timing.driven`): breaks, the later windows
of a visit and times on board are not looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from time import perf_counter
from typing import NamedTuple, Self

from services.logistics.routing.fleet.model import Amount, Problem, Reason, Task, Vehicle, Visit, within
from services.logistics.routing.fleet.timing import driven


class Place(NamedTuple):
    """The first visit behind position `after`, a delivery behind old position `until` ≥ after.

    `cost`: of the detour, as if it made nobody wait.
    """

    cost: int
    vehicle: int
    after: int
    until: int

    def among(self, visits: list[int], task: int, *, is_shipment: bool) -> list[int]:
        """The tour with the task's visits where they belong."""
        behind = [*visits[: self.after], 2 * task, *visits[self.after : self.until]]
        return [*behind, 2 * task + 1, *visits[self.until :]] if is_shipment else [*behind, *visits[self.until :]]


@dataclass(frozen=True, slots=True)
class Tour:
    """One vehicle's visits with what insertion asks of them.

    Position 0 is the start, 1…n the visits, n + 1 the end: `done_s` is when each is left at the earliest, `latest_s`
    when it must have begun so that all behind it still holds, `binds` which limit that comes from. `load` is what is
    aboard behind each position, `most_until` and `most_from` the most of it up to there and from there on. Who does
    nothing is not under way from start to end: behind its start `place` has nowhere, not its `end`.
    """

    visits: list[int]
    place: list[int]
    end: int
    done_s: list[int]
    latest_s: list[int]
    binds: list[Reason]
    load: list[Amount]
    most_until: list[Amount]
    most_from: list[Amount]
    cost: int

    @classmethod
    def of(cls, problem: Problem, vehicle: int, visits: list[int]) -> Self:
        """These visits can be driven."""
        by = problem.vehicles[vehicle]
        travel, asked = problem.travel[by.profile], [problem.visit(visit) for visit in visits]
        seconds, nowhere = travel.seconds, travel.nowhere
        route = driven(problem, vehicle, visits) if visits else None
        start, end = (nowhere if each is None else each for each in (by.start, by.end))
        place = [start, *(visit.location for visit in asked), end if visits or start == end else nowhere]
        done_s = [by.window[0]]
        for here, visit in enumerate(asked):
            begins_s = within(visit.windows, done_s[-1] + seconds[place[here], visit.location])
            assert begins_s is not None, "what can be driven can be driven without its breaks"
            done_s.append(begins_s + _takes_s(visit, place[here]))
        latest: list[tuple[int, Reason]] = [(by.window[1], "shift")]
        for here in reversed(range(len(asked))):
            visit, behind = asked[here], latest[-1]
            onward_s = behind[0] - seconds[visit.location, place[here + 2]] - visit.service_s
            latest.append(min((onward_s, behind[1]), (visit.windows[-1][1], visit.late), key=lambda limit: limit[0]))
        latest.append((by.window[1], "shift"))
        latest.reverse()
        load = [route.load, *(step.load for step in route.steps)] if route else [(0,) * problem.dimensions]
        return cls(
            visits=visits,
            place=place,
            end=end,
            done_s=done_s,
            latest_s=[each[0] for each in latest],
            binds=[each[1] for each in latest],
            load=load,
            most_until=list(accumulate(load, _most)),
            most_from=[*accumulate(reversed(load), _most)][::-1],
            cost=route.cost if route else 0,
        )

    def ahead(self, position: int) -> int:
        """The place behind this position."""
        return self.end if position == len(self.visits) else self.place[position + 1]

    def away(self, problem: Problem, vehicle: int, location: int) -> int:
        """What the way there costs from the nearest place of the tour."""
        costs = problem.travel[problem.vehicles[vehicle].profile].costs
        return min(costs[each, location] for each in self.place)


def places_in(
    problem: Problem, tour: Tour, vehicle: int, task: int, blocked: set[Reason], deadline: float
) -> Iterator[Place]:
    """Each place that may be one; what stands in the way elsewhere is added to `blocked`. Till `deadline`."""
    asked, by = problem.tasks[task], problem.vehicles[vehicle]
    if not asked.skills <= by.skills:
        return
    if by.max_tasks is not None and len(tour.visits) + len(asked.visits) > by.max_tasks:
        blocked.add("max_tasks")
        return
    for after in range(len(tour.visits) + 1):
        if perf_counter() > deadline:
            blocked.add("time_limit")
            return
        if asked.is_shipment:
            yield from _shipment_behind(problem, tour, vehicle, asked, after, blocked)
        else:
            yield from _job_behind(problem, tour, vehicle, asked, after, blocked)


def _job_behind(
    problem: Problem, tour: Tour, vehicle: int, task: Task, after: int, blocked: set[Reason]
) -> Iterator[Place]:
    by, visit = problem.vehicles[vehicle], task.visits[0]
    if _over(tour.most_until[after], task.delivered, by.capacity):
        blocked.add("capacity")
        return
    if _over(tour.most_from[after], task.collected, by.capacity):
        blocked.add("capacity")
        return
    travel, here, there, ahead = problem.travel[by.profile], tour.place[after], visit.location, tour.ahead(after)
    seconds, costs = travel.seconds, travel.costs
    begins_s = within(visit.windows, tour.done_s[after] + seconds[here, there])
    if begins_s is None:
        blocked.add(visit.late)
        return
    takes_s = _takes_s(visit, here)
    if begins_s + takes_s + seconds[there, ahead] > tour.latest_s[after + 1]:
        blocked.add(tour.binds[after + 1])
        return
    was = tour.place[after + 1]
    cost = costs[here, there] + costs[there, ahead] - costs[here, was]
    spent_s = seconds[here, there] + takes_s + seconds[there, ahead] - seconds[here, was]
    yield Place(_cost(by, tour, cost, spent_s), vehicle, after, after)


def _shipment_behind(
    problem: Problem, tour: Tour, vehicle: int, task: Task, after: int, blocked: set[Reason]
) -> Iterator[Place]:
    """With the pickup there, each position that its delivery may stand behind."""
    by, pickup = problem.vehicles[vehicle], task.visits[0]
    if _over(tour.load[after], task.collected, by.capacity):
        blocked.add("capacity")
        return
    travel, here, there = problem.travel[by.profile], tour.place[after], pickup.location
    way_s, takes_s = travel.seconds[here, there], _takes_s(pickup, here)
    begins_s = within(pickup.windows, tour.done_s[after] + way_s)
    if begins_s is None:
        blocked.add(pickup.late)
        return
    for until, cost, spent_s in _deliveries(problem, tour, vehicle, task, after, begins_s + takes_s, blocked):
        whole = _cost(by, tour, cost + travel.costs[here, there], spent_s + way_s + takes_s)
        yield Place(whole, vehicle, after, until)


def _deliveries(
    problem: Problem, tour: Tour, vehicle: int, task: Task, after: int, done_s: int, blocked: set[Reason]
) -> Iterator[tuple[int, int, int]]:
    """Each position, with what the way from the pickup on costs more and takes longer, carrying the load along."""
    by, delivery, at = problem.vehicles[vehicle], task.visits[-1], task.visits[0].location
    travel = problem.travel[by.profile]
    seconds, costs, there = travel.seconds, travel.costs, delivery.location
    cost, spent_s, ride_s = 0, 0, 0
    for until in range(after, len(tour.visits) + 1):
        begins_s = within(delivery.windows, done_s + seconds[at, there])
        if begins_s is None:
            blocked.add(delivery.late)
            return
        if task.max_ride_s is not None and ride_s + seconds[at, there] > task.max_ride_s:
            blocked.add("on_board")
            return
        takes_s, ahead = _takes_s(delivery, at), tour.ahead(until)
        here, was = tour.place[until], tour.place[until + 1]
        cost, spent_s = cost - costs[here, was], spent_s - seconds[here, was]
        if begins_s + takes_s + seconds[there, ahead] <= tour.latest_s[until + 1]:
            more_s = seconds[at, there] + takes_s + seconds[there, ahead]
            yield until, cost + costs[at, there] + costs[there, ahead], spent_s + more_s
        else:
            blocked.add(tour.binds[until + 1])
        if until == len(tour.visits):
            return
        visit = problem.visit(tour.visits[until])
        way_s, takes_s = seconds[at, visit.location], _takes_s(visit, at)
        begins_s = within(visit.windows, done_s + way_s)
        hinders = _hinders(tour, until + 1, begins_s, task, by)
        if begins_s is None or hinders:
            blocked.add(hinders or visit.late)
            return
        done_s, ride_s = begins_s + takes_s, ride_s + way_s + takes_s
        cost, spent_s, at = cost + costs[at, visit.location], spent_s + way_s, visit.location


def _hinders(tour: Tour, position: int, begins_s: int | None, task: Task, by: Vehicle) -> Reason | None:
    """Why the task can't be aboard when the visit at this position begins then."""
    if _over(tour.load[position], task.collected, by.capacity):
        return "capacity"
    return tour.binds[position] if begins_s is None or begins_s > tour.latest_s[position] else None


def _cost(by: Vehicle, tour: Tour, cost: int, spent_s: int) -> int:
    return by.per_way * cost + by.per_s * spent_s + (0 if tour.visits else by.fixed_cost)


def _takes_s(visit: Visit, come_from: int) -> int:
    return visit.service_s if come_from == visit.location else visit.setup_s + visit.service_s


def _most(one: Amount, other: Amount) -> Amount:
    return tuple(map(max, one, other))


def _over(load: Amount, more: Amount, capacity: Amount) -> bool:
    for have, one, most in zip(load, more, capacity, strict=True):  # noqa: SIM110  a generator is three times as slow
        if have + one > most:
            return True
    return False
