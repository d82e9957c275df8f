"""The application of a process: of a service's API and of its worker, wired the same way everywhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig

from chassis.auth import KeySource
from chassis.db import Database
from chassis.erasure import Erasures
from chassis.exception_handlers import answer_problems
from chassis.heads import HeadAsGet
from chassis.health import Check, database_answers, erasures_are_late, outbox_is_late, serve_health
from chassis.importing import FilePlaces
from chassis.metrics import serve_metrics
from chassis.overload import OverloadGuard, Places
from chassis.problems import NotFound, Problem
from chassis.routes import Route
from chassis.sealed import SealedAnswers, SealedGuard
from chassis.streams import OpenStreams, StreamGuard
from chassis.telemetry import RequestTelemetry

SPANS: TelemetryConfig = {"metrics": False, "logs": False, "operation_spans": False}
"""One span a request, where `chassis.tracing` sends them. FastAPI's own logs would tell what an error says."""


def create_app(
    name: str,
    *,
    db: Database,
    keys: KeySource,
    routers: Iterable[APIRouter],
    checks: Mapping[str, Check] | None = None,
    erasures: Erasures | None = None,
    places: Places | None = None,
) -> FastAPI:
    """The application of the service called `name`. Who made `db` closes it: a worker may share it.

    `erasures`: of a service that hears of erased accounts, none of which may write then; see `chassis.erasure`.
    `/readyz` asks for the database, and for `checks` by their names; it also tells of a late outbox and late erasures.
    It has `places` for so many requests at once, and answers 503 to more; see `chassis.overload`.
    """
    app = FastAPI(
        title=f"Duijie {name}",
        version="1",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # readable, and stable when a path is renamed
        telemetry=SPANS,
    )
    app.state.db = db
    app.state.keys = keys
    app.state.erasures = erasures
    app.state.groups = {}  # chassis.grouping
    app.state.sealed = SealedAnswers()
    app.state.streams = OpenStreams(name)
    app.state.imports = FilePlaces()
    app.router.route_class = Route
    app.add_middleware(HeadAsGet)
    app.add_middleware(SealedGuard)
    app.add_middleware(StreamGuard, streams=app.state.streams)
    app.add_middleware(RequestTelemetry, service=name)
    # outermost, for a refusal must cost little
    app.add_middleware(OverloadGuard, service=name, places=places or Places())
    answer_problems(app)
    _serve_operators(app, checks or {}, erasures)
    _serve_problem_pages(app)
    for router in routers:
        app.include_router(router)
    return app


def create_worker_app(name: str, db: Database, *, checks: Mapping[str, Check] | None = None) -> FastAPI:
    """What a worker process answers: `/healthz`, `/readyz` and `/metrics`, nothing else."""
    app = FastAPI(
        title=f"Duijie {name} worker",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={**SPANS, "tracing": False},
    )
    app.state.db = db
    app.add_middleware(HeadAsGet)
    answer_problems(app)
    _serve_operators(app, checks or {})
    return app


def _serve_operators(app: FastAPI, checks: Mapping[str, Check], erasures: Erasures | None = None) -> None:
    serve_metrics(app)
    # of `app.state`: a test gives its application the database of the next
    ours: dict[str, Check] = {
        "database": lambda: database_answers(app.state.db),
        "outbox": lambda: outbox_is_late(app.state.db),
    }
    if erasures is not None:
        ours["erasures"] = lambda: erasures_are_late(app.state.db, erasures)
    serve_health(app, ours, checks)


def _serve_problem_pages(app: FastAPI) -> None:
    """`/problems`: what the `type` of each problem says, in both languages; the gateway makes pages of them."""

    @app.get("/problems", include_in_schema=False)
    async def problems() -> JSONResponse:
        return JSONResponse({"items": [_said(slug, known) for slug, known in sorted(Problem.known().items())]})

    @app.get("/problems/{slug}", include_in_schema=False)
    async def problem(slug: str) -> JSONResponse:
        known = Problem.known().get(slug)
        if known is None:
            raise NotFound()
        return JSONResponse(_said(slug, known))


def _said(slug: str, known: type[Problem]) -> dict[str, Any]:
    texts = {"title": known.title._asdict(), "detail": known.detail._asdict()}
    return {"slug": slug, "status": known.status, **texts}
