"""The public board, a lot's own page from which one orders, and what one county has."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from catalogue import places
from chassis.problems import NotFound
from chassis.routes import Db
from gateway.accounts.api import Desk
from gateway.limits import Brake
from gateway.pages.asking import Api
from gateway.pages.board import service
from gateway.pages.board.service import Outcome
from gateway.pages.board.views import BADGE_TURNS_H, Lot, read_both, read_lot
from gateway.pages.cookies import remember
from gateway.pages.forms import new_key
from gateway.pages.names import place_name
from gateway.pages.ordering import BUYERS, Line, Typed, TypedHere
from gateway.pages.reader import AnyReader, Reader, page_router
from gateway.pages.render import page
from gateway.pages.sharing import share_of
from gateway.proxy import ServiceUnavailable

router = page_router()

Words = Annotated[str | None, Query(max_length=100)]
Short = Annotated[str, Query(max_length=100)]


def _query(
    q: Words = None, produce: Words = None, province: Words = None, adcode: Words = None, after: Words = None
) -> dict[str, str]:
    """What the board is asked for. A county counts while it lies in the province that was chosen beside it: an empty
    one is everywhere, and without any there is no such choice, as in a link."""
    lies_there = province is None or (province and adcode and adcode.startswith(province))
    area = adcode if lies_there else province
    asked = {"q": q, "produce": produce, "adcode": area, "after": after}
    return {name: value for name, value in asked.items() if value}


@router.get("/board")
async def board(request: Request, query: Annotated[dict[str, str], Depends(_query)], reader: AnyReader) -> HTMLResponse:
    found, totals = await read_both(reader.api, query, reader.language)
    return page(request, "board/board.html", found.status, board=found, totals=totals, asked=query)


@router.get("/counties/{adcode}")
async def county(
    request: Request, adcode: Annotated[str, Path(max_length=6)], reader: AnyReader, after: Words = None
) -> HTMLResponse:
    place = _known(adcode)
    query = {"adcode": adcode, **({"after": after} if after else {})}
    found, totals = await read_both(reader.api, query, reader.language, adcode=adcode)
    share = share_of(request, f"/counties/{adcode}")
    return page(request, "board/county.html", found.status, place=place, board=found, totals=totals, share=share)


def _known(adcode: str) -> places.Place:
    place = places.get(adcode)
    if place is None:
        raise NotFound()
    return place


async def _lot(listing_id: UUID, reader: AnyReader) -> Lot:
    return await read_lot(reader.api, listing_id, reader.language)


OneLot = Annotated[Lot, Depends(_lot)]


@router.get("/board/{listing_id}")
async def lot(
    request: Request, lot: OneLot, reader: AnyReader, to: Short = "", quantity: Short = "", adcode: Short = ""
) -> HTMLResponse:
    to = to or await _last_place(reader)
    typed = Typed(quantity=quantity, to=to, adcode=adcode, key=new_key(), drawn=f"{time.time():.0f}")
    return _shown(request, reader, lot, Outcome(await service.offer_of(reader.api, lot, typed)))


async def _last_place(reader: Reader) -> str:
    """Where this reader's last order went; nowhere while that can't be read, for one may look at a lot all the same."""
    if reader.caller is None or reader.caller.role not in BUYERS:
        return ""
    try:
        told = await reader.api.ask("/v1/orders", limit=1)
    except ServiceUnavailable:
        return ""
    return place_name(told.said["items"][0]["destination"]["adcode"]) if told.ok and told.said["items"] else ""


@router.get("/board/{listing_id}/price")
async def price(
    request: Request,
    lot: OneLot,
    reader: AnyReader,
    to: Short = "",
    adcode: Short = "",
    ceiling: Short = "",
    priced: Short = "",
) -> HTMLResponse:
    """The part of the form that depends on the place, for who has a script that puts it there."""
    typed = Typed(to=to.strip(), adcode=adcode, ceiling=ceiling, priced=priced)
    offer = await service.offer_of(reader.api, lot, typed)
    return page(request, "board/price.html", lot=lot, offer=offer)


def _signing(request: Request, reader: AnyReader, desk: Desk, db: Db, brake: Brake) -> service.Signing:
    def api_of(token: str) -> Api:
        return Api(request.app.state.upstreams, f"Bearer {token}", reader.language)

    return service.Signing(db, desk, brake, api_of)


@router.post("/board/{listing_id}")
async def order(
    request: Request,
    lot: OneLot,
    reader: AnyReader,
    typed: TypedHere,
    signing: Annotated[service.Signing, Depends(_signing)],
    phone: Line = "",
    code: Annotated[str | None, Form(max_length=20)] = None,
) -> Response:
    """`code` is there, empty or not, once one was asked for."""
    outcome = await service.order(reader, lot, typed, signing, phone.strip(), code)
    return _told(request, reader, lot, outcome, phone)


def _told(request: Request, reader: Reader, lot: Lot, outcome: Outcome, phone: str) -> Response:
    """On to the order, or the same page again; who proved the phone stays signed in either way."""
    response: Response = (
        RedirectResponse(f"/orders/{outcome.order_id}", 303)
        if outcome.order_id
        else _shown(request, reader, lot, outcome, phone)
    )
    if outcome.granted:
        remember(request, response, outcome.granted)
    return response


def _shown(request: Request, reader: Reader, lot: Lot, outcome: Outcome, phone: str = "") -> HTMLResponse:
    may_order = reader.caller is None or reader.caller.role in BUYERS
    return page(
        request,
        "board/lot.html",
        outcome.status,
        lot=lot,
        offer=outcome.offer,
        code=outcome.code,
        phone=phone,
        signed_in=reader.caller is not None or outcome.granted is not None,
        may_order=may_order,
        badge_turns_h=BADGE_TURNS_H,
        share=share_of(request, f"/board/{lot.id}"),
    )
