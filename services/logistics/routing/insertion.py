"""Cheapest insertion of a pickup and its delivery into a tour (Jaw et al. 1986, with Savelsbergh's 1992 slacks).

It makes the first plan, finds a last place for what the search left out, and says why there is none.
A visit is a number: 2k is the pickup of job k, 2k + 1 its delivery.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Final, NamedTuple

from services.logistics.routing.instance import Instance
from services.logistics.routing.problem import Reason

NEAREST_TOURS: Final = 12
NEVER: Final = 1 << 60


class Place(NamedTuple):
    """Where job fits: the pickup behind position `after`, the delivery behind old position `until` ≥ after."""

    cost: int
    vehicle: int
    after: int
    until: int


@dataclass(slots=True)
class Tour:
    """One vehicle's visits with what insertion asks of them.

    Position 0 is leaving the depot, 1…n the visits, n + 1 the return: `done_s` is when each is left at the
    earliest, `latest_s` when it may begin so that all behind it still holds, `binds` which limit that comes from.
    """

    visits: list[int]
    point: list[int]
    early_s: list[int]
    service_s: list[int]
    done_s: list[int]
    load_g: list[int]
    latest_s: list[int]
    binds: list[Reason]

    @classmethod
    def of(cls, instance: Instance, vehicle: int, visits: list[int]) -> "Tour":
        carrier, jobs, travel_s = instance.carriers[vehicle], instance.jobs, instance.duration_s
        point, early_s, service_s, load_g = [carrier.depot], [carrier.start_s], [0], [0]
        due_s: list[tuple[int, Reason]] = [(NEVER, "shift")]
        for visit in visits:
            job, delivers = jobs[visit >> 1], visit & 1
            point.append(job.delivery if delivers else job.pickup)
            early_s.append(0 if delivers else job.ready_s)
            service_s.append(job.delivery_s if delivers else job.pickup_s)
            load_g.append(load_g[-1] + (-job.quantity_g if delivers else job.quantity_g))
            due_s.append((job.due_s, job.late_reason) if delivers else (NEVER, "shift"))
        point.append(carrier.depot)
        done_s = [carrier.start_s]
        for here in range(1, len(visits) + 1):
            arrival_s = done_s[-1] + travel_s[point[here - 1], point[here]]
            done_s.append(max(arrival_s, early_s[here]) + service_s[here])
        latest: list[tuple[int, Reason]] = [(carrier.end_s, "shift")]
        for here in range(len(visits), -1, -1):
            onward_s = latest[-1][0] - travel_s[point[here], point[here + 1]] - service_s[here]
            latest.append(min((onward_s, latest[-1][1]), due_s[here], key=lambda limit: limit[0]))
        latest.reverse()
        latest_s, binds = [limit[0] for limit in latest], [limit[1] for limit in latest]
        return cls(visits, point, early_s, service_s, done_s, load_g, latest_s, binds)


def insert_all(
    instance: Instance, plan: list[list[int]], jobs: Iterable[int], deadline: float
) -> dict[int, set[Reason]]:
    """Put each job, the most urgent first, where it costs least; the plan is changed in place.

    Answers with the jobs left out and why. After `deadline` (on perf_counter) the rest are left, as `time_limit`.
    """
    tours = [Tour.of(instance, vehicle, visits) for vehicle, visits in enumerate(plan)]
    left: dict[int, set[Reason]] = {}
    for job in sorted(jobs, key=lambda job: (instance.jobs[job].due_s, job)):
        if perf_counter() > deadline:
            left[job] = {"time_limit"}
            continue
        place, reasons = _cheapest(instance, tours, job)
        if place is None:
            left[job] = reasons
            continue
        visits = tours[place.vehicle].visits
        behind = [*visits[: place.after], 2 * job, *visits[place.after : place.until], 2 * job + 1]
        plan[place.vehicle] = behind + visits[place.until :]
        tours[place.vehicle] = Tour.of(instance, place.vehicle, plan[place.vehicle])
    return left


def _cheapest(instance: Instance, tours: list[Tour], job: int) -> tuple[Place | None, set[Reason]]:
    """The cheapest place worth its prize, among the nearest tours if they have one, else among all."""
    able = [v for v in _distinct(instance, tours) if not instance.alone(v, job)]
    if not able:
        return None, _hopeless(instance, job)
    pickup, away_m = instance.jobs[job].pickup, instance.distance_m
    able.sort(key=lambda v: min(away_m[point, pickup] for point in tours[v].point))
    blocked: set[Reason] = set()
    for some in (able[:NEAREST_TOURS], able[NEAREST_TOURS:]):
        places = [place for v in some if (place := _place_in(instance, tours[v], v, job, blocked))]
        if places:
            best = min(places)
            return (best, set()) if best.cost <= instance.jobs[job].prize else (None, {"not_worth_its_detour"})
    return None, blocked


def _distinct(instance: Instance, tours: list[Tour]) -> list[int]:
    """Every vehicle under way, and of equal ones still at the depot one."""
    idle: dict[object, int] = {}
    busy: list[int] = []
    for vehicle, tour in enumerate(tours):
        if tour.visits:
            busy.append(vehicle)
        else:
            idle.setdefault(instance.carriers[vehicle], vehicle)
    return [*busy, *idle.values()]


def _hopeless(instance: Instance, job: int) -> set[Reason]:
    """No vehicle could carry it even alone: what stops the vehicles that come closest to it."""
    if not instance.carriers:
        return {"no_vehicle"}
    against = [instance.alone(vehicle, job) for vehicle in range(len(instance.carriers))]
    fewest = min(len(reasons) for reasons in against)
    return {reason for reasons in against if len(reasons) == fewest for reason in reasons}


def _place_in(instance: Instance, tour: Tour, vehicle: int, job: int, blocked: set[Reason]) -> Place | None:
    """The cheapest place in one tour; what stands in the way elsewhere is added to `blocked`."""
    task, carrier = instance.jobs[job], instance.carriers[vehicle]
    travel_s, away_m, point = instance.duration_s, instance.distance_m, tour.point
    room_g = carrier.capacity_g - task.quantity_g
    best: Place | None = None
    for after in range(len(tour.visits) + 1):
        here = point[after]
        if tour.load_g[after] > room_g:
            blocked.add("capacity")
            continue
        loaded_s = max(tour.done_s[after] + travel_s[here, task.pickup], task.ready_s) + task.pickup_s
        to_pickup_m = away_m[here, task.pickup]
        for until, detour_m in _deliveries(instance, tour, job, after, loaded_s, room_g, blocked):
            cost = (to_pickup_m + detour_m) * carrier.cost
            if best is None or cost < best.cost:
                best = Place(cost, vehicle, after, until)
    return best


def _deliveries(
    instance: Instance, tour: Tour, job: int, after: int, loaded_s: int, room_g: int, blocked: set[Reason]
) -> Iterable[tuple[int, int]]:
    """Each position the delivery may stand behind, with the metres added from the pickup on, carrying it along."""
    task, travel_s, away_m, point = instance.jobs[job], instance.duration_s, instance.distance_m, tour.point
    at, done_s, carried_m = task.pickup, loaded_s, 0
    for until in range(after, len(tour.visits) + 1):
        ahead = point[until + 1]
        arrival_s = done_s + travel_s[at, task.delivery]
        if arrival_s > task.due_s:
            blocked.add(task.late_reason)
            return
        if arrival_s + task.delivery_s + travel_s[task.delivery, ahead] <= tour.latest_s[until + 1]:
            around_m = away_m[at, task.delivery] + away_m[task.delivery, ahead] - away_m[point[until], ahead]
            yield until, carried_m + around_m
        else:
            blocked.add(tour.binds[until + 1])
        if until == len(tour.visits):
            return
        if tour.load_g[until + 1] > room_g:
            blocked.add("capacity")
            return
        begins_s = max(done_s + travel_s[at, ahead], tour.early_s[until + 1])
        if begins_s > tour.latest_s[until + 1]:
            blocked.add(tour.binds[until + 1])
            return
        if until == after:  # the way from the pickup replaces the first leg of the old way
            carried_m = away_m[at, ahead] - away_m[point[after], ahead]
        at, done_s = ahead, begins_s + tour.service_s[until + 1]
