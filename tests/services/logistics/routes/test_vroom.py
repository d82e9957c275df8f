"""VROOM's door: its problem JSON in, its solution JSON out, by a real solver in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from bench.vroom_problems import Published, published
from chassis.db import Database
from services.logistics.app import create_logistics_app
from services.logistics.routes.solving import WAIT_AT_MOST, FleetSolver
from services.logistics.routes.vroom import STOPS_MAX
from tests.support.services import Issuer, kept_app

LINE = [[100 * abs(here - there) for there in range(4)] for here in range(4)]
NANJING, SIYANG, HUAIAN = [118.79, 32.05], [118.69, 33.72], [119.02, 33.61]
EXAMPLE: dict[str, Any] = {
    "vehicles": [{"id": 7, "start_index": 0, "end_index": 0, "capacity": [4], "description": "van"}],
    "jobs": [{"id": 11, "location_index": 3, "delivery": [1], "service": 30, "description": "far"}],
    "shipments": [
        {
            "amount": [2],
            "pickup": {"id": 1, "location_index": 1, "time_windows": [[150, 400]]},
            "delivery": {"id": 2, "location_index": 2, "time_windows": [[0, 300]]},
        }
    ],
    "matrices": {"car": {"durations": LINE, "distances": LINE}},
}


@pytest.fixture(autouse=True)
async def solver(db: Database, issuer: Issuer) -> AsyncIterator[FleetSolver]:
    """Of this test's event loop."""
    made = kept_app(create_logistics_app, db, issuer.keys).state.fleet_solver = FleetSolver()
    yield made
    await made.stop()


class Partner:
    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def asks(self, question: Any, limit_s: float = 0.2) -> httpx.Response:
        return await self.client.post(f"/v1/routes/solve?limit_s={limit_s}", json=question, headers=self.headers)

    async def is_refused(self, question: Any) -> str:
        answer = await self.asks(question)
        assert answer.status_code == 422, answer.text
        return " ".join(each["detail"] for each in answer.json()["errors"])


@pytest.fixture
def partner(client: httpx.AsyncClient, issuer: Issuer) -> Partner:
    return Partner(client, issuer.caller("carrier"))


def changed(**changes: Any) -> dict[str, Any]:
    return EXAMPLE | changes


def with_vehicle(**changes: Any) -> dict[str, Any]:
    return changed(vehicles=[EXAMPLE["vehicles"][0] | changes])


def with_job(**changes: Any) -> dict[str, Any]:
    return changed(jobs=[EXAMPLE["jobs"][0] | changes])


async def test_a_problem_comes_back_solved_in_vrooms_own_words(partner: Partner) -> None:
    answer = await partner.asks(EXAMPLE)
    assert answer.status_code == 200, answer.text
    solution = answer.json()
    times = solution["summary"].pop("computing_times")
    assert times["solving"] >= 0
    assert solution["summary"] == {
        "cost": 600,
        "routes": 1,
        "unassigned": 0,
        "duration": 600,
        "distance": 600,
        "setup": 0,
        "service": 30,
        "waiting_time": 0,
        "priority": 0,
        "delivery": [3],
        "pickup": [2],
        "violations": [],
    }
    assert (solution["code"], solution["unassigned"]) == (0, [])
    assert "distance_source" not in solution, "what there is not is left out, as VROOM does"
    (route,) = solution["routes"]
    assert (route["vehicle"], route["description"]) == (7, "van")
    told = [
        (step["type"], step.get("id"), step["arrival"], step["duration"], step["load"], step["location_index"])
        for step in route["steps"]
    ]
    assert told == [
        ("start", None, 50, 0, [1], 0),
        ("pickup", 1, 150, 100, [3], 1),
        ("delivery", 2, 250, 200, [1], 2),
        ("job", 11, 350, 300, [0], 3),
        ("end", None, 680, 600, [0], 0),
    ]


async def test_breaks_stand_where_they_are_taken_also_in_the_middle_of_a_way(partner: Partner) -> None:
    breaks = [{"id": 4, "time_windows": [[320, 330]], "service": 60, "description": "tea"}, {"id": 5, "service": 5}]
    (route,) = (await partner.asks(with_vehicle(breaks=breaks))).json()["routes"]
    told = [(step["type"], step["arrival"], step["waiting_time"], step["duration"]) for step in route["steps"]]
    assert told == [
        ("start", 50, 0, 0),
        ("pickup", 150, 0, 100),
        ("delivery", 250, 0, 200),
        ("break", 320, 0, 270),
        ("job", 410, 0, 300),
        ("break", 440, 0, 300),
        ("end", 745, 0, 600),
    ]
    assert (route["service"], route["duration"]) == (95, 600)
    assert [step["id"] for step in route["steps"] if step["type"] == "break"] == [4, 5]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_tasks": 2}, "max_tasks"),
        ({"max_travel_time": 500}, "max_travel_time"),
        ({"max_distance": 500}, "max_distance"),
        ({"breaks": [{"id": 1, "time_windows": [[0, 10]], "max_load": [0]}]}, "break"),
    ],
)
async def test_what_the_search_has_no_words_for_is_kept_all_the_same_and_is_a_reason(
    partner: Partner, limit: Any, reason: str
) -> None:
    solution = (await partner.asks(with_vehicle(**limit))).json()
    assert {told for each in solution["unassigned"] for told in each["reasons"]} == {reason}
    assert len(solution["routes"]) == 1, "something is done"


async def test_a_pickup_may_have_several_windows(partner: Partner) -> None:
    shipment = EXAMPLE["shipments"][0]
    several = shipment | {"pickup": shipment["pickup"] | {"time_windows": [[0, 20], [150, 160], [900, 950]]}}
    (route,) = (await partner.asks(changed(shipments=[several]))).json()["routes"]
    pickup = next(step for step in route["steps"] if step["type"] == "pickup")
    assert pickup["arrival"] + pickup["waiting_time"] == 150


async def test_without_matrices_places_are_told_by_coordinates_and_the_answer_says_how_far(partner: Partner) -> None:
    question = {
        "vehicles": [{"id": 1, "start": NANJING}, {"id": 2, "end": SIYANG, "speed_factor": 2}],
        "jobs": [{"id": 1, "location": SIYANG}, {"id": 2, "location": HUAIAN}],
    }
    solution = (await partner.asks(question)).json()
    assert solution["distance_source"] == "great_circle"
    (route,) = solution["routes"]
    assert route["vehicle"] == 2, "it appears at its first stop, and is at its end at its second"
    assert [step["type"] for step in route["steps"]] == ["job", "job", "end"]
    assert 40_000 < route["distance"] < 50_000
    assert abs(route["duration"] - route["distance"] / (120_000 / 3600)) < 3, "at 60 km/h, and twice as fast"


async def test_costs_decide_whose_way_it_is(partner: Partner) -> None:
    end = {"start_index": 0, "end_index": 0, "capacity": [9]}
    dear, fixed = {"id": 1, **end, "costs": {"per_km": 50, "per_hour": 0}}, {"id": 2, **end, "costs": {"fixed": 700}}
    for price, vehicle in ((900, 1), (1100, 1), (10_000, 2)):
        dear["costs"] = {"per_km": price, "per_hour": 0}
        solution = (await partner.asks(changed(vehicles=[dear, fixed], shipments=[]))).json()
        assert [route["vehicle"] for route in solution["routes"]] == [vehicle], price
    assert solution["summary"]["cost"] == 1300


async def test_what_is_left_out_is_named_with_both_ends_and_reasons(partner: Partner) -> None:
    solution = (await partner.asks(with_vehicle(capacity=[1]))).json()
    left = [(each["type"], each["id"], each["location_index"], each["reasons"]) for each in solution["unassigned"]]
    assert left == [("pickup", 1, 1, ["capacity"]), ("delivery", 2, 2, ["capacity"])]
    assert solution["summary"]["unassigned"] == 2


@pytest.mark.parametrize(
    ("question", "name"),
    [
        (with_vehicle(steps=[{"type": "start"}]), "vehicle.steps"),
        (with_vehicle(type="truck"), "vehicle.type"),
        (with_vehicle(costs={"per_task_hour": 3}), "vehicle.costs.per_task_hour"),
        (with_job(service_per_type={"a": 3}), "task.service_per_type"),
        (changed(options={"g": True}), "options.g"),
    ],
)
async def test_what_is_vrooms_and_not_ours_yet_is_refused_by_its_name(
    partner: Partner, question: Any, name: str
) -> None:
    assert name in await partner.is_refused(question)


async def test_the_words_of_older_problems_are_understood(partner: Partner) -> None:
    older = {name: each for name, each in EXAMPLE.items() if name != "matrices"} | {"matrix": LINE}
    older["jobs"] = [
        {"amount" if name == "delivery" else name: each for name, each in job.items()} for job in EXAMPLE["jobs"]
    ]
    newer = {**EXAMPLE, "matrices": {"car": {"durations": LINE}}}
    found, same = [(await partner.asks(each)).json() for each in (older, newer)]
    assert (found["routes"], found["unassigned"]) == (same["routes"], same["unassigned"])
    both = await partner.asks(newer | {"matrix": LINE})
    assert (both.status_code, both.json()["errors"][0]["pointer"]) == (422, "#/matrix")


MANY = [{"id": each, "location_index": 0} for each in range(STOPS_MAX + 1)]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (changed(jobs=[], shipments=[]), "1 to 1000 stops"),
        (changed(jobs=MANY), "1 to 1000 stops"),
        (changed(jobs=EXAMPLE["jobs"] * 2), "have one id"),
        (changed(matrices={"truck": EXAMPLE["matrices"]["car"]}), "profile car"),
        (changed(matrices={"car": {"durations": LINE[:3]}}), "square"),
        (changed(matrices=None), "coordinates"),
        (with_job(location_index=4), "a row that they have"),
        (with_job(location_index=None), "a row that they have"),
        (with_job(delivery=[1, 1]), "same number of dimensions"),
        (with_job(time_windows=[[50, 10]]), "ends before it begins"),
        (with_job(time_windows=[[10, 50], [40, 60]]), "do not overlap"),
        (with_job(colour="red"), ""),
        (with_vehicle(speed_factor=0), ""),
        (with_job(service=-1), ""),
    ],
)
async def test_what_makes_no_sense_is_refused(partner: Partner, question: Any, words: str) -> None:
    assert words in await partner.is_refused(question)


def ran_s(pid: int | None) -> float:
    """How long the process has had a processor; none that has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except FileNotFoundError:
        return 0.0


async def found_by(work_s: float, partner: Partner, solver: FleetSolver, question: Any) -> Any:
    """What a search finds that had a processor for so long: where others want it too, the limit is a longer one."""
    await solver._solver.start()
    for limit_s in (0.3, 0.6, 1.2, 2.4, 4.8):
        began_s = ran_s(solver.pid)
        solution = (await partner.asks(question, limit_s)).json()
        if ran_s(solver.pid) - began_s >= work_s or not Path("/proc/self/schedstat").exists():
            break
    return solution


@pytest.mark.parametrize("instance", [*published("solomon"), *published("li_lim")], ids=lambda each: each.name)
async def test_published_instances_come_back_whole_and_near_the_best_known(
    partner: Partner, solver: FleetSolver, instance: Published
) -> None:
    solution = await found_by(0.25, partner, solver, instance.problem)
    assert solution["unassigned"] == []
    assert -8 < instance.gap_percent(solution) < 12, "bench/routes.py says how near"
    stops = [step for route in solution["routes"] for step in route["steps"] if "id" in step]
    assert len(stops) == len(instance.problem.get("jobs", ())) + 2 * len(instance.problem.get("shipments", ()))


@pytest.mark.parametrize("limit_s", ["0", "-1", "61", "nan", "long"])
async def test_the_time_limit_is_more_than_nothing_and_a_minute_at_most(partner: Partner, limit_s: Any) -> None:
    assert (await partner.asks(EXAMPLE, limit_s)).status_code in {400, 422}


async def test_it_is_for_carriers(client: httpx.AsyncClient, issuer: Issuer) -> None:
    assert (await Partner(client, issuer.caller("producer")).asks(EXAMPLE)).status_code == 403
    assert (await Partner(client, {}).asks(EXAMPLE)).status_code == 401


async def test_who_comes_when_several_wait_is_told_when_to_come_back(partner: Partner) -> None:
    answers = await asyncio.gather(*(partner.asks(EXAMPLE, 0.3) for _ in range(WAIT_AT_MOST + 2)))
    assert sorted(each.status_code for each in answers) == [200] * WAIT_AT_MOST + [503] * 2
    busy = next(each for each in answers if each.status_code == 503)
    assert (busy.json()["type"], busy.headers["retry-after"]) == ("/problems/solver-busy", "1")


async def test_a_solver_that_dies_without_an_answer_is_503_and_the_next_question_is_answered(
    partner: Partner, solver: FleetSolver
) -> None:
    chance = Random(1)
    jobs = [{"id": each, "location": [chance.uniform(117, 119), chance.uniform(32, 34)]} for each in range(200)]
    asking = asyncio.create_task(partner.asks({"vehicles": [{"id": 1, "start": NANJING}], "jobs": jobs}, 30))
    async with asyncio.timeout(30):
        while solver.pid is None:
            await asyncio.sleep(0.01)
    await solver.stop()
    answer = await asking
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/planner-unavailable")
    assert (await partner.asks(EXAMPLE)).status_code == 200
