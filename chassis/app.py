"""The API process of a service: one FastAPI application, wired the same way everywhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import text

from chassis.auth import KeySource
from chassis.db import Database, is_transient
from chassis.problems import NotFound, Problem, answer_problems
from chassis.routes import Route
from chassis.telemetry import RequestTelemetry, serve_metrics

Check = Callable[[], Awaitable[str | None]]
"""Whether something that the process needs is there: None when it is, else the reason why not."""


def create_app(
    name: str,
    *,
    db: Database,
    keys: KeySource,
    routers: Iterable[APIRouter],
    checks: Mapping[str, Check] | None = None,
) -> FastAPI:
    """The application of the service called `name`. Who made `db` closes it: a worker may share it.

    `/readyz` asks for the database, and for `checks` by their names.
    """
    app = FastAPI(
        title=f"Duijie {name}",
        version="1",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # readable, and stable when a path is renamed
    )
    app.state.db = db
    app.state.keys = keys
    app.state.groups = {}  # chassis.grouping
    app.router.route_class = Route
    app.add_middleware(RequestTelemetry, service=name)
    answer_problems(app)
    serve_metrics(app)
    _serve_health(app, {"database": lambda: _database_answers(app.state.db), **(checks or {})})
    _serve_problem_pages(app)
    for router in routers:
        app.include_router(router)
    return app


async def _database_answers(db: Database) -> str | None:
    try:
        async with db.reading() as session:
            await session.execute(text("SELECT 1"))
    except Exception as error:
        if is_transient(error):
            return "the database does not answer"
        raise
    return None


def _serve_health(app: FastAPI, checks: Mapping[str, Check]) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        found = await asyncio.gather(*(check() for check in checks.values()))
        reasons = {name: reason for name, reason in zip(checks, found, strict=True) if reason is not None}
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)


def _serve_problem_pages(app: FastAPI) -> None:
    """`/problems/<slug>`: what the `type` of a problem says, in both languages; the gateway makes a page of it."""

    @app.get("/problems/{slug}", include_in_schema=False)
    async def problem(slug: str) -> JSONResponse:
        known = Problem.known().get(slug)
        if known is None:
            raise NotFound()
        texts = {"title": known.title._asdict(), "detail": known.detail._asdict()}
        return JSONResponse({"slug": slug, "status": known.status, **texts})
