"""A plan never stays `planning` for ever, whatever becomes of the process that makes it."""

import asyncio
import os
import signal
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update
from uuid_utils.compat import uuid7

from chassis.db import Database
from chassis.solvers import Solver, SolverFailed
from services.logistics.routes import service
from services.logistics.routes.models import GRACE, MAX_ATTEMPTS, Plan
from services.logistics.routes.planner import SOLVER, Planner


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
        if self._deaths:
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
