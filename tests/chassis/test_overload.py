"""Beyond what a process can do at once, a few requests wait for a moment and the others hear 503 at once."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp

from chassis.app import create_app
from chassis.db import Database
from chassis.exception_handlers import answer_problems
from chassis.metrics import HTTP_REFUSED
from chassis.overload import OverloadGuard, Places
from chassis.tracing import TRACEPARENT
from tests.support.services import Issuer, client_of
from tests.support.waiting import until


class Busy:
    """An application whose answers wait until they are let go."""

    def __init__(self, places: Places) -> None:
        self.go = asyncio.Event()
        self.at_work = self.most_at_work = 0
        self.app = FastAPI()
        answer_problems(self.app)
        self.app.add_middleware(OverloadGuard, service="busy", places=places)
        self.app.add_api_route("/work", self.work, methods=["GET", "POST"])
        self.app.add_api_route("/stream", self.stream)
        self.app.add_api_route("/readyz", self.ready)

    async def work(self) -> dict[str, bool]:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await self.go.wait()
        self.at_work -= 1
        return {"done": True}

    async def stream(self) -> StreamingResponse:
        async def parts() -> Any:
            yield b"begun"
            await self.go.wait()

        return StreamingResponse(parts())

    async def ready(self) -> dict[str, bool]:
        return {"ready": True}


async def get(app: ASGIApp, path: str = "/work") -> httpx.Response:
    async with client_of(app) as client:  # type: ignore[arg-type]
        return await client.get(path)


async def test_what_finds_a_place_in_time_is_done_and_never_more_at_once_than_places() -> None:
    busy = Busy(Places(3, wait_s=5.0))
    asked = [asyncio.create_task(get(busy.app)) for _ in range(9)]
    await until(lambda: busy.at_work == 3)
    busy.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 9
    assert busy.most_at_work == 3
    assert (await get(busy.app)).status_code == 200, "every place was given back"


async def test_who_finds_none_in_time_is_told_when_to_come_back() -> None:
    busy = Busy(Places(1, wait_s=0.05))
    first = asyncio.create_task(get(busy.app))
    await until(lambda: busy.at_work == 1)
    refused = HTTP_REFUSED.labels("busy")._value.get()
    async with client_of(busy.app) as client:
        answer = await client.get("/work", headers={"Accept-Language": "zh", "X-Request-Id": "r-1"})
    assert (answer.status_code, answer.json()["type"], answer.headers["retry-after"]) == (
        503,
        "/problems/overloaded",
        "1",
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["content-language"], answer.json()["title"]) == ("zh-CN", "请求过多")
    assert answer.headers["x-request-id"] == "r-1"
    assert TRACEPARENT.fullmatch(answer.headers["traceparent"])
    assert HTTP_REFUSED.labels("busy")._value.get() == refused + 1
    busy.go.set()
    assert (await first).status_code == 200


async def test_who_is_refused_together_is_not_sent_back_together() -> None:
    busy = Busy(Places(1, wait_s=0.01))
    first = asyncio.create_task(get(busy.app))
    await until(lambda: busy.at_work == 1)
    told = [(await get(busy.app)).headers["retry-after"] for _ in range(6)]
    assert told == ["1", "2", "3", "1", "2", "3"]
    busy.go.set()
    await first


async def test_who_would_wait_too_long_is_refused_when_it_comes() -> None:
    places = Places(1, wait_s=0.1)
    for _ in range(200):
        assert await places.take()
        places.give_back(after_s=0.5)
    assert await places.take()
    async with asyncio.timeout(0.05):
        assert not await places.take(), "one before it takes half a second"


async def test_who_hangs_up_while_waiting_takes_no_place() -> None:
    places = Places(1, wait_s=5)
    assert await places.take()
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    places.give_back(0.001)
    assert places.taken == 0


async def test_who_hangs_up_as_its_turn_comes_passes_it_on() -> None:
    places = Places(1, wait_s=5)
    assert await places.take()
    waiting, next_one = asyncio.create_task(places.take()), asyncio.create_task(places.take())
    await asyncio.sleep(0)
    places.give_back(0.001)
    waiting.cancel()
    assert await next_one
    places.give_back(0.001)
    await asyncio.gather(waiting, return_exceptions=True)
    assert places.taken == 0


async def test_those_who_run_the_process_are_answered_whatever_goes_on() -> None:
    busy = Busy(Places(1, wait_s=0.01))
    first = asyncio.create_task(get(busy.app))
    await until(lambda: busy.at_work == 1)
    assert (await get(busy.app, "/readyz")).status_code == 200
    busy.go.set()
    await first


async def call(app: ASGIApp, path: str, sent: asyncio.Queue[Any], headers: list[tuple[bytes, bytes]]) -> list[Any]:
    """A bare ASGI call, for a client that takes its time."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    method = "POST" if headers else "GET"
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    await app(scope, sent.get, send)
    return told


async def test_an_open_stream_keeps_no_place() -> None:
    busy = Busy(Places(1, wait_s=0.01))
    streaming = asyncio.create_task(call(busy.app, "/stream", asyncio.Queue(), []))
    await asyncio.sleep(0.02)
    working = asyncio.create_task(get(busy.app))
    await until(lambda: busy.at_work == 1)
    busy.go.set()
    assert (await working).status_code == 200
    assert (await streaming)[0]["status"] == 200


async def test_a_slow_sender_keeps_no_place_and_is_done_when_its_body_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.overload.BODY_S", 0.02)
    seen: list[bytes] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive()).get("more_body"):
            seen.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    places = Places(1, wait_s=0.2)
    guard = OverloadGuard(reading, "slow", places)
    body: asyncio.Queue[Any] = asyncio.Queue()
    slow = asyncio.create_task(call(guard, "/", body, [(b"content-length", b"9")]))
    body.put_nowait({"type": "http.request", "body": b"begun", "more_body": True})
    await until(lambda: seen)
    await until(lambda: places.taken == 0)
    other: asyncio.Queue[Any] = asyncio.Queue()
    other.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    assert (await call(guard, "/", other, [(b"content-length", b"0")]))[0]["status"] == 200
    body.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    assert (await slow)[0]["status"] == 200
    assert places.taken == 0


@pytest.mark.parametrize("length", [b"0", b"9"])
async def test_who_asks_for_none_of_its_body_keeps_its_place(length: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.overload.BODY_S", 0.01)
    go = asyncio.Event()

    async def working(scope: Any, receive: Any, send: Any) -> None:
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    places = Places(1, wait_s=0.2)
    at_work = asyncio.create_task(
        call(OverloadGuard(working, "idle", places), "/", asyncio.Queue(), [(b"content-length", length)])
    )
    await asyncio.sleep(0.1)
    assert places.taken == 1
    go.set()
    assert (await at_work)[0]["status"] == 200
    assert places.taken == 0


async def test_a_body_that_drips_keeps_no_place_longer_than_one_that_does_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chassis.overload.BODY_S", 0.1)

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    places = Places(1, wait_s=0.2)
    body: asyncio.Queue[Any] = asyncio.Queue()
    slow = asyncio.create_task(call(OverloadGuard(reading, "drips", places), "/", body, [(b"content-length", b"9")]))
    drops = 0
    async with asyncio.timeout(5):
        while places.taken or not drops:
            drops += 1
            body.put_nowait({"type": "http.request", "body": b"x", "more_body": True})
            await asyncio.sleep(0.02)
    body.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    assert (await slow)[0]["status"] == 200
    assert places.taken == 0


async def test_a_guard_behind_a_guard_takes_no_second_place_and_guards_what_is_left_to_it() -> None:
    places = Places(1, wait_s=0.01)
    busy = Busy(places)
    busy.app.add_middleware(OverloadGuard, service="outer", places=places, guards=lambda path: path == "/work")
    first = asyncio.create_task(get(busy.app))
    await until(lambda: busy.at_work == 1)
    refused = HTTP_REFUSED.labels("outer")._value.get(), HTTP_REFUSED.labels("busy")._value.get()
    assert (await get(busy.app)).status_code == (await get(busy.app, "/stream")).status_code == 503
    assert HTTP_REFUSED.labels("outer")._value.get() == refused[0] + 1
    assert HTTP_REFUSED.labels("busy")._value.get() == refused[1] + 1
    busy.go.set()
    assert (await first).status_code == 200
    assert places.taken == 0


async def test_every_service_is_guarded_and_a_failure_gives_its_place_back(db: Database, issuer: Issuer) -> None:
    app = create_app("guarded", db=db, keys=issuer.keys, routers=[], places=Places(1))

    async def fail() -> None:
        raise RuntimeError

    app.add_api_route("/fail", fail)
    for _ in range(3):
        answer = await get(app, "/fail")
        assert answer.status_code == 500
        assert "x-request-id" in answer.headers
