"""The one address of Duijie: accounts, reference data, pages, and the way through to every service."""

from collections.abc import Mapping
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from chassis.app import create_app
from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.health import Late
from chassis.vault import Vault
from gateway.accounts import api as accounts
from gateway.accounts.console import print_code
from gateway.accounts.service import SendCode, SignIn
from gateway.erased import ErasedAccounts, ErasedGuard
from gateway.fetch import fetch
from gateway.limits import Limits, ProofBrake, RateLimits
from gateway.openapi import Surface
from gateway.origins import NO_PROXIES, Proxies
from gateway.pages import api as pages
from gateway.patience import GRACE_S, Patience
from gateway.personal import api as personal
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.readers import ReadersGuard
from gateway.reference import api as reference
from gateway.routes import proxy_routes
from gateway.sessions import api as sessions
from gateway.shield import Shield
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Lives, Signer

SOURCE = "/duijie/gateway"
READY_WAIT_S = 3.0
AT_ONCE = 64  # fewer than a service takes: what is refused behind the gateway has cost its way through it


def create_gateway(
    db: Database,
    signer: Signer,
    vault: Vault,
    upstreams: Mapping[str, Upstream],
    *,
    send_code: SendCode = print_code,
    for_people: Lives = FOR_PEOPLE,
    for_machines: Lives = FOR_MACHINES,
    limits: Limits | None = None,
    proxies: Proxies = NO_PROXIES,
) -> FastAPI:
    """The gateway before `upstreams` (listing, matching, logistics). Who made those and `db` closes them.

    Without `limits` everyone may ask as often as they like.
    """
    keys = LocalKeys(signer.jwks)
    app = create_app(
        "gateway",
        db=db,
        keys=keys,
        routers=[
            accounts.router,
            sessions.router,
            personal.router,
            reference.router,
            pages.router,
            pages.sheets_router,
        ],
        checks={name: partial(_service_is_ready, upstream) for name, upstream in upstreams.items()},
        at_once=AT_ONCE,
    )
    app.add_middleware(Patience, grace_s=GRACE_S)
    if limits is not None:
        app.add_middleware(RateLimits, limits=limits, keys=keys, proxies=proxies)
    app.add_middleware(Shield, proxies=proxies)  # outermost, for a refusal has these headers too
    surface = Surface(app.openapi, upstreams)
    app.state.vault = vault
    app.state.sign_in = SignIn(vault, signer, send_code, for_people, for_machines)
    app.state.proof_brake = ProofBrake(limits)
    app.state.upstreams = upstreams
    app.state.erased = ErasedAccounts(
        db,
        max(for_people.access, for_machines.access),
        app.state.streams.end_of,  # a feed that is open ends, too
    )
    # innermost, so that a refusal is counted and has its ids
    app.user_middleware.append(Middleware(ErasedGuard, erased=app.state.erased, keys=keys))
    app.user_middleware.append(
        Middleware(ReadersGuard, streams=app.state.streams, address_of=lambda scope: proxies.origin(scope).address)
    )
    app.state.surface = surface

    async def openapi(_: Request) -> JSONResponse:
        return JSONResponse(await surface.document())

    # in front, since every service has these two for itself and the gateway's speak for all of them
    app.router.routes[:0] = [
        Route("/openapi.json", openapi),
        Route("/problems/{slug}", pages.problem),
    ]
    app.router.routes.extend([Mount("/static", pages.static_files()), *proxy_routes(upstreams)])
    return app


async def _service_is_ready(upstream: Upstream) -> str | None:
    """What the service says of itself, late or worse."""
    try:
        answer = await fetch(upstream, "/readyz", wait_s=READY_WAIT_S)
        told: dict[str, dict[str, str]] = answer.json()
    except ServiceUnavailable:
        return "the service does not answer"
    if answer.status == 200:
        late = "; ".join(told.get("late", {}).values())
        return Late(late) if late else None
    return "; ".join(told.get("reasons", {}).values()) or "the service is not ready"
