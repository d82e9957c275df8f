"""How a request meets the database: the commit comes before the first byte of the answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import func, insert, select
from starlette.types import Message

from chassis.app import create_app
from chassis.auth import Caller, only
from chassis.db import Database
from chassis.known import UNLESS_KNOWN
from chassis.problems import MalformedJson, NotFound, Problem
from chassis.routes import (
    BODY_LIMIT_B,
    IfMatch,
    Read,
    Write,
    set_etag,
    slice_router,
)
from chassis.strict_json import MAX_DEPTH, parse_strictly
from tests.chassis.conftest import NOTES
from tests.support.services import Issuer, client_of

router = slice_router("/notes", tag="notes")


class NewNote(BaseModel):
    text: str
    fail: bool = False
    wait_s: float = 0


@router.post("", status_code=201)
async def write_note(
    new: NewNote, caller: Annotated[Caller, Depends(only("producer"))], session: Write, response: Response
) -> dict[str, Any]:
    number = (await session.scalars(insert(NOTES).values(text=new.text).returning(NOTES.c.id))).one()
    await asyncio.sleep(new.wait_s)
    if new.fail:
        raise NotFound()
    set_etag(response, 1)
    return {"id": number, "by": caller.account_id, "nonce": str(uuid4())}


@router.get("")
async def count_notes(session: Read) -> int:
    return (await session.execute(select(func.count()).select_from(NOTES))).scalar_one()


@router.get("/broken")
async def break_down() -> None:
    raise RuntimeError("a secret of the inside")


@router.get("/whole", dependencies=[UNLESS_KNOWN])
@router.get("/partly", include_in_schema=False)
async def read_whole(response: Response) -> dict[str, int]:
    set_etag(response, 7)
    return {"version": 7}


@router.get("/version")
async def read_version(version: IfMatch) -> int | None:
    return version


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router])


async def written(db: Database) -> int:
    async with db.reading() as session:
        return await count_notes(session)


async def test_the_commit_comes_before_the_first_byte(app: FastAPI, db: Database, issuer: Issuer) -> None:
    seen_at_start: list[int] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen_at_start.append(await written(db))
            await send(message)

        await app(scope, receive, look)

    transport = httpx.ASGITransport(app=watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://duijie.test") as client:
        answer = await client.post("/notes", json={"text": "a"}, headers=issuer.caller("producer"))
    assert answer.status_code == 201
    assert seen_at_start == [1]


async def test_a_refusal_leaves_nothing_and_no_memory_of_its_key(app: FastAPI, db: Database, issuer: Issuer) -> None:
    headers = issuer.caller("producer") | {"Idempotency-Key": "k"}
    async with client_of(app) as client:
        refused = await client.post("/notes", json={"text": "a", "fail": True}, headers=headers)
        assert (refused.status_code, await written(db)) == (404, 0)
        taken = await client.post("/notes", json={"text": "a"}, headers=headers)
        assert (taken.status_code, await written(db)) == (201, 1)


async def test_fifty_at_once_with_one_key_are_one_effect_and_equal_bytes(
    app: FastAPI, db: Database, issuer: Issuer
) -> None:
    headers = issuer.caller("producer") | {"Idempotency-Key": "k"}

    async def post_until_told(client: httpx.AsyncClient) -> bytes:
        while True:
            answer = await client.post("/notes", json={"text": "a", "wait_s": 0.2}, headers=headers)
            if answer.status_code == 201:
                return answer.content
            assert answer.status_code in {409, 503}, answer.text
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(0.05)

    async with client_of(app) as client:
        answers = await asyncio.gather(*(post_until_told(client) for _ in range(50)))
    assert len(set(answers)) == 1
    assert await written(db) == 1


async def test_while_the_first_still_runs_the_key_is_taken(app: FastAPI, issuer: Issuer) -> None:
    headers = issuer.caller("producer") | {"Idempotency-Key": "k"}
    async with client_of(app) as client:
        slow = asyncio.create_task(client.post("/notes", json={"text": "a", "wait_s": 1}, headers=headers))
        await asyncio.sleep(0.3)
        early = await client.post("/notes", json={"text": "a", "wait_s": 1}, headers=headers)
        assert (early.status_code, early.json()["type"]) == (409, "/problems/still-running")
        assert (await slow).status_code == 201


async def test_a_failure_shows_nothing_of_the_inside(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/notes/broken")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in answer.text


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(issuer: Issuer) -> None:
    gone = Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none", source="/duijie/test")
    async with client_of(create_app("test", db=gone, keys=issuer.keys, routers=[router])) as client:
        answer = await client.post("/notes", json={"text": "a"}, headers=issuer.caller("producer"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ('"7"', 200),
        ("7", 200),
        ('W/"7"', 200),
        (None, 428),
        ("*", 200),
        ("x", 400),
        ("", 400),
        ('"1', 400),
        ("1.0", 400),
    ],
)
async def test_if_match_is_quoted_or_bare(app: FastAPI, value: str | None, status: int) -> None:
    async with client_of(app) as client:
        answer = await client.get("/notes/version", headers={} if value is None else {"If-Match": value})
    assert answer.status_code == status
    assert status != 200 or answer.json() == (None if value == "*" else 7)


@pytest.mark.parametrize(
    ("known", "status"),
    [('"7"', 304), ('W/"7"', 304), ("*", 304), ('"6", "7"', 304), ('"6"', 200), ("7", 200), ("", 200), (None, 200)],
)
async def test_who_has_it_already_is_told_so_without_a_body(app: FastAPI, known: str | None, status: int) -> None:
    async with client_of(app) as client:
        answer = await client.get("/notes/whole", headers={} if known is None else {"If-None-Match": known})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"7"')
    assert (answer.content == b"", "content-type" in answer.headers) == (status == 304, status == 200)


async def test_an_etag_that_does_not_count_all_that_is_shown_makes_no_304(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/notes/partly", headers={"If-None-Match": '"7"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"7"')


async def test_a_version_that_is_none_names_its_header(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/notes/version", headers={"If-Match": "seven", "Accept-Language": "zh"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-header")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#/header/If-Match"
    assert "*" in error["detail"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_of_another_type_is_told_which_one_is_expected(
    app: FastAPI, issuer: Issuer, db: Database, media_type: str | None
) -> None:
    headers = issuer.caller("producer") | ({"Content-Type": media_type} if media_type else {})
    async with client_of(app) as client:
        answer = await client.post("/notes", content=b'{"text": "a"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "application/json" in answer.json()["detail"]
    assert (media_type or "—") in answer.json()["detail"]
    assert await written(db) == 0


def test_a_key_that_is_heeded_stands_in_the_document(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    (header,) = [each for each in paths["/notes"]["post"]["parameters"] if each["in"] == "header"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    assert "parameters" not in paths["/notes"]["get"]


async def test_request_ids_are_taken_or_made_and_come_back(app: FastAPI) -> None:
    async with client_of(app) as client:
        mine = await client.get(
            "/notes", headers={"X-Request-Id": "mine", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        )
        assert (mine.headers["x-request-id"], mine.headers["traceparent"][3:7]) == ("mine", "aaaa")
        made = await client.get("/notes")
        assert made.headers["x-request-id"]
        assert made.headers["traceparent"].startswith("00-")


async def test_metrics_count_answers_by_route_not_by_address(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/notes")
        text = (await client.get("/metrics")).text
    assert 'duijie_http_seconds_count{method="GET",route="/notes",service="test",status="200"}' in text


async def test_every_problem_has_a_page(app: FastAPI) -> None:
    async with client_of(app) as client:
        for slug in Problem.known():
            page = await client.get(f"/problems/{slug}")
            assert page.status_code == 200
            assert Problem.known()[slug].title.zh in page.text
        assert (await client.get("/problems/no-such")).status_code == 404


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_any_sound_json_is_read_as_it_is(value: Any) -> None:
    import json

    assert parse_strictly(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_by_name(body: bytes) -> None:
    try:
        parse_strictly(body)
    except MalformedJson:
        return


def test_depth_is_counted_to_the_limit() -> None:
    assert parse_strictly(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    with pytest.raises(MalformedJson):
        parse_strictly(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    with pytest.raises(MalformedJson):
        parse_strictly(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


@router.get("/named/{name}")
async def read_named(name: str, q: str = "") -> str:
    return name + q


@pytest.mark.parametrize("path", ["/notes/named/a%00b", "/notes/named/%00", "/notes/%00"])
async def test_a_nul_in_an_address_is_not_found(app: FastAPI, path: str) -> None:
    async with client_of(app) as client:
        assert (await client.get(path)).status_code == 404


async def test_a_nul_in_a_query_names_its_parameter_in_both_languages(app: FastAPI) -> None:
    async with client_of(app) as client:
        answers = [
            await client.get("/notes/named/a?q=%00&x=1&y=%00", headers={"Accept-Language": language})
            for language in ("zh", "en")
        ]
        fine = await client.get("/notes/named/a?q=b")
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/query/q", "#/query/y"]
    assert answers[0].json()["errors"] != answers[1].json()["errors"]
    assert fine.json() == "ab"


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", "application/a+json"])
@pytest.mark.parametrize("body", [b"{", b'{"text": NaN}', b"\xff", b"[" * 33 + b"]" * 33, b'{"a": 1, "a": 2}'])
async def test_malformed_json_is_422_under_every_name_of_json(
    app: FastAPI, issuer: Issuer, db: Database, media_type: str, body: bytes
) -> None:
    async with client_of(app) as client:
        headers = issuer.caller("producer") | {"Content-Type": media_type}
        answer = await client.post("/notes", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json")
    assert await written(db) == 0


async def test_a_body_that_lies_about_its_length_or_says_none_ends_at_the_limit(app: FastAPI, issuer: Issuer) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    headers = issuer.caller("producer") | {"Content-Type": "application/json"}
    async with client_of(app) as client:
        unsaid = await client.post("/notes", content=endless(), headers=headers)
        said = await client.post("/notes", content=b"x" * (BODY_LIMIT_B + 1), headers=headers)
        most = b'{"text": "' + b"x" * (BODY_LIMIT_B - 12) + b'"}'
        just = await client.post("/notes", content=most, headers=headers)
    assert [answer.status_code for answer in (unsaid, said, just)] == [413, 413, 201]
    assert unsaid.json()["type"] == said.json()["type"] == "/problems/too-large"


def test_a_version_that_is_needed_stands_in_the_document(app: FastAPI) -> None:
    (header,) = app.openapi()["paths"]["/notes/version"]["get"]["parameters"]
    assert (header["in"], header["name"]) == ("header", "If-Match")


@pytest.mark.parametrize("name", ["text", "字", "{0}", "\\ud800", "n" * 500])
async def test_a_name_that_stands_twice_is_told(app: FastAPI, issuer: Issuer, name: str) -> None:
    body = f'{{"text": "a", "{name}": 1, "{name}": 2}}'
    async with client_of(app) as client:
        answer = await client.post(
            "/notes", content=body, headers=issuer.caller("producer") | {"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#"
    assert name[:100].replace("\\ud800", "?") in error["detail"]
    assert len(error["detail"]) < 200
