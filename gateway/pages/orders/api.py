"""`/orders`: what a buyer has asked for, what has come of it, and what they say to that."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from catalogue.produce import all_produce
from gateway.pages.forms import new_key
from gateway.pages.names import name_of, produce_name
from gateway.pages.ordering import Line, Typed, TypedHere
from gateway.pages.orders import service
from gateway.pages.orders.service import Act, Done, Wish
from gateway.pages.orders.views import LOOK_EVERY_S, Standing, read_orders, read_standing
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page
from gateway.pages.shown import by_name

router = page_router()
Buyer = Annotated[Reader, Depends(reader_who_is("citizen", "group_leader", "platform"))]
Short = Annotated[str, Query(max_length=100)]
Status = Literal["open", "filled", "cancelled", "expired"]
STATUSES: tuple[Status, ...] = ("open", "filled", "cancelled", "expired")


@router.get("/orders")
async def orders(
    request: Request, reader: Buyer, status: Status | None = None, after: UUID | None = None
) -> HTMLResponse:
    found = await read_orders(reader.api, status, str(after or ""), reader.language)
    return page(request, "orders/orders.html", orders=found, wanted=status, statuses=STATUSES, key=new_key())


@router.get("/orders/new")
async def new_order(request: Request, reader: Buyer, produce: Short = "", to: Short = "") -> HTMLResponse:
    what = produce_name(produce, reader.language)
    wish = Wish(Typed(to=to, key=new_key()), what=what, by=service.last_day(service.today()))
    return _form(request, reader, service.Form(wish))


def _wish(
    typed: TypedHere,
    what: Line = "",
    by: Line = "",
    basis: Annotated[Literal["delivered", "farm_gate"], Form()] = "delivered",
    grade: Annotated[Literal["A", "B", "C"], Form()] = "C",
) -> Wish:
    return Wish(typed, what, by, basis, grade)


@router.post("/orders/new")
async def place_order(request: Request, reader: Buyer, wish: Annotated[Wish, Depends(_wish)]) -> Response:
    form = await service.place(reader, wish)
    return _to(form.order_id) if form.order_id else _form(request, reader, form)


def _form(request: Request, reader: Reader, form: service.Form) -> HTMLResponse:
    kinds = sorted((name_of(each, reader.language) for each in all_produce()), key=by_name)
    return page(request, "orders/new.html", form.status, form=form, kinds=kinds, today=service.today().isoformat())


@router.get("/orders/{order_id}")
async def order(request: Request, reader: Buyer, order_id: UUID) -> HTMLResponse:
    return await _order(request, reader, order_id, Act(""), Done())


@router.get("/orders/{order_id}/state")
async def order_state(request: Request, reader: Buyer, order_id: UUID, seen: Short = "") -> Response:
    """The part of the page that changes by itself; 204 while it stands as it was seen."""
    standing = await read_standing(reader.api, order_id, reader.language, unless=seen)
    return _state(request, standing) if standing else Response(status_code=204)


def _act(
    action: Annotated[Literal["change", "cancel", "agree", "decline"], Form()],
    match_id: Annotated[UUID | None, Form()] = None,
    quantity: Line = "",
    ceiling: Line = "",
    version: Line = "",
    key: Line = "",
    words: Annotated[str, Form(max_length=1000)] = "",
) -> Act:
    return Act(action, quantity, ceiling, version, key or new_key(), str(match_id), words.strip())


@router.post("/orders/{order_id}")
async def act_on_order(
    request: Request, reader: Buyer, order_id: UUID, wanted: Annotated[Act, Depends(_act)]
) -> Response:
    done = await service.act(reader, order_id, wanted)
    return _to(order_id) if done.ok else await _order(request, reader, order_id, wanted, done)


async def _order(request: Request, reader: Reader, order_id: UUID, wanted: Act, done: Done) -> HTMLResponse:
    standing = await read_standing(reader.api, order_id, reader.language)
    return page(
        request,
        "orders/order.html",
        done.status,
        standing=standing,
        look_every_s=LOOK_EVERY_S,
        wanted=wanted,
        done=done,
        key=new_key(),
    )


def _state(request: Request, standing: Standing) -> HTMLResponse:
    return page(request, "orders/state.html", standing=standing, look_every_s=LOOK_EVERY_S, key=new_key())


def _to(order_id: object) -> Response:
    return RedirectResponse(f"/orders/{order_id}", 303)
