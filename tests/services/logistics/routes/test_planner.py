"""A plan never stays `planning` for ever, whatever becomes of the process that makes it."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update
from uuid_utils.compat import uuid7

from chassis.db import Database
from chassis.solvers import Solver, SolverFailed, SolverTimeout
from services.logistics.routes import service
from services.logistics.routes.models import GRACE, MAX_ATTEMPTS, Plan
from services.logistics.routes.planner import SOLVER, Planner
from services.logistics.routes.solving import OVERRUN_S
from services.logistics.routing.problem import Point, Problem, RoutePlan


@pytest.fixture
async def plan_id(db: Database) -> UUID:
    """A plan of nothing, waiting to be made."""
    async with db.transaction() as session:
        plan = Plan(
            id=uuid7(),
            carrier_id=uuid7(),
            status="planning",
            depart_at=datetime.now(UTC),
            limit_s=1.0,
            shipment_ids=[],
            vehicle_ids=[],
        )
        session.add(plan)
    return plan.id


async def stored(db: Database, plan_id: UUID) -> Plan:
    async with db.reading() as session:
        return await session.get_one(Plan, plan_id)


async def lease_has_ended(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(update(Plan).values(leased_until=func.now()))


class Dying(Solver):
    """A solver whose process is killed at each of the first questions, while it works on them."""

    def __init__(self, deaths: int) -> None:
        super().__init__(SOLVER)
        self._deaths = deaths

    async def solve(self, *question: object, within_s: float) -> Any:
        if self._deaths and len(question) > 1:
            self._deaths -= 1
            pid = (await self.start()).pid
            os.kill(pid, signal.SIGSTOP)  # so that it can't answer before it is killed
            asyncio.get_running_loop().call_later(0.1, os.kill, pid, signal.SIGKILL)
        return await super().solve(*question, within_s=within_s)


async def test_a_plan_whose_process_was_killed_is_made_by_the_next(
    db: Database, planner: Planner, plan_id: UUID
) -> None:
    planner.solver = Dying(deaths=1)
    assert await planner.plan_next()
    waiting = await stored(db, plan_id)
    assert (waiting.status, waiting.attempts, waiting.leased_until) == ("planning", 1, None)
    assert await planner.plan_next()
    made = await stored(db, plan_id)
    assert (made.status, made.attempts, made.failure) == ("planned", 2, None)


async def test_a_plan_that_kills_every_process_fails_and_says_so(db: Database, planner: Planner, plan_id: UUID) -> None:
    planner.solver = Dying(deaths=MAX_ATTEMPTS)
    while await planner.plan_next():
        pass
    failed = await stored(db, plan_id)
    assert (failed.status, failed.failure, failed.attempts) == ("failed", "planner_died", MAX_ATTEMPTS)


async def test_a_solver_that_raises_fails_the_plan_with_another_reason(
    db: Database, planner: Planner, plan_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises(*_: object, **__: object) -> None:
        raise SolverFailed("ValueError")

    monkeypatch.setattr(planner.solver, "solve", raises)
    while await planner.plan_next():
        pass
    failed = await stored(db, plan_id)
    assert (failed.status, failed.failure) == ("failed", "planner_error")


async def test_a_leased_plan_is_left_alone_until_its_lease_ends(db: Database, planner: Planner, plan_id: UUID) -> None:
    work = await service.take_next(db)
    assert isinstance(work, service.Work)
    leased = await stored(db, plan_id)
    assert leased.leased_until is not None
    assert leased.leased_until > datetime.now(UTC) + GRACE / 2
    assert await service.take_next(db) == "nothing"
    await lease_has_ended(db)
    assert await planner.plan_next()
    assert (await stored(db, plan_id)).status == "planned"


async def test_a_plan_whose_planners_all_vanished_fails(db: Database, plan_id: UUID) -> None:
    for _ in range(MAX_ATTEMPTS):
        assert isinstance(await service.take_next(db), service.Work)
        await lease_has_ended(db)
    assert await service.take_next(db) == "given up"
    failed = await stored(db, plan_id)
    assert (failed.status, failed.failure) == ("failed", "planner_died")
    assert await service.take_next(db) == "nothing"


async def test_of_planners_at_once_one_takes_a_plan(db: Database, plan_id: UUID) -> None:
    taken = await asyncio.gather(*(service.take_next(db) for _ in range(4)))
    assert sum(isinstance(each, service.Work) for each in taken) == 1


async def test_the_first_answer_stands(db: Database, plan_id: UUID) -> None:
    work = await service.take_next(db)
    assert isinstance(work, service.Work)
    await service.keep(db, plan_id, {"vehicles": []})
    await service.keep(db, plan_id, {"vehicles": ["late"]})
    await service.give_back(db, work, "planner_died")
    kept = await stored(db, plan_id)
    assert (kept.status, kept.answer) == ("planned", {"vehicles": []})


async def test_who_comes_back_late_takes_nothing_from_the_next_planner(db: Database, plan_id: UUID) -> None:
    late = await service.take_next(db)
    assert isinstance(late, service.Work)
    await lease_has_ended(db)
    next_one = await service.take_next(db)
    assert isinstance(next_one, service.Work)
    await service.give_back(db, late, "planner_died")
    assert await service.take_next(db) == "nothing"
    await service.give_back(db, next_one, "planner_died")
    assert isinstance(await service.take_next(db), service.Work)
    await service.give_back(db, next_one, "planner_died")
    assert (await stored(db, plan_id)).status == "planning", "the last planner is still at work"


class Told(Solver):
    """Answers that nothing goes, or raises; keeps what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(SOLVER)
        self.error = error
        self.asked: list[tuple[float, Problem, object, float]] = []

    async def start(self) -> Any:
        """Nothing."""

    async def solve(self, *question: Any, within_s: float) -> Any:
        if len(question) > 1:  # the first time
            self.asked.append((*question, within_s))
        if self.error is not None:
            raise self.error
        return RoutePlan((), (), "great_circle")


async def waiting_plans(db: Database, count: int, **changes: Any) -> list[UUID]:
    async with db.transaction() as session:
        plans = [
            Plan(
                id=uuid7(),
                carrier_id=uuid7(),
                status="planning",
                depart_at=changes.get("depart_at", datetime.now(UTC)),
                limit_s=changes.get("limit_s", 1.0),
                shipment_ids=changes.get("shipment_ids", []),
                vehicle_ids=[],
            )
            for _ in range(count)
        ]
        session.add_all(plans)
    return [plan.id for plan in plans]


async def test_a_solver_is_asked_with_the_plans_limit_and_waited_for_a_little_longer(
    db: Database, planner: Planner
) -> None:
    planner.solver = told = Told()
    await waiting_plans(db, 1, limit_s=42.5)
    assert await planner.plan_next()
    ((limit_s, _, _, within_s),) = told.asked
    assert (limit_s, within_s) == (42.5, 42.5 + OVERRUN_S)
    assert timedelta(seconds=OVERRUN_S) < GRACE, "a planner gives up before its lease ends"


async def test_nobody_is_sent_into_the_past_and_a_later_departure_is_kept(db: Database, planner: Planner) -> None:
    planner.solver = told = Told()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await waiting_plans(db, 1, depart_at=tomorrow - timedelta(days=9))
    await waiting_plans(db, 1, depart_at=tomorrow)
    before = datetime.now(UTC) - timedelta(minutes=1)
    while await planner.plan_next():
        pass
    (_, overdue, *_), (_, future, *_) = told.asked
    assert before < overdue.depart_at < tomorrow
    assert future.depart_at == tomorrow


async def test_plans_are_made_in_the_order_they_were_asked_for(db: Database, planner: Planner) -> None:
    planner.solver = Told()
    plans = await waiting_plans(db, 4)
    for made in range(1, 5):
        assert await planner.plan_next()
        assert [(await stored(db, each)).status for each in plans].count("planned") == made
        assert (await stored(db, plans[made - 1])).status == "planned"
    assert not await planner.plan_next()


async def test_one_plan_that_cannot_be_made_does_not_hold_up_the_others_for_ever(
    db: Database, planner: Planner
) -> None:
    planner.solver = told = Told(SolverTimeout("no answer"))
    bad, good = await waiting_plans(db, 2)
    for _ in range(MAX_ATTEMPTS):
        assert await planner.plan_next()
    failed = await stored(db, bad)
    assert (failed.status, failed.failure) == ("failed", "planner_died")
    told.error = None
    assert await planner.plan_next()
    assert (await stored(db, good)).status == "planned"


async def test_a_shipment_that_is_gone_is_not_asked_for_and_is_named_in_the_answer(
    db: Database, planner: Planner
) -> None:
    planner.solver = told = Told()
    gone = uuid7()
    (plan_id,) = await waiting_plans(db, 1, shipment_ids=[gone])
    assert await planner.plan_next()
    assert told.asked[0][1].tasks == ()
    answer = (await stored(db, plan_id)).answer
    assert answer is not None
    assert answer["unassigned"] == [
        {"shipment_id": str(gone), "reasons": ["not_available"], "change": None, "aboard": None, "at": None}
    ]


async def test_planners_at_once_share_the_work_and_make_each_plan_once(db: Database) -> None:
    plans = await waiting_plans(db, 9)
    planners = [Planner(db) for _ in range(3)]
    solvers = [Told() for _ in planners]

    async def work(planner: Planner) -> None:
        while await planner.plan_next():
            await asyncio.sleep(0)

    for planner, solver in zip(planners, solvers, strict=True):
        planner.solver = solver
    await asyncio.gather(*(work(planner) for planner in planners))
    assert sum(len(solver.asked) for solver in solvers) == 9
    ends = [await stored(db, each) for each in plans]
    assert {(end.status, end.attempts) for end in ends} == {("planned", 1)}


class Roadmap:
    """A server of tables that has one, or none."""

    def __init__(self, matrix: object) -> None:
        self.matrix_of = matrix
        self.asked: list[tuple[Point, ...]] = []

    async def matrix(self, points: tuple[Point, ...]) -> object:
        self.asked.append(points)
        return self.matrix_of


@pytest.mark.parametrize("matrix", [None, "a table"])
async def test_a_plan_is_made_by_roads_where_there_are_any(db: Database, plan_id: UUID, matrix: object) -> None:
    roads, told = Roadmap(matrix), Told()
    planner = Planner(db, roads)  # type: ignore[arg-type]
    planner.solver = told  # type: ignore[assignment]
    assert await planner.plan_next()
    ((_, problem, given, _),) = told.asked
    assert given == matrix
    assert roads.asked == [problem.points()]
