"""Every service has the same three addresses for those who run it, and a page for each problem."""

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from chassis.app import create_app, create_worker_app
from chassis.db import Database
from chassis.health import Check, Late
from chassis.problems import Problem
from tests.support.services import Issuer, client_of

WAITING = """
INSERT INTO outbox (topic, key, headers, value, created_at)
VALUES ('test.notes.v1', 'a', '', '', now() - make_interval(secs => :seconds))
"""


def app_with(db: Database, issuer: Issuer, **checks: Check) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[], checks=checks)


async def fine() -> str | None:
    return None


async def tired() -> str | None:
    return "it is tired"


async def slow() -> str | None:
    return Late("it is slow")


@pytest.fixture
def nowhere() -> Database:
    return Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none", source="/duijie/test")


async def test_it_is_ready_when_the_database_and_every_check_are(db: Database, issuer: Issuer) -> None:
    async with client_of(app_with(db, issuer, solver=fine)) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}, "late": {}})


async def test_it_says_everything_that_is_missing(nowhere: Database, issuer: Issuer) -> None:
    async with client_of(app_with(nowhere, issuer, solver=tired, roads=fine)) as client:
        answer = await client.get("/readyz")
        alive = await client.get("/healthz")
    reasons = {"database": "the database does not answer", "solver": "it is tired"}
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": reasons, "late": {}})
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})


async def test_checks_are_made_at_once(db: Database, issuer: Issuer) -> None:
    met = asyncio.Barrier(2)

    async def meet() -> str | None:
        async with asyncio.timeout(2):
            await met.wait()
        return None

    async with client_of(app_with(db, issuer, one=meet, other=meet)) as client:
        assert (await client.get("/readyz")).status_code == 200


async def test_a_problem_tells_its_texts_in_both_languages_and_others_are_not_found(
    db: Database, issuer: Issuer
) -> None:
    async with client_of(app_with(db, issuer)) as client:
        for slug in ("not-found", "idempotency-key-reused"):
            known = Problem.known()[slug]
            assert (await client.get(f"/problems/{slug}")).json() == {
                "slug": slug,
                "status": known.status,
                "title": {"zh": known.title.zh, "en": known.title.en},
                "detail": {"zh": known.detail.zh, "en": known.detail.en},
            }
        listed = {each["slug"]: each for each in (await client.get("/problems")).json()["items"]}
        assert listed.keys() == Problem.known().keys()
        assert listed["not-found"]["title"] == {"zh": "未找到", "en": "Not found"}
        missing = await client.get("/problems/no-such-problem")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")


async def test_what_runs_a_service_is_no_part_of_its_document(db: Database, issuer: Issuer) -> None:
    assert app_with(db, issuer).openapi()["paths"] == {}


async def test_a_worker_answers_those_who_run_it_and_nobody_else(db: Database) -> None:
    async with client_of(create_worker_app("test", db, checks={"solver": tired, "feed": slow})) as client:
        ready = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200
        assert "duijie_http_seconds" in (await client.get("/metrics")).text
        elsewhere = await client.get("/openapi.json")
    told = {"ready": False, "reasons": {"solver": "it is tired"}, "late": {"feed": "it is slow"}}
    assert (ready.status_code, ready.json()) == (503, told)
    assert (elsewhere.status_code, elsewhere.json()["type"]) == (404, "/problems/not-found")


async def test_an_event_that_waits_too_long_is_told_as_late_and_all_else_goes_on(db: Database, issuer: Issuer) -> None:
    async with db.transaction() as session:
        await session.execute(text(WAITING), {"seconds": 42})
    async with client_of(app_with(db, issuer)) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {
            "ready": True,
            "reasons": {},
            "late": {"outbox": "the oldest event has waited 42 s"},
        }
        async with db.transaction() as session:
            await session.execute(text("TRUNCATE outbox"))
            await session.execute(text(WAITING), {"seconds": 1})
        assert (await client.get("/readyz")).json()["late"] == {}
