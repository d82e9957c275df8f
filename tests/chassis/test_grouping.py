"""Requests that share a transaction: each has its own answer, its own mistake and its own key."""

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated
from uuid import uuid4

import httpx
import pytest
from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import func, insert, select, text

from chassis.app import create_app
from chassis.auth import AnyCaller, Caller
from chassis.db import Database, WriteSession
from chassis.grouping import Group, group_of
from chassis.problems import NotFound, Problem
from chassis.routes import slice_router
from tests.chassis.conftest import NOTES
from tests.support.services import Issuer, client_of

Requests = Sequence[tuple[Caller, int]]


class Scene:
    """A service that writes notes; `transactions` are the sizes of those it ran. -1 is never found, and undoes all; -2
    is not, either, and is refused by itself."""

    def __init__(self) -> None:
        self.transactions: list[int] = []
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def write(self, session: WriteSession, requests: Requests) -> list[Response | Problem]:
        self.transactions.append(len(requests))
        await self.may_go.wait()
        if any(number == -1 for _, number in requests):
            raise NotFound()
        rows = [{"id": number, "text": caller.role} for caller, number in requests if number != -2]
        if rows:
            await session.execute(insert(NOTES), rows)
        xid = await session.scalar(select(func.txid_current()))
        return [NotFound() if each == -2 else JSONResponse({"number": each, "xid": xid}) for _, each in requests]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def app(db: Database, issuer: Issuer, scene: Scene) -> FastAPI:
    router = slice_router("/v1/notes", tag="notes")

    @router.post("")
    async def write(number: Annotated[int, Body(embed=True)], caller: AnyCaller, request: Request) -> Response:
        return await group_of(request, "notes", scene.write, limit=50).submit(request, caller, number)

    return create_app("test", db=db, keys=issuer.keys, routers=[router])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as http:
        yield http


Post = Callable[..., "asyncio.Task[httpx.Response]"]


@pytest.fixture
def post(client: httpx.AsyncClient, issuer: Issuer) -> Post:
    caller = issuer.caller("carrier")

    def post(number: int, key: str | None = None) -> "asyncio.Task[httpx.Response]":
        headers = caller if key is None else caller | {"Idempotency-Key": key}
        return asyncio.create_task(client.post("/v1/notes", json={"number": number}, headers=headers))

    return post


async def written(db: Database) -> set[int]:
    async with db.reading() as session:
        return set((await session.scalars(select(NOTES.c.id))).all())


async def behind_one(scene: Scene, post: Post, *wanted: tuple[int, str | None]) -> list[httpx.Response]:
    """Let these requests wait behind one that runs, so that they come to one group; their answers."""
    scene.may_go.clear()
    first = post(1000)
    while not scene.transactions:
        await asyncio.sleep(0.01)
    waiting = [post(number, key) for number, key in wanted]
    await asyncio.sleep(0.2)
    scene.may_go.set()
    assert (await first).status_code == 200
    return list(await asyncio.gather(*waiting))


async def test_a_request_alone_does_not_wait(post: Post, scene: Scene, db: Database) -> None:
    assert (await post(1)).json()["number"] == 1
    assert (scene.transactions, await written(db)) == ([1], {1})


async def test_what_waits_shares_a_transaction_and_each_has_its_own_answer(
    post: Post, scene: Scene, db: Database
) -> None:
    answers = await behind_one(scene, post, *((number, None) for number in range(40)))
    assert [answer.json()["number"] for answer in answers] == list(range(40))
    assert len({answer.json()["xid"] for answer in answers}) == 1
    assert scene.transactions == [1, 40]
    assert await written(db) == {*range(40), 1000}


async def test_who_is_refused_alone_costs_the_others_nothing_and_is_not_remembered(
    post: Post, scene: Scene, db: Database
) -> None:
    first, refused, last = await behind_one(scene, post, (1, "a"), (-2, "b"), (3, "c"))
    assert (first.status_code, refused.status_code, last.status_code) == (200, 404, 200)
    assert scene.transactions == [1, 3], "in one go, and none of them again"
    assert await written(db) == {1, 3, 1000}
    again = [await post(1, "a"), await post(-2, "b")]
    assert [answer.headers.get("idempotent-replayed") for answer in again] == ["true", None]


async def test_a_group_is_no_larger_than_its_limit(post: Post, scene: Scene) -> None:
    await behind_one(scene, post, *((number, None) for number in range(120)))
    assert scene.transactions == [1, 50, 50, 20]


async def test_a_mistake_is_its_own_makers_alone(post: Post, scene: Scene, db: Database) -> None:
    answers = await behind_one(scene, post, (1, None), (-1, None), (2, None))
    assert [answer.status_code for answer in answers] == [200, 404, 200]
    assert scene.transactions == [1, 3, 1, 1, 1]
    assert await written(db) == {1, 2, 1000}


async def test_a_failure_of_one_is_not_the_others(post: Post, scene: Scene, db: Database) -> None:
    answers = await behind_one(scene, post, (1, None), (1000, None))
    assert [answer.status_code for answer in answers] == [200, 500]
    assert await written(db) == {1, 1000}


async def test_a_key_is_honoured_within_a_group_and_after_it(post: Post, scene: Scene, db: Database) -> None:
    first, same, other = await behind_one(scene, post, (1, "a"), (1, "a"), (2, "b"))
    assert [first.status_code, same.status_code, other.status_code] == [200, 409, 200]
    again = await post(1, "a")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await post(3, "a")).json()["type"] == "/problems/idempotency-key-reused"
    assert await written(db) == {1, 2, 1000}


async def test_who_hung_up_stops_nobody(post: Post, scene: Scene, db: Database) -> None:
    scene.may_go.clear()
    running = post(1)
    while not scene.transactions:
        await asyncio.sleep(0.01)
    gone, stays = post(2), post(3)
    await asyncio.sleep(0.1)
    running.cancel()
    gone.cancel()
    scene.may_go.set()
    assert (await stays).status_code == 200
    assert await written(db) == {1, 3}


async def test_a_database_that_is_away_is_told_to_all_at_once(
    app: FastAPI, post: Post, scene: Scene, db: Database
) -> None:
    scene.may_go.clear()
    waiting = [post(1)]
    while not scene.transactions:
        await asyncio.sleep(0.01)
    waiting += [post(number) for number in (2, 3)]
    await asyncio.sleep(0.1)
    group: Group[int] = app.state.groups["notes"]

    async def broken(session: WriteSession, requests: Requests) -> list[Response]:
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return []

    group._do = broken
    scene.may_go.set()
    answers = await asyncio.gather(*waiting)
    assert [answer.status_code for answer in answers] == [200, 503, 503]


async def test_a_key_within_a_group_is_one_callers_own(
    client: httpx.AsyncClient, issuer: Issuer, post: Post, scene: Scene
) -> None:
    callers = [issuer.caller("carrier") | {"Idempotency-Key": "a"} for _ in range(2)]
    scene.may_go.clear()
    first = post(1000)
    while not scene.transactions:
        await asyncio.sleep(0.01)
    waiting = [
        asyncio.create_task(client.post("/v1/notes", json={"number": number}, headers=caller))
        for number, caller in enumerate(callers)
    ]
    await asyncio.sleep(0.1)
    scene.may_go.set()
    answers = await asyncio.gather(first, *waiting)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert scene.transactions == [1, 2]


async def test_repeats_and_reused_keys_in_a_group_are_answered_beside_the_new(
    post: Post, scene: Scene, db: Database
) -> None:
    first = await post(1, "a")
    scene.transactions.clear()
    repeat, reused, new = await behind_one(scene, post, (1, "a"), (2, "a"), (3, "b"))
    assert (repeat.content, repeat.headers["idempotent-replayed"]) == (first.content, "true")
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert new.status_code == 200
    assert scene.transactions == [1, 1], "only the new one is done"
    assert await written(db) == {1, 3, 1000}


async def test_a_key_that_runs_elsewhere_is_told_to_wait_and_holds_up_nobody(
    client: httpx.AsyncClient, issuer: Issuer, post: Post, scene: Scene, db: Database
) -> None:
    account_id = uuid4()
    digest = hashlib.sha256(f"{account_id}\0a".encode()).digest()
    headers = issuer.caller("carrier", account_id) | {"Idempotency-Key": "a"}
    async with db.transaction() as elsewhere:
        await elsewhere.scalar(select(func.pg_advisory_xact_lock(struct.unpack(">q", digest[:8])[0])))
        waits = await client.post("/v1/notes", json={"number": 1}, headers=headers)
        assert (waits.status_code, waits.headers["retry-after"]) == (409, "1")
        assert (await post(2)).status_code == 200
    assert (await client.post("/v1/notes", json={"number": 1}, headers=headers)).status_code == 200
    assert await written(db) == {1, 2}


async def test_what_was_refused_is_not_remembered_under_its_key(post: Post, scene: Scene, db: Database) -> None:
    refused = await behind_one(scene, post, (-1, "a"), (2, "b"))
    assert [answer.status_code for answer in refused] == [404, 200]
    again = await post(-1, "a")
    assert (again.status_code, "idempotent-replayed" in again.headers) == (404, False)
    kept = await post(2, "b")
    assert kept.headers["idempotent-replayed"] == "true"


async def test_one_of_a_key_twice_is_done_when_the_other_fails_with_its_group(
    post: Post, scene: Scene, db: Database
) -> None:
    """The group is undone for the -1; what was told to wait for its like is then tried by itself."""
    first, second, bad = await behind_one(scene, post, (1, "a"), (1, "a"), (-1, None))
    assert (first.status_code, bad.status_code) == (200, 404)
    assert (second.status_code, second.content) == (200, first.content), "it has the answer of its like"
    assert await written(db) == {1, 1000}


class Sizes:
    """A group outside of any application, of work that has sizes; `taken` are the groups as they were done."""

    def __init__(self, db: Database, limit: int) -> None:
        self.taken: list[list[int]] = []
        self.may_go = asyncio.Event()
        self.group: Group[int] = Group(db, self._do, limit)
        self.caller = Caller(account_id=uuid4(), role="carrier")

    async def _do(self, session: WriteSession, requests: Requests) -> list[Response]:
        self.taken.append([size for _, size in requests])
        await self.may_go.wait()
        return [Response(str(size)) for _, size in requests]

    def submit(self, size: int) -> "asyncio.Task[Response]":
        request = Request({"type": "http", "headers": []})
        return asyncio.create_task(self.group.submit(request, self.caller, size, size))

    async def has_begun(self) -> None:
        while not self.taken:
            await asyncio.sleep(0.005)


async def test_sizes_bound_what_is_taken_together_and_the_order_is_kept(db: Database) -> None:
    sizes = Sizes(db, limit=10)
    waiting = [sizes.submit(1)]
    await sizes.has_begun()
    waiting += [sizes.submit(size) for size in (4, 6, 1, 25, 3, 8, 10)]
    await asyncio.sleep(0)
    sizes.may_go.set()
    answers = await asyncio.gather(*waiting)
    assert [int(bytes(answer.body)) for answer in answers] == [1, 4, 6, 1, 25, 3, 8, 10]
    assert sizes.taken == [[1], [4, 6], [1], [25], [3], [8], [10]]


async def test_when_all_that_waited_hung_up_the_next_is_still_served(db: Database) -> None:
    sizes = Sizes(db, limit=10)
    first = sizes.submit(1)
    await sizes.has_begun()
    gone = [sizes.submit(2) for _ in range(3)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    sizes.may_go.set()
    await first
    assert bytes((await sizes.submit(5)).body) == b"5"
    assert sizes.taken == [[1], [5]], "what nobody waits for is not begun"
    assert all(each.cancelled() for each in gone)


async def test_the_group_works_on_after_it_had_nothing_to_do(db: Database) -> None:
    sizes = Sizes(db, limit=10)
    sizes.may_go.set()
    for size in (1, 2, 3):
        assert bytes((await sizes.submit(size)).body) == str(size).encode()
    assert sizes.taken == [[1], [2], [3]]


async def test_work_that_answers_for_too_few_fails_alone_and_writes_nothing(db: Database) -> None:
    async def forgetful(session: WriteSession, requests: Requests) -> list[Response]:
        await session.execute(insert(NOTES), [{"id": number, "text": "x"} for _, number in requests])
        return []

    group: Group[int] = Group(db, forgetful, limit=10)
    request = Request({"type": "http", "headers": []})
    with pytest.raises(ValueError, match="shorter"):
        await group.submit(request, Caller(account_id=uuid4(), role="carrier"), 1)
    assert await written(db) == set()


async def test_those_in_a_transaction_that_is_ended_from_outside_are_not_left_waiting(db: Database) -> None:
    sizes = Sizes(db, limit=10)
    waiting = sizes.submit(1)
    await sizes.has_begun()
    assert sizes.group._running is not None
    sizes.group._running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sizes.may_go.set()
    assert bytes((await sizes.submit(2)).body) == b"2"
