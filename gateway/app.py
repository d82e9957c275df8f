"""The one address of Duijie: accounts, reference data, pages, and the way through to every service."""

from collections.abc import Mapping
from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from chassis.app import create_app
from chassis.auth import KeySource, LocalKeys
from chassis.db import Database
from chassis.health import Late
from chassis.overload import OverloadGuard, Places
from chassis.vault import Vault
from gateway.accounts import api as accounts
from gateway.accounts.console import print_code
from gateway.accounts.service import SendCode, SignIn
from gateway.clients import api as clients
from gateway.erased import EndedSessions, ErasedAccounts, ErasedGuard
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
from gateway.personal.exporting import ExportPlaces
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.readers import ReadersGuard
from gateway.reference import api as reference
from gateway.routes import proxy_routes
from gateway.sessions import api as sessions
from gateway.shield import Shield
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Lives, Signer

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
    keys, places = LocalKeys(signer.jwks), Places(AT_ONCE)
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
    state, access = app.state, max(for_people.access, for_machines.access)
    state.vault, state.upstreams, state.guests, state.proxies = vault, upstreams, guests, proxies
    state.sign_in = SignIn(vault, signer, send_code, for_people, for_machines)
    state.proof_brake = ProofBrake(limits)
    state.exports = ExportPlaces()
    # a feed that is open ends, too
    state.erased = ErasedAccounts(db, access, state.streams.end_of)
    state.ended = EndedSessions(db, access, state.streams.end_of)
    state.surface = Surface(app.openapi, upstreams)
    state.reference = Reference()
    state.meanings = Meanings(upstreams)
    _guard(app, db=db, keys=keys, places=places, limits=limits, proxies=proxies)
    _route(app, upstreams)
    return app


def _guard(
    app: FastAPI, *, db: Database, keys: KeySource, places: Places, limits: Limits | None, proxies: Proxies
) -> None:
    """Put what every request goes through around the application: outermost first, as it stands here."""
    state = app.state
    app.user_middleware[:] = [
        # for a refusal has these headers, too
        Middleware(Shield, proxies=proxies),
        # around all that asks for the API costs; a page's reader is refused further in, by a page that knows them
        Middleware(OverloadGuard, service="gateway", places=places, guards=is_no_page),
        # around what refuses by a page
        Middleware(Packed),
        Middleware(Readable),
        # around the limits: they count the reader of a page as the account that it is
        Middleware(
            SignedIn,
            db=db,
            desk=state.sign_in,
            brake=state.proof_brake,
            keys=keys,
            erased=state.erased,
            proxies=proxies,
        ),
        *([Middleware(RateLimits, limits=limits, keys=keys, proxies=proxies)] if limits else []),
        Middleware(Patience, grace_s=GRACE_S),
        # of every application: overload for the pages, ids and times, streams
        *app.user_middleware,
        # behind those, so that a refusal is counted and has its ids
        Middleware(ErasedGuard, erased=state.erased, ended=state.ended, keys=keys),
        Middleware(ReadersGuard, streams=state.streams, address_of=lambda scope: proxies.origin(scope).address),
    ]


def _route(app: FastAPI, upstreams: Mapping[str, Upstream]) -> None:
    # in front, since every service has these two for itself and the gateway's speak for all of them
    app.router.routes[:0] = [
        Route("/openapi.json", app.state.surface.answer),
        Route("/problems", pages.problems),
        Route("/problems/{slug}", pages.problem),
    ]
    app.router.routes.extend([Mount("/static", static_files()), *proxy_routes(upstreams)])


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
