"""The one address of Duijie: accounts, reference data, pages, and the way through to every service."""

from collections.abc import Mapping
from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from chassis.app import create_app
from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.health import Late
from chassis.overload import OverloadGuard, Places
from chassis.vault import Vault
from gateway.accounts import api as accounts
from gateway.accounts.console import print_code
from gateway.accounts.service import SendCode, SignIn
from gateway.clients import api as clients
from gateway.erased import ErasedAccounts, ErasedGuard
from gateway.fetch import fetch
from gateway.limits import Limits, ProofBrake, RateLimits
from gateway.openapi import Surface
from gateway.origins import NO_PROXIES, Proxies
from gateway.pages import api as pages
from gateway.pages.assets import static_files
from gateway.pages.cookies import SignedIn, is_no_page
from gateway.pages.packing import Packed
from gateway.pages.problems import Meanings
from gateway.pages.readable import Readable
from gateway.pages.reference import Reference
from gateway.pages.signing.guests import Guests, no_guests
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
    guests: Guests = no_guests,
) -> FastAPI:
    """The gateway before `upstreams` (listing, matching, logistics). Who made those and `db` closes them.

    Without `limits` everyone may ask as often as they like. `guests` are accounts that anybody on this machine may
    look through: those of the demonstration.
    """
    keys = LocalKeys(signer.jwks)
    places = Places(AT_ONCE)
    app = create_app(
        "gateway",
        db=db,
        keys=keys,
        routers=[
            accounts.router,
            sessions.router,
            clients.router,
            personal.router,
            reference.router,
            *pages.routers,
        ],
        checks={name: partial(_service_is_ready, upstream) for name, upstream in upstreams.items()},
        places=places,
    )
    app.add_middleware(Patience, grace_s=GRACE_S)
    if limits is not None:
        app.add_middleware(RateLimits, limits=limits, keys=keys, proxies=proxies)
    surface = Surface(app.openapi, upstreams)
    app.state.vault = vault
    app.state.sign_in = SignIn(vault, signer, send_code, for_people, for_machines)
    app.state.proof_brake = ProofBrake(limits)
    app.state.upstreams = upstreams
    app.state.guests = guests
    app.state.proxies = proxies
    app.state.erased = ErasedAccounts(
        db,
        max(for_people.access, for_machines.access),
        app.state.streams.end_of,  # a feed that is open ends, too
    )
    app.add_middleware(  # around the limits: they count the reader of a page as the account that it is
        SignedIn,
        db=db,
        desk=app.state.sign_in,
        brake=app.state.proof_brake,
        keys=keys,
        erased=app.state.erased,
        proxies=proxies,
    )
    app.add_middleware(Readable)
    app.add_middleware(Packed)  # around what refuses by a page
    # around all that asks for the API costs; a page's reader is refused further in, by a page that knows them
    app.add_middleware(OverloadGuard, service="gateway", places=places, guards=is_no_page)
    app.add_middleware(Shield, proxies=proxies)  # outermost, for a refusal has these headers too
    # innermost, so that a refusal is counted and has its ids
    app.user_middleware.append(Middleware(ErasedGuard, erased=app.state.erased, keys=keys))
    app.user_middleware.append(
        Middleware(ReadersGuard, streams=app.state.streams, address_of=lambda scope: proxies.origin(scope).address)
    )
    app.state.surface = surface
    app.state.reference = Reference()
    app.state.meanings = Meanings(upstreams)

    # in front, since every service has these two for itself and the gateway's speak for all of them
    app.router.routes[:0] = [
        Route("/openapi.json", surface.answer),
        Route("/problems", pages.problems),
        Route("/problems/{slug}", pages.problem),
    ]
    app.router.routes.extend([Mount("/static", static_files()), *proxy_routes(upstreams)])
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
