"""A service that takes files, ten rows at a time."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from chassis import importing
from chassis.app import create_app
from chassis.auth import AnyCaller
from chassis.db import Database
from chassis.importing import AS_IMPORT, FileRoute
from chassis.routes import IdempotencyKey, Write, slice_router
from tests.chassis.conftest import ERASED
from tests.chassis.importing.scene import CSV, Scene, Thing
from tests.support.services import Issuer, client_of


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def app(db: Database, issuer: Issuer, scene: Scene) -> FastAPI:
    router = slice_router("/v1/things", tag="things", route_class=FileRoute)

    @router.post("/import", **AS_IMPORT)
    async def take(caller: AnyCaller, request: Request, _: IdempotencyKey = None) -> Response:
        return await scene.importer.take(request, caller)

    posts = slice_router("/v1/things", tag="things")

    @posts.post("", status_code=201)
    async def post(new: Thing, session: Write) -> Thing:
        return new

    return create_app("test", db=db, keys=issuer.keys, routers=[router, posts], erasures=ERASED)


@pytest.fixture
async def client(app: FastAPI, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as http:
        http.headers.update(issuer.caller("producer") | CSV)
        yield http


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
