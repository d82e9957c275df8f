"""A body that comes slowly holds no transaction open, and one that breaks off is no failure of ours."""

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import insert
from structlog.testing import capture_logs

from chassis.app import create_app
from chassis.auth import Caller, only
from chassis.db import Database
from chassis.routes import Write, slice_router
from chassis.telemetry import RequestTelemetry
from tests.chassis.conftest import ERASED, NOTES
from tests.support.http import BEGUN, BROKEN_OFF, ENDED, answered_as, posted
from tests.support.services import Issuer

KEYED = {"Idempotency-Key": "k", "Content-Length": "100"}

router = slice_router("/notes", tag="notes")
Producer = Annotated[Caller, Depends(only("producer"))]


class NewNote(BaseModel):
    text: str


@router.post("")
async def write_note(new: NewNote, caller: Producer, session: Write) -> None:
    await session.execute(insert(NOTES).values(text=new.text))


@router.post("/ring")
async def write_without_a_body(caller: Producer, session: Write) -> None:
    await session.execute(insert(NOTES).values(text="rung"))


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router], erasures=ERASED)


async def test_no_connection_waits_for_a_body_that_drips(app: FastAPI, db: Database, issuer: Issuer) -> None:
    sent: asyncio.Queue[Any] = asyncio.Queue()
    sent.put_nowait(BEGUN)
    headers = issuer.caller("producer") | KEYED | {"Content-Type": "text/plain"}
    asking = asyncio.create_task(posted(app, "/notes/ring", headers, sent))
    async with asyncio.timeout(5):
        while not sent.empty():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    sent.put_nowait(ENDED)
    assert (await asking)[0]["status"] == 200


@pytest.mark.parametrize(
    ("path", "media_type"), [("/notes", "application/json"), ("/notes", "text/plain"), ("/notes/ring", "text/plain")]
)
async def test_who_hangs_up_before_the_body_is_whole_is_no_failure(
    app: FastAPI, db: Database, issuer: Issuer, path: str, media_type: str
) -> None:
    before = answered_as(499, path), answered_as(500, path)
    headers = issuer.caller("producer") | KEYED | {"Content-Type": media_type}
    sent: asyncio.Queue[Any] = asyncio.Queue()
    for message in (BEGUN, BROKEN_OFF):
        sent.put_nowait(message)
    with capture_logs() as logs:
        await posted(app, path, headers, sent)
    assert [each["event"] for each in logs if each["log_level"] in {"warning", "error"}] == []
    assert (answered_as(499, path), answered_as(500, path)) == (before[0] + 1, before[1])
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_without_an_answer_it_was_the_client_that_had_gone_unless_something_failed() -> None:
    async def gone(scope: Any, receive: Any, send: Any) -> None:
        pass

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    before = answered_as(499, "unmatched"), answered_as(500, "unmatched")
    await posted(RequestTelemetry(gone, "test"), "/", {}, asyncio.Queue())
    with pytest.raises(RuntimeError):
        await posted(RequestTelemetry(failing, "test"), "/", {}, asyncio.Queue())
    assert (answered_as(499, "unmatched"), answered_as(500, "unmatched")) == (before[0] + 1, before[1] + 1)
