"""`Idempotency-Key`: one caller, one key, one body, one effect; and how long that is remembered."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from sqlalchemy import event, func, insert, select, text, update

from chassis.app import create_app
from chassis.auth import Caller, only
from chassis.db import Database
from chassis.idempotency import KEPT, KEY_MAX, forget_old
from chassis.problems import NotFound
from chassis.routes import DbOnce, Write, set_etag, slice_router
from chassis.tables import IDEMPOTENCY
from tests.chassis.conftest import ERASED, NOTES
from tests.support.services import Issuer, client_of

router = slice_router("/notes", tag="notes")
Producer = Annotated[Caller, Depends(only("producer"))]


@router.post("", status_code=201)
async def write_note(body: dict[str, Any], caller: Producer, session: Write, response: Response) -> dict[str, str]:
    await session.execute(insert(NOTES).values(text="x"))
    set_etag(response, 7)
    response.headers["Location"] = "/notes/7"
    response.headers["X-Once"] = "first"
    return {"nonce": str(uuid4())}


@router.post("/elsewhere", status_code=201)
async def write_elsewhere(body: dict[str, Any], caller: Producer, session: Write) -> None:
    await session.execute(insert(NOTES).values(text="y"))


@router.post("/long")
async def compute(body: dict[str, Any], caller: Producer, db: DbOnce) -> dict[str, str]:
    async with db.transaction() as session:
        await session.execute(insert(NOTES).values(text="z"))
    if body.get("fail"):
        raise NotFound()
    return {"nonce": str(uuid4())}


@router.post("/nothing")
async def do_nothing(body: dict[str, Any], caller: Producer, db: DbOnce) -> dict[str, str]:
    return {}


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router])


async def count(db: Database, table: Any = NOTES) -> int:
    async with db.reading() as session:
        return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


def with_key(caller: dict[str, str], key: str = "k") -> dict[str, str]:
    return caller | {"Idempotency-Key": key}


async def test_a_repeat_gets_the_first_answer_with_its_headers(app: FastAPI, db: Database, issuer: Issuer) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        first = await client.post("/notes", json={"a": 1}, headers=mine)
        again = await client.post("/notes", json={"a": 1}, headers=mine)
    assert (again.status_code, again.content) == (201, first.content)
    assert {again.headers[name] for name in ("etag", "location")} == {'"7"', "/notes/7"}
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert "x-once" not in again.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"], "that is of the request, not of the answer"
    assert await count(db) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/notes", b'{"a":2}'), ("/notes", b'{"a": 1 }'), ("/notes/elsewhere", b'{"a": 1}'), ("/notes?x=1", b'{"a": 1}')],
    ids=["another body", "other bytes", "another address", "another query"],
)
async def test_a_key_is_for_one_request_alone(
    app: FastAPI, db: Database, issuer: Issuer, path: str, body: bytes
) -> None:
    mine = with_key(issuer.caller("producer")) | {"Content-Type": "application/json"}
    async with client_of(app) as client:
        assert (await client.post("/notes", content=b'{"a": 1}', headers=mine)).status_code == 201
        reused = await client.post(path, content=body, headers=mine | {"Accept-Language": "zh"})
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert "Idempotency-Key" in reused.json()["detail"]
    assert await count(db) == 1


async def test_two_callers_with_one_key_are_two_requests(app: FastAPI, db: Database, issuer: Issuer) -> None:
    async with client_of(app) as client:
        answers = [await client.post("/notes", json={}, headers=with_key(issuer.caller("producer"))) for _ in range(2)]
    assert answers[0].json() != answers[1].json()
    assert await count(db) == 2


async def test_without_a_key_a_repeat_is_a_second_request(app: FastAPI, db: Database, issuer: Issuer) -> None:
    caller = issuer.caller("producer")
    async with client_of(app) as client:
        for _ in range(2):
            assert (await client.post("/notes", json={}, headers=caller)).status_code == 201
    assert (await count(db), await count(db, IDEMPOTENCY)) == (2, 0)


@pytest.mark.parametrize("key", ["", "x" * (KEY_MAX + 1)])
async def test_a_key_that_is_none_names_the_header(app: FastAPI, db: Database, issuer: Issuer, key: str) -> None:
    async with client_of(app) as client:
        answer = await client.post("/notes", json={}, headers=with_key(issuer.caller("producer"), key))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/header/Idempotency-Key")
    assert await count(db) == 0


async def test_the_longest_key_is_taken(app: FastAPI, db: Database, issuer: Issuer) -> None:
    mine = with_key(issuer.caller("producer"), "x" * KEY_MAX)
    async with client_of(app) as client:
        answers = [await client.post("/notes", json={}, headers=mine) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert await count(db) == 1


async def test_refusals_are_not_remembered(app: FastAPI, db: Database, issuer: Issuer) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        refused = [
            await client.post("/notes", json=[], headers=mine),
            await client.post("/notes", json={}, headers=with_key(issuer.caller("carrier"))),
            await client.post("/notes", json={}, headers={"Idempotency-Key": "k"}),
        ]
        assert [answer.status_code for answer in refused] == [422, 403, 401]
        assert await count(db, IDEMPOTENCY) == 0
        assert (await client.post("/notes", json={}, headers=mine)).status_code == 201


async def test_an_answer_is_kept_at_least_a_day_and_forgotten_after_its_time(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    assert timedelta(hours=24) <= KEPT
    mine = with_key(issuer.caller("producer"))

    async def age(by: timedelta) -> None:
        async with db.transaction() as session:
            await session.execute(update(IDEMPOTENCY).values(created_at=func.now() - by))
        await forget_old(db)

    async with client_of(app) as client:
        first = await client.post("/notes", json={}, headers=mine)
        await age(KEPT - timedelta(minutes=1))
        assert (await client.post("/notes", json={}, headers=mine)).content == first.content
        await age(KEPT + timedelta(minutes=1))
        assert (await client.post("/notes", json={}, headers=mine)).content != first.content
    assert await count(db) == 2


async def test_work_outside_a_transaction_is_remembered_once_it_is_done(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        assert (await client.post("/notes/long", json={"fail": True}, headers=mine)).status_code == 404
        first = await client.post("/notes/long", json={}, headers=mine)
        assert (await client.post("/notes/long", json={}, headers=mine)).content == first.content
        other = await client.post("/notes/long", json={"fail": False}, headers=mine)
        assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert await count(db) == 2


async def test_of_two_at_work_outside_a_transaction_with_one_key_the_first_to_end_answers_both(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        together = await asyncio.gather(*(client.post("/notes/long", json={}, headers=mine) for _ in range(8)))
        later = await client.post("/notes/long", json={}, headers=mine)
    assert {(each.status_code, each.content) for each in together} == {(later.status_code, later.content)}
    assert await count(db, IDEMPOTENCY) == 1
    assert await count(db) > 1, "they were at work at once"


async def test_of_two_bodies_at_work_with_one_key_the_later_to_end_is_refused(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        together = await asyncio.gather(*(client.post("/notes/long", json={"n": n}, headers=mine) for n in range(8)))
    assert sorted(each.status_code for each in together) == [200] + [422] * 7
    assert await count(db, IDEMPOTENCY) == 1


async def test_a_write_whose_key_went_to_other_work_meanwhile_is_undone(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    mine = with_key(issuer.caller("producer"))
    async with client_of(app) as client:
        async with db.transaction() as session:
            await session.execute(text("LOCK TABLE notes IN EXCLUSIVE MODE"))
            writing = asyncio.create_task(client.post("/notes", json={}, headers=mine))
            await asyncio.sleep(0.2)  # it has the key, and waits for the table
            elsewhere = await client.post("/notes/nothing", json={}, headers=mine)
            assert elsewhere.status_code == 200
        answer = await writing
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await count(db) == 0


async def test_many_keys_at_once_do_not_stand_in_each_others_way(app: FastAPI, db: Database, issuer: Issuer) -> None:
    caller = issuer.caller("producer")

    async def post(client: httpx.AsyncClient, number: int) -> int:
        return (await client.post("/notes", json={}, headers=with_key(caller, f"k{number}"))).status_code

    async with client_of(app) as client:
        statuses = await asyncio.gather(*(post(client, number) for number in range(15)))
    assert (set(statuses), await count(db)) == ({201}, 15)


async def test_long_work_is_looked_up_in_one_transaction_and_kept_in_another(db: Database, issuer: Issuer) -> None:
    app = create_app("test", db=db, keys=issuer.keys, routers=[router], erasures=ERASED)
    mine = with_key(issuer.caller("producer"))
    connections: list[None] = []
    event.listen(db.engine.sync_engine.pool, "checkout", lambda *_: connections.append(None))
    async with client_of(app) as client:
        for expected in (2, 3):  # a repetition is only looked up
            answer = await client.post("/notes/nothing", json={}, headers=mine)
            assert (answer.status_code, answer.json(), len(connections)) == (200, {}, expected)
