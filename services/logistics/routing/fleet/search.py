"""The search over jobs and shipments, all of them optional with prizes (`iterated` runs it).

What PyVRP has no words for is put into those it has:
- a skill is a load of which who lacks it may take nothing, `max_tasks` a load of one for each job;
- a job with several windows is several clients of which one is visited;
- an open start or end is a place that is no way from anywhere;
- what is minimised is the cost of travel, which stands where PyVRP has the distance;
- setup always counts as service, so that a plan holds also where it turns out to be needless.

What it can't be told is repaired afterwards (`places.repaired`): breaks, of which it knows only that the vehicle has so
much less time; several windows of a shipment's ends, of which it knows when the first opens and the last closes;
`max_tasks` of shipments; the longest way by time or distance. Times on board are told as narrower windows (`rides`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from services.logistics.routing.fleet.model import Problem, Task, Vehicle, Window
from services.logistics.routing.fleet.timing import driven
from services.logistics.routing.fleet.worth import prize_of
from services.logistics.routing.iterated import improved

if TYPE_CHECKING:
    from pyvrp import PenaltyManager, ProblemData, Solution

LARGEST_PENALTY: Final = 1e8
LARGEST_COST: Final = 2.0**62
"""Of what all tasks break together, in PyVRP's 64 bits."""
QUARTER_S: Final = 900
CLIENTS_MAX: Final = 2000
"""Where windows would make more of them, jobs with several have one, from the first to the last."""


def improve(
    problem: Problem,
    plan: list[list[int]],
    tasks: Sequence[int],
    deadline: float,
    seed: int,
    narrowed: Mapping[int, Window] | None = None,
) -> list[list[int]]:
    """The visits of each vehicle in a plan of these tasks, at least as good as the one given where PyVRP takes that.

    `narrowed`: by shipment, when its pickup may begin at the earliest and its delivery at the latest.
    """
    from pyvrp import Solution

    able = [task for task in tasks if _may_be_done(problem.tasks[task])]
    if not able:
        return plan
    model = _Model.of(problem, able, narrowed or {})
    given = model.solution_of(problem, plan)
    start = given if given.is_feasible() else Solution(model.data, [])
    return model.visits_of(improved(model.data, start, _penalties(model), deadline, seed))


def _may_be_done(task: Task) -> bool:
    """PyVRP takes no window that is never open, and no delivery that closes before its pickup opens."""
    opens = all(0 <= visit.windows[0][0] <= visit.windows[-1][1] for visit in task.visits)
    return opens and task.visits[-1].windows[-1][1] >= task.visits[0].windows[0][0]


def _penalties(model: "_Model") -> "PenaltyManager":
    """A quarter of an hour late (the longest way, where that is less), or a quarter of a task's amount too much, costs
    at first what leaving out a task does. With PyVRP's own an hour late cost less, and a tight plan never improved on
    the first one (of 100 shipments 43 served instead of 64).
    """
    from pyvrp import PenaltyManager, PenaltyParams

    data = model.data
    prize = max([each.prize for each in data.clients()] + [each.prize for each in data.shipments()])
    longest_s = max(int(data.duration_matrix(profile).max()) for profile in range(data.num_profiles))
    loads = []
    for each in range(data.num_load_dimensions):
        amounts = [client.delivery[each] + client.pickup[each] for client in data.clients()]
        amounts += [shipment.amount[each] for shipment in data.shipments()]
        loads.append(4 * prize * len(amounts) / max(1, sum(amounts)))
    return PenaltyManager(
        (loads, prize / max(1, min(longest_s, QUARTER_S)), 1.0), PenaltyParams(max_penalty=LARGEST_PENALTY)
    )


@dataclass(frozen=True)
class _Model:
    """PyVRP's data, with what its numbers are in the problem."""

    data: "ProblemData"
    fleet: list[list[int]]  # by vehicle type its vehicles
    job_of_client: list[int]
    shipments: list[int]
    vehicles: int

    @classmethod
    def of(cls, problem: Problem, tasks: Sequence[int], narrowed: Mapping[int, Window]) -> "_Model":
        from pyvrp import Location, ProblemData

        jobs = [task for task in tasks if not problem.tasks[task].is_shipment]
        shipments = [task for task in tasks if problem.tasks[task].is_shipment]
        limits = _Limits.of(problem)
        nowhere = len(problem.travel[0].cost)
        clients, groups, job_of_client = _clients(problem, jobs, limits)
        starts = {each for vehicle in problem.vehicles for each in (vehicle.start, vehicle.end)}
        depots = sorted(nowhere if each is None else each for each in starts)
        fleet = _alike(problem)
        data = ProblemData(
            locations=[Location(0, 0)] * (nowhere + 1),
            clients=clients,
            depots=_depots(depots),
            vehicle_types=[
                _vehicle_type(problem.vehicles[same[0]], len(same), depots, nowhere, limits) for same in fleet
            ],
            distance_matrices=[_with_nowhere(travel.cost) for travel in problem.travel],
            duration_matrices=[_with_nowhere(travel.duration_s) for travel in problem.travel],
            groups=groups,
            shipments=[_shipment(problem, task, limits, narrowed.get(task)) for task in shipments],
        )
        return cls(data, fleet, job_of_client, shipments, len(problem.vehicles))

    def solution_of(self, problem: Problem, plan: list[list[int]]) -> "Solution":
        from pyvrp import Activity, ActivityType, Route, Solution

        number = {shipment: index for index, shipment in enumerate(self.shipments)}
        clients_of: dict[int, list[int]] = {}
        for client, job in enumerate(self.job_of_client):
            clients_of.setdefault(job, []).append(client)
        routes = []
        for vehicle_type, same in enumerate(self.fleet):
            for vehicle in same:
                activities = []
                for step in driven(problem, vehicle, plan[vehicle]).steps if plan[vehicle] else ():
                    task, delivers = step.visit >> 1, step.visit & 1
                    if problem.tasks[task].is_shipment:
                        kind = ActivityType.DELIVERY if delivers else ActivityType.PICKUP
                        activities.append(Activity(kind, number[task]))
                    else:
                        activities.append(
                            Activity(ActivityType.CLIENT, self._client_at(clients_of[task], step.begins_s))
                        )
                if activities:
                    routes.append(Route(self.data, activities, vehicle_type))
        return Solution(self.data, routes)

    def _client_at(self, clients: list[int], begins_s: int) -> int:
        """The one whose window this lies in."""
        each = (self.data.client(client) for client in clients)
        return next(c for c, by in zip(clients, each, strict=True) if by.tw_early <= begins_s <= by.tw_late)

    def visits_of(self, solution: "Solution") -> list[list[int]]:
        """By vehicle; which of several equal ones takes which route is all one."""
        plan: list[list[int]] = [[] for _ in range(self.vehicles)]
        free = [iter(same) for same in self.fleet]
        for route in solution.routes():
            visits = []
            for activity in route:
                if activity.is_client():
                    visits.append(2 * self.job_of_client[activity.idx])
                elif activity.is_shipment():
                    visits.append(2 * self.shipments[activity.idx] + activity.is_delivery())
            if visits:
                plan[next(free[route.vehicle_type()])] = visits
        return plan


@dataclass(frozen=True)
class _Limits:
    """What limits who may do what, beside amounts: each is a load of its own, of one `unit` a task."""

    skills: tuple[int, ...]  # that some task asks for and some vehicle lacks
    counted: bool  # some vehicle may do so many tasks only
    many: int
    unit: int  # so many that even at the largest penalty each one too many costs more than leaving the task out

    @classmethod
    def of(cls, problem: Problem) -> "_Limits":
        asked = set[int]().union(*(task.skills for task in problem.tasks))
        lacked = {each for each in asked if any(each not in vehicle.skills for vehicle in problem.vehicles)}
        counted = any(vehicle.max_tasks is not None for vehicle in problem.vehicles)
        prize = max((prize_of(problem, task) for task in problem.tasks), default=0)
        many = len(problem.tasks)
        unit = min(1 + int(4 * prize / LARGEST_PENALTY), int(LARGEST_COST / (LARGEST_PENALTY * max(1, many))))
        return cls(tuple(sorted(lacked)), counted, many, unit)

    def capacity(self, vehicle: Vehicle) -> list[int]:
        skills = [self.many * self.unit * (each in vehicle.skills) for each in self.skills]
        most = self.many if vehicle.max_tasks is None else vehicle.max_tasks
        return [*vehicle.capacity, *skills, *([most * self.unit] if self.counted else [])]

    def asked(self, task: Task) -> list[int]:
        return [*(self.unit * (each in task.skills) for each in self.skills), *([self.unit] if self.counted else [])]


def _alike(problem: Problem) -> list[list[int]]:
    """Vehicles in groups of equal ones."""
    groups: dict[Vehicle, list[int]] = {}
    for row, vehicle in enumerate(problem.vehicles):
        if vehicle.window[1] >= vehicle.window[0]:
            groups.setdefault(vehicle, []).append(row)
    return list(groups.values())


def _depots(places: Sequence[int]) -> list[Any]:
    from pyvrp import Depot

    return [Depot(place) for place in places]


def _vehicle_type(vehicle: Vehicle, count: int, depots: list[int], nowhere: int, limits: _Limits) -> Any:
    from pyvrp import VehicleType

    return VehicleType(
        num_available=count,
        capacity=limits.capacity(vehicle),
        start_depot=depots.index(nowhere if vehicle.start is None else vehicle.start),
        end_depot=depots.index(nowhere if vehicle.end is None else vehicle.end),
        fixed_cost=vehicle.fixed_cost,
        tw_early=vehicle.window[0],
        tw_late=max(vehicle.window[0], vehicle.window[1] - sum(each.service_s for each in vehicle.breaks)),
        unit_distance_cost=vehicle.per_way,
        unit_duration_cost=vehicle.per_s,
        profile=vehicle.profile,
    )


def _clients(problem: Problem, jobs: Sequence[int], limits: _Limits) -> tuple[list[Any], list[Any], list[int]]:
    """A client for each window of each job; those of one job are a group, of which one is visited or none."""
    from pyvrp import Client, ClientGroup

    whole = sum(len(problem.tasks[job].visits[0].windows) for job in jobs) > CLIENTS_MAX
    clients: list[Any] = []
    groups: list[Any] = []
    job_of_client: list[int] = []
    for job in jobs:
        task, visit = problem.tasks[job], problem.tasks[job].visits[0]
        windows = [(visit.windows[0][0], visit.windows[-1][1])] if whole else visit.windows
        several = len(windows) > 1
        for opens_s, closes_s in windows:
            clients.append(
                Client(
                    location=visit.location,
                    delivery=[*task.delivered, *limits.asked(task)],
                    pickup=[*task.collected, *([0] * len(limits.asked(task)))],
                    service_duration=visit.setup_s + visit.service_s,
                    tw_early=opens_s,
                    tw_late=closes_s,
                    prize=prize_of(problem, task),
                    required=False,
                    group=len(groups) if several else None,
                )
            )
        if several:
            groups.append(ClientGroup(list(range(len(clients) - len(windows), len(clients))), required=False))
        job_of_client += [job] * len(windows)
    return clients, groups, job_of_client


def _shipment(problem: Problem, number: int, limits: _Limits, narrowed: Window | None) -> Any:
    from pyvrp import Shipment

    task = problem.tasks[number]
    pickup, delivery = task.visits[0], task.visits[-1]
    loads_from_s, unloads_by_s = pickup.windows[0][0], delivery.windows[-1][1]
    if narrowed is not None:
        loads_from_s = min(max(loads_from_s, narrowed[0]), pickup.windows[-1][1])
        unloads_by_s = max(min(unloads_by_s, narrowed[1]), delivery.windows[0][0], loads_from_s)
    return Shipment(
        pickup_location=pickup.location,
        delivery_location=delivery.location,
        pickup_tw_early=loads_from_s,
        pickup_tw_late=pickup.windows[-1][1],
        pickup_service_duration=pickup.setup_s + pickup.service_s,
        delivery_tw_early=delivery.windows[0][0],
        delivery_tw_late=unloads_by_s,
        delivery_service_duration=delivery.setup_s + delivery.service_s,
        amount=[*task.collected, *limits.asked(task)],
        prize=prize_of(problem, task),
        required=False,
    )


def _with_nowhere(matrix: Any) -> Any:
    """With a last row and column of a place that is no way from anywhere."""
    return np.pad(np.ascontiguousarray(matrix, dtype=np.int64), (0, 1))
