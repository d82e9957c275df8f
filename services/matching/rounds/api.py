"""`/v1/rounds`: what clearings came to, clearing on demand, and the timer."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from catalogue.fields import ProduceSlug
from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import DbOnce, Read, Write, slice_router
from services.matching.rounds import queries, service
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.schemas import Interval, RoundOut, RoundRequest

router = slice_router("/v1/rounds", tag="rounds")
Admin = Annotated[Caller, Depends(only())]
Overseer = Annotated[Caller, Depends(only("auditor", "supervisor"))]


def solvers(request: Request) -> SolverPool:
    pool: SolverPool = request.app.state.solvers
    return pool


Solvers = Annotated[SolverPool, Depends(solvers)]


@router.post("", status_code=201)
async def clear_markets(caller: Admin, db: DbOnce, pool: Solvers, which: RoundRequest | None = None) -> Page[RoundOut]:
    """Clear now: one market, or all that have two sides."""
    rounds = await service.clear_now(db, pool, which.produce if which else None)
    return Page(items=[RoundOut.of(each) for each in rounds], next=None)


@router.get("")
async def list_rounds(
    caller: Overseer, session: Read, produce: ProduceSlug | None = None, after: UUID | None = None, limit: Limit = 50
) -> Page[RoundOut]:
    """Rounds, newest first."""
    rows = await queries.rounds(session, produce=produce, before=after, limit=limit + 1)
    return Page.of([RoundOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/interval")
async def read_interval(caller: Overseer, session: Read) -> Interval:
    """How often changed markets are cleared; 0: only on demand."""
    return Interval(seconds=await queries.interval_s(session))


@router.put("/interval")
async def set_interval(wanted: Interval, caller: Admin, session: Write) -> Interval:
    """Clear changed markets every so many seconds; 0: only on demand."""
    await service.set_interval(session, wanted.seconds)
    return wanted


@router.get("/{round_id}")
async def read_round(round_id: UUID, caller: Overseer, session: Read) -> RoundOut:
    """One round."""
    return RoundOut.of(await service.find(session, round_id))
