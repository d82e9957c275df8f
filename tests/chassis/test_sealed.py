"""What never changes is answered from memory: to whom it was answered before, as long as their token is good."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.routing import BaseRoute

from chassis.app import create_app
from chassis.auth import AnyCaller
from chassis.db import Database
from chassis.metrics import HTTP_SECONDS
from chassis.routes import slice_router
from chassis.sealed import OWN_B, SEALED, Asked, SealedAnswers, SealedRoute
from tests.support.services import Issuer, client_of

router = slice_router("/v1/pages", tag="x", route_class=SealedRoute)
asked: list[UUID] = []
ROUTE = BaseRoute()


@router.get("/{number}")
async def page(caller: AnyCaller, number: int, limit: int = 3, q: str = "") -> Response:
    """The even ones are sealed."""
    asked.append(caller.account_id)
    body = f'{{"of":"{caller.account_id}","number":{number},"limit":{limit}}}'
    caching = SEALED if number % 2 == 0 else {"Cache-Control": "no-store"}
    return Response(body, media_type="application/json", headers=caching)


@pytest.fixture
def app(issuer: Issuer) -> FastAPI:
    asked.clear()
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/x")
    return create_app("x", db=nowhere, keys=issuer.keys, routers=[router])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def test_what_never_changes_is_found_out_once(client: httpx.AsyncClient, issuer: Issuer) -> None:
    caller = issuer.caller("platform")
    first = await client.get("/v1/pages/2", headers=caller)
    again = await client.get("/v1/pages/2", headers=caller)
    assert len(asked) == 1
    assert first.json()["number"] == 2
    own = {"x-request-id", "traceparent"}
    assert (again.content, {*again.headers.items()} - {*first.headers.items()}) == (
        first.content,
        {(name, again.headers[name]) for name in own},
    )


async def test_what_is_kept_is_answered_before_its_route_is_looked_for_and_timed_by_it(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = issuer.caller("platform")
    timed = HTTP_SECONDS.labels("x", "GET", "/v1/pages/{number}", "200")
    before = len(asked), timed._sum.get()
    await client.get("/v1/pages/2", headers=caller)
    found_out = timed._sum.get()

    async def nobody(*_: object) -> None:
        raise AssertionError("it was looked for")

    with monkeypatch.context() as patched:
        patched.setattr(app.router, "middleware_stack", nobody)
        page = await client.get("/v1/pages/2", headers=caller)
    assert (page.status_code, page.json()["number"], len(asked)) == (200, 2, before[0] + 1)
    assert timed._sum.get() > found_out > before[1]
    assert (await client.post("/v1/pages/2", headers=caller)).status_code == 405


async def test_what_may_change_is_found_out_each_time(client: httpx.AsyncClient, issuer: Issuer) -> None:
    caller = issuer.caller("platform")
    for _ in range(3):
        await client.get("/v1/pages/1", headers=caller)
    assert len(asked) == 3


async def test_another_token_path_or_query_is_another_question(client: httpx.AsyncClient, issuer: Issuer) -> None:
    one, other = uuid4(), uuid4()
    mine = issuer.caller("platform", one)
    assert (await client.get("/v1/pages/2", headers=mine)).json()["of"] == str(one)
    assert (await client.get("/v1/pages/2", headers=issuer.caller("platform", other))).json()["of"] == str(other)
    assert (await client.get("/v1/pages/4", headers=mine)).json()["number"] == 4
    assert (await client.get("/v1/pages/2?limit=7", headers=mine)).json()["limit"] == 7
    assert (await client.get("/v1/pages/2")).status_code == 401
    assert asked == [one, other, one, one]


async def test_a_token_that_has_ended_gets_nothing_more(
    client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token("platform", exp=datetime.now(UTC) + timedelta(minutes=5))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/v1/pages/2", headers=headers)).status_code == 200
    monkeypatch.setattr("chassis.auth.time.time", lambda: datetime.now(UTC).timestamp() + 301)
    assert (await client.get("/v1/pages/2", headers=headers)).status_code == 401


async def test_all_tokens_of_an_account_share_what_was_found_out(client: httpx.AsyncClient, issuer: Issuer) -> None:
    account = uuid4()
    for minutes in (5, 6):
        token = issuer.token("platform", account, exp=datetime.now(UTC) + timedelta(minutes=minutes))
        for spelling in (f"Bearer {token}", f"bearer  {token}"):
            page = await client.get("/v1/pages/2", headers={"Authorization": spelling})
            assert page.json()["of"] == str(account)
    assert asked == [account]


async def test_what_is_kept_has_a_bound_whatever_the_headers_and_queries_are(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    app.state.sealed = answers = SealedAnswers(kept_b=50_000)
    for number in range(0, 40, 2):
        token = issuer.caller("platform")["Authorization"].removeprefix("Bearer ")
        padded = {"Authorization": f"Bearer{' ' * 7000}{token}"}
        await client.get(f"/v1/pages/{number}", headers=padded)
        for length in (10, 2000, 9000):
            await client.get(f"/v1/pages/{number}?q={'y' * length}", headers=issuer.caller("platform"))
    held = [size_of(question) + len(body) for question, body in answers._bodies.items()]
    assert 0 < sum(held) <= 50_000
    assert max(len(question.query) for question in answers._bodies) == 2002


def size_of(question: Asked) -> int:
    return sum(sys.getsizeof(part) for part in question)


def a_question(path: str, query: bytes = b"") -> Asked:
    return Asked(UUID(int=1), "platform", path, query)


def test_the_latest_are_kept_up_to_so_many_bytes() -> None:
    each_b = OWN_B + 2 + 10
    answers = SealedAnswers(kept_b=3 * each_b)
    one, two, three, four = (a_question(f"/{number}") for number in range(4))
    for each in (one, two, three):
        answers.keep(each, b"x" * 10, ROUTE)
    assert answers.get(one) == b"x" * 10
    answers.keep(four, b"y" * 10, ROUTE)
    assert [answers.get(each) is None for each in (one, two, three, four)] == [False, True, False, False]
    answers.keep(four, b"y" * 10, ROUTE)
    assert answers.get(three) == b"x" * 10, "the same again took no more room"
    answers.keep(two, b"z" * 3 * each_b, ROUTE)
    assert [answers.get(each) for each in (one, two, three, four)] == [None] * 4


def test_what_was_asked_takes_room_too_and_what_was_asked_at_length_is_not_kept() -> None:
    answers = SealedAnswers(kept_b=10_000)
    questions = [a_question("/", b"%04d" % number * 500) for number in range(10)]
    for each in questions:
        answers.keep(each, b"x", ROUTE)
    assert [answers.get(each) for each in questions] == [None] * 7 + [b"x"] * 3
    for too_long in (a_question("/", b"x" * 2048), a_question("/" + "x" * 2048), a_question("果" * 700)):
        answers.keep(too_long, b"x", ROUTE)
        assert answers.get(too_long) is None


def test_a_path_of_which_nothing_is_kept_any_more_is_forgotten() -> None:
    answers = SealedAnswers(kept_b=2 * (OWN_B + 10))
    for number in range(3):
        answers.keep(a_question("/a", b"%d" % number), b"x", ROUTE)
    assert answers.route_of("/a") is ROUTE
    for number in range(2):
        answers.keep(a_question("/b", b"%d" % number), b"x", ROUTE)
    assert (answers.route_of("/a"), answers.route_of("/b"), len(answers._paths)) == (None, ROUTE, 1)
