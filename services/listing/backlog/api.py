"""`/v1/backlog`: what waits for a buyer, and what of it will not find one in time; for supervisors."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query, Request

from catalogue.days import local_day
from catalogue.fields import AdcodeBeginning, ProduceSlug
from catalogue.places import Level
from chassis.auth import Caller, only
from chassis.clock import database_now
from chassis.fields import Limit, Page
from chassis.problems import FieldError, InvalidInput, Text
from chassis.routes import Db, Read, slice_router
from services.listing.backlog import queries, service
from services.listing.backlog.queries import BacklogPlace, Wanted
from services.listing.backlog.schemas import (
    BacklogDay,
    BacklogItem,
    BacklogLot,
    BacklogLotsPage,
    BacklogPage,
    BacklogTrend,
)
from services.listing.backlog.service import Shelf

router = slice_router("/v1/backlog", tag="backlog")
Supervisor = Annotated[Caller, Depends(only("supervisor"))]


def wanted(
    produce: ProduceSlug | None = None, adcode: AdcodeBeginning | None = None, watch_52: bool | None = None
) -> Wanted:
    return Wanted(produce, adcode, watch_52)


def cursor(after: Annotated[str | None, Query(max_length=200)] = None) -> BacklogPlace | None:
    try:
        return BacklogPlace.parse(after) if after else None
    except ValueError as error:
        text = Text("请使用上一页给出的 next。", "Send the `next` of the page before.")
        raise InvalidInput(errors=[FieldError("#/query/after", text)]) from error


Part = Annotated[Wanted, Depends(wanted)]
After = Annotated[BacklogPlace | None, Depends(cursor)]


async def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.app.state.backlog
    return shelf


Snapshots = Annotated[Shelf, Depends(_shelf)]


@router.get("")
async def read_backlog(
    _: Supervisor,
    db: Db,
    shelf: Snapshots,
    part: Part,
    after: After,
    level: Level = Level.PROVINCE,
    limit: Limit = 50,
) -> BacklogPage:
    """Per area and produce: open, at risk, hours left; the most at risk first."""
    as_of, rows = await service.areas(db, shelf, level, part, after, limit + 1)
    page = Page.of(rows, limit, lambda last: BacklogPlace(as_of, last.at_risk_g, last.key))
    return BacklogPage(as_of=as_of, items=[BacklogItem.of(row) for row in page.items], next=page.next)


@router.get("/lots")
async def list_backlog_lots(
    _: Supervisor, db: Db, session: Read, shelf: Snapshots, part: Part, after: After, limit: Limit = 50
) -> BacklogLotsPage:
    """The lots behind the figures, each with its forecast; the most at risk first."""
    as_of, rows = await service.lots(db, shelf, part, after, limit + 1)
    page = Page.of(rows, limit, lambda last: BacklogPlace(as_of, last.unsold_g, last.key))
    listings = await queries.lots_by_id(session, [row.id for row in page.items])
    items = [BacklogLot.of(row, listings[row.id]) for row in page.items]
    return BacklogLotsPage(as_of=as_of, items=items, next=page.next)


@router.get("/trend")
async def read_backlog_trend(
    _: Supervisor, session: Read, part: Part, days: Annotated[int, Query(ge=1, le=90)] = 14
) -> BacklogTrend:
    """Day by day: open, at risk, sold, spoiled."""
    today = local_day(await database_now(session))
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    found = await queries.trend(session, part, shown)
    return BacklogTrend(items=[BacklogDay.of(day, found[day]) for day in shown])
