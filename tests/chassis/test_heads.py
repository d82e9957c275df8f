"""HEAD has the head of GET and no body; a 405 names all methods of its path."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import Message

from chassis.app import create_app, create_worker_app
from chassis.db import Database
from chassis.event_stream import EventStream
from chassis.routes import slice_router
from tests.support.http import PLAIN, served
from tests.support.services import Issuer, client_of

router: APIRouter = slice_router("/v1/things", tag="things")
more: APIRouter = slice_router("/v1/things", tag="things")


@router.get("/{number}")
async def read_thing(number: int) -> dict[str, str]:
    return {"text": "x" * 1000}


@more.patch("/{number}")
async def change_thing(number: int) -> dict[str, int]:
    return {"number": number}


@router.post("/only")
async def make_thing() -> dict[str, int]:
    return {"number": 1}


@router.get("/{number}/stream", response_class=EventStream)
async def follow_thing(number: int) -> EventStream:
    async def for_ever() -> AsyncGenerator[bytes, None]:
        await asyncio.Event().wait()
        yield b""

    return EventStream(for_ever())


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router, more])


OF_ONE_ANSWER = {"date", "x-request-id", "traceparent"}


def lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_ONE_ANSWER}


@pytest.mark.parametrize("path", ["/v1/things/1", "/v1/things/none", "/healthz", "/nothing", "/problems/not-found"])
async def test_head_has_the_status_and_the_headers_of_get_and_no_body(app: FastAPI, path: str) -> None:
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url) as client:
        got, head = await client.get(path), await client.head(path)
        again = await client.get(path)
    assert (head.status_code, lasting(head), head.content) == (got.status_code, lasting(got), b"")
    assert int(head.headers["content-length"]) == len(got.content)
    assert again.content == got.content  # the connection is still in step


async def test_head_of_a_stream_ends_with_its_head(app: FastAPI) -> None:
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url, timeout=5) as client:
        answer = await client.head("/v1/things/1/stream")
        async with asyncio.timeout(2):
            while len(app.state.streams):
                await asyncio.sleep(0.01)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_worker_answers_head_too(db: Database) -> None:
    async with client_of(create_worker_app("test", db)) as client:
        assert (await client.head("/readyz")).status_code == 200


async def test_head_is_counted_as_itself_under_its_route(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.head("/v1/things/77")
        metrics = (await client.get("/metrics")).text
    assert any('method="HEAD"' in line and 'route="/v1/things/{number}"' in line for line in metrics.splitlines())


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/things/1", "GET, HEAD, PATCH"),
        ("DELETE", "/v1/things/only", "GET, HEAD, POST, PATCH"),
        ("HEAD", "/v1/things/1/none", None),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_405_names_all_methods_of_the_path(app: FastAPI, method: str, path: str, allow: str | None) -> None:
    async with client_of(app) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (405 if allow else 404, allow)


async def test_what_is_no_request_passes(app: FastAPI) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
