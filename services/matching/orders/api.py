"""`/v1/orders`: a buyer asks for produce and keeps the order. Cancelling one stands with the matches it ends.

What is placed while a commit is under way shares the next one.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from catalogue.fields import ProduceSlug
from chassis.auth import Caller, only
from chassis.db import WriteSession
from chassis.fields import Limit, Page
from chassis.grouping import TOGETHER, created, group_of
from chassis.importing import AS_IMPORT, FileRoute
from chassis.problems import Problem
from chassis.routes import IdempotencyKey, IfMatch, Read, Write, set_etag, slice_router
from services.matching.orders import queries, service
from services.matching.orders.importing import IMPORTER
from services.matching.orders.models import Status
from services.matching.orders.schemas import NewOrder, OrderChange, OrderOut

router = slice_router("/v1/orders", tag="orders")
import_router = slice_router("/v1/orders", tag="orders", route_class=FileRoute)
Buyer = Annotated[Caller, Depends(only("platform", "group_leader", "citizen"))]


@router.post("", status_code=201, response_model=OrderOut)
async def place_order(new: NewOrder, caller: Buyer, request: Request, _: IdempotencyKey = None) -> Response:
    """Ask for produce."""
    return await group_of(request, "orders", _place, limit=TOGETHER).submit(request, caller, new)


@import_router.post("/import", **AS_IMPORT)
async def import_orders(caller: Buyer, request: Request, _: IdempotencyKey = None) -> Response:
    """Ask for produce by the file; a line of the answer tells of each row."""
    return await IMPORTER.take(request, caller)


@router.get("")
async def list_orders(
    caller: Buyer,
    session: Read,
    status: Status | None = None,
    produce: ProduceSlug | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[OrderOut]:
    """Your own orders, newest first."""
    rows = await queries.orders_of(
        session, caller.owner_id, status=status, produce=produce, before=after, limit=limit + 1
    )
    return Page.of([OrderOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/{order_id}")
async def read_order(order_id: UUID, caller: Buyer, session: Read, response: Response) -> OrderOut:
    """One of your orders, with its version as ETag."""
    order = await service.find(session, caller, order_id)
    set_etag(response, order.version)
    return OrderOut.of(order)


@router.patch("/{order_id}")
async def change_order(
    order_id: UUID, wanted: OrderChange, caller: Buyer, version: IfMatch, session: Write, response: Response
) -> OrderOut:
    """Change quantity, ceiling or window; If-Match carries the version you read."""
    order = await service.change(session, caller, order_id, version, wanted)
    set_etag(response, order.version)
    return OrderOut.of(order)


async def _place(session: WriteSession, requests: Sequence[tuple[Caller, NewOrder]]) -> list[Response | Problem]:
    orders = await service.place(session, requests)
    return [
        each if isinstance(each, Problem) else created(OrderOut.of(each), each.version, f"/v1/orders/{each.id}")
        for each in orders
    ]
