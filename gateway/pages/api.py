"""The pages: where to go, the reference, and what a problem means."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from chassis.auth import Caller, only
from chassis.problems import NotFound
from chassis.routes import Read, slice_router
from gateway.pages.account import api as account
from gateway.pages.account import texts as account_texts
from gateway.pages.backlog import api as backlog
from gateway.pages.backlog import texts as backlog_texts
from gateway.pages.board import api as board
from gateway.pages.board import texts as board_texts
from gateway.pages.carrier import api as carrier
from gateway.pages.carrier import texts as carrier_texts
from gateway.pages.farm import api as farm
from gateway.pages.farm import offline, queueing
from gateway.pages.farm import texts as farm_texts
from gateway.pages.operator import api as operator
from gateway.pages.operator import texts as operator_texts
from gateway.pages.orders import api as orders
from gateway.pages.orders import texts as orders_texts
from gateway.pages.partner import api as partner
from gateway.pages.partner import texts as partner_texts
from gateway.pages.payees import api as payees
from gateway.pages.payees import texts as payees_texts
from gateway.pages.problems import Meanings
from gateway.pages.programmes import api as programmes
from gateway.pages.programmes import texts as programmes_texts
from gateway.pages.reader import page_router
from gateway.pages.render import page
from gateway.pages.sheet import sheet_page
from gateway.pages.signing import api as signing
from gateway.pages.signing.guests import guests_for
from gateway.pages.texts import TEXTS

router = page_router()
sheets_router = slice_router("/v1/routes", tag="routes")


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    return page(request, "home.html", guests=guests_for(request))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    document = await request.app.state.surface.document()
    return page(request, "docs.html", reference=request.app.state.reference.html(request, document))


@sheets_router.get("/{plan_id}/sheet", response_class=HTMLResponse)
async def read_sheet(
    plan_id: UUID,
    caller: Annotated[Caller, Depends(only("carrier"))],
    request: Request,
    session: Read,
) -> HTMLResponse:
    """A planned route to print for its drivers, a page a vehicle: stops, masses, whom to ask for; phones are masked."""
    return await sheet_page(request, session, plan_id)


async def problem(request: Request) -> HTMLResponse:
    """`/problems/<slug>`, wherever it is drawn. In front of the routes, so it is no part of the router."""
    slug = request.path_params["slug"]
    known: Meanings = request.app.state.meanings
    about = (await known.all()).get(slug)
    if about is None:
        raise NotFound()
    return page(request, "problem.html", problem=about)


async def problems(request: Request) -> HTMLResponse:
    """All of them, with their titles in both languages: people search for either."""
    known: Meanings = request.app.state.meanings
    return page(request, "problems.html", problems=(await known.all()).values())


TEXTS.update(board_texts.TEXTS)
TEXTS.update(orders_texts.TEXTS)
TEXTS.update(account_texts.TEXTS)
TEXTS.update(backlog_texts.TEXTS)
TEXTS.update(operator_texts.TEXTS)
TEXTS.update(farm_texts.TEXTS)
TEXTS.update(programmes_texts.TEXTS)
TEXTS.update(carrier_texts.TEXTS)
TEXTS.update(partner_texts.TEXTS)
TEXTS.update(payees_texts.TEXTS)

routers = [
    router,
    sheets_router,
    signing.router,
    board.router,
    orders.router,
    account.router,
    backlog.router,
    operator.router,
    farm.router,
    queueing.router,
    offline.router,
    programmes.bank_router,
    programmes.router,
    payees.router,  # before the carrier's, which takes what stands there for the id of a statement
    carrier.router,
    partner.router,
]
"""Of every area of pages; each is a folder of its own."""
