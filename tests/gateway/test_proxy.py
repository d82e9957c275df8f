"""One contract for both ways to a service: in this process, and over HTTP. The client and the servers are real."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from chassis.db import Database
from chassis.routes import IMPORT_LIMIT_B
from chassis.vault import Vault
from gateway import proxy
from gateway.app import create_gateway
from gateway.lines import Lines
from gateway.proxy import InProcess, Remote, Upstream
from gateway.tokens import Signer
from tests.gateway.fake_service import FakeService
from tests.support.http import PLAIN, served

WITHIN_S = 1.0
MIB = 1024 * 1024


class Stage:
    """Where one test's service plays after the other's: the servers in front of it are started once."""

    def __init__(self) -> None:
        self.service = FakeService()
        self.url = ""
        self.gateway = FastAPI()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.service(scope, receive, send)


@dataclass
class Way:
    """A client, the gateway it calls, and the service behind that."""

    client: httpx.AsyncClient
    service: FakeService
    url: str


@asynccontextmanager
async def upstream_of(kind: str, service: Stage) -> AsyncIterator[Upstream]:
    if kind == "in process":
        yield InProcess(service)
        return
    async with served(service) as url:
        remote = Remote(url)
        try:
            yield remote
        finally:
            await remote.aclose()


@asynccontextmanager
async def gateway_before(
    upstream: Upstream, signer: Signer, vault: Vault, stage: Stage | None = None
) -> AsyncIterator[str]:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/gateway")
    services = {"listing": upstream, "matching": upstream, "logistics": upstream}
    gateway = create_gateway(nowhere, signer, vault, services)
    if stage is not None:
        stage.gateway = gateway
    async with served(gateway) as url:
        yield url
    await nowhere.close()


@pytest.fixture(scope="module", params=["in process", "over HTTP"])
async def stage(request: pytest.FixtureRequest, signer: Signer, vault: Vault) -> AsyncIterator[Stage]:
    stage = Stage()
    async with upstream_of(request.param, stage) as upstream, gateway_before(upstream, signer, vault, stage) as url:
        stage.url = url
        yield stage


@pytest.fixture
async def way(stage: Stage) -> AsyncIterator[Way]:
    stage.service = FakeService()
    async with httpx.AsyncClient(verify=PLAIN, base_url=stage.url, timeout=10) as client:
        yield Way(client, stage.service, stage.url)


@pytest.fixture(params=["in process", "over HTTP"])
async def dead(request: pytest.FixtureRequest, signer: Signer, vault: Vault) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose services are gone."""

    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionRefusedError

    upstream: Upstream = InProcess(gone) if request.param == "in process" else Remote("http://127.0.0.1:1")
    async with gateway_before(upstream, signer, vault) as url, httpx.AsyncClient(verify=PLAIN, base_url=url) as client:
        yield client


async def test_an_endless_stream_arrives_event_by_event(way: Way) -> None:
    async with way.client.stream("GET", "/v1/feed/matches/stream") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        chunks = answer.aiter_raw()
        for number in range(5):
            event = f"id: {number}\n\n".encode()
            way.service.events.put_nowait(event)
            assert await asyncio.wait_for(anext(chunks), WITHIN_S) == event


async def test_a_client_that_leaves_a_stream_is_missed_within_a_second(way: Way) -> None:
    async with way.client.stream("GET", "/v1/feed/matches/stream") as answer:
        way.service.events.put_nowait(b"id: 1\n\n")
        await anext(answer.aiter_raw())
        assert not way.service.hung_up.is_set()
    await asyncio.wait_for(way.service.hung_up.wait(), WITHIN_S)


async def test_all_streams_end_when_the_gateway_is_told_to_stop(stage: Stage, way: Way) -> None:
    streams = stage.gateway.state.streams
    try:
        async with way.client.stream("GET", "/v1/feed/matches/stream") as answer:
            way.service.events.put_nowait(b"id: 1\n\n")
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"id: 1\n\n"
            streams.end()
            async with asyncio.timeout(WITHIN_S):
                assert [chunk async for chunk in chunks] == [], "it is whole"
        await asyncio.wait_for(way.service.hung_up.wait(), WITHIN_S)
        assert (await way.client.get("/v1/feed/matches/stream")).status_code == 503
        assert (await way.client.get("/v1/orders")).status_code == 200, "what is soon over is still answered"
    finally:
        streams.ending = False


async def test_beyond_the_streams_that_it_bears_the_gateway_takes_no_more_and_all_else(stage: Stage, way: Way) -> None:
    streams = stage.gateway.state.streams
    at_most, streams.at_most = streams.at_most, 1
    try:
        async with way.client.stream("GET", "/v1/feed/matches/stream"):
            refused = await way.client.get("/v1/feed/matches/stream", headers={"Accept-Language": "zh"})
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/streams-full")
            assert refused.json()["title"] == "长连接已满"
            assert (await way.client.get("/v1/orders")).status_code == 200
    finally:
        streams.at_most = at_most


@pytest.fixture
async def apart(signer: Signer, vault: Vault) -> AsyncIterator[Way]:
    """Over HTTP, with one connection for requests."""
    stage = Stage()
    async with upstream_of("over HTTP", stage) as upstream, gateway_before(upstream, signer, vault, stage) as url:
        assert isinstance(upstream, Remote)
        upstream._lines = Lines(open_max=1)
        async with httpx.AsyncClient(verify=PLAIN, base_url=url, timeout=10) as client:
            yield Way(client, stage.service, url)


async def test_open_streams_leave_the_connections_for_requests_alone(apart: Way) -> None:
    path = "/v1/feed/matches/stream"
    async with apart.client.stream("GET", path), apart.client.stream("GET", path):
        assert (await apart.client.get("/v1/orders")).status_code == 200


async def test_a_stream_whose_service_dies_ends_and_is_not_broken(apart: Way) -> None:
    """Its client goes on behind the last event that came whole: where an event ends it says itself."""
    apart.service.events.put_nowait(b"id: 1\n\n")
    async with apart.client.stream("GET", "/v1/feed/matches/stream") as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == b"id: 1\n\n"
        apart.service.events.put_nowait(b"")
        assert [chunk async for chunk in chunks] == []


async def test_a_client_that_leaves_before_the_answer_is_missed_within_a_second(way: Way) -> None:
    asking = asyncio.create_task(way.client.get("/v1/routes/slow"))
    await asyncio.wait_for(way.service.arrived.wait(), WITHIN_S)
    asking.cancel()
    await asyncio.wait_for(way.service.hung_up.wait(), WITHIN_S)


@pytest.mark.parametrize(
    "framed", [b"Content-Length: 1000\r\n\r\n" + b"x" * 500, b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"]
)
async def test_a_client_that_leaves_in_the_middle_of_its_body_is_missed_within_a_second(
    way: Way, framed: bytes
) -> None:
    """And what it had sent is not taken for the whole."""
    port = httpx.URL(way.url).port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/listings/import HTTP/1.1\r\nHost: t\r\n" + framed)
    await asyncio.wait_for(way.service.some_bytes.wait(), WITHIN_S)
    writer.close()
    await asyncio.wait_for(way.service.hung_up.wait(), WITHIN_S)


async def test_an_upload_of_32_mib_passes_unchanged_and_is_not_held_back(way: Way) -> None:
    block = bytes(range(256)) * 4096
    digest = hashlib.sha256()
    seen_before_the_end = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal seen_before_the_end
        for number in range(IMPORT_LIMIT_B // MIB):
            if number == 8:  # the service must have begun to read by now, or the body is being kept somewhere
                await asyncio.wait_for(way.service.some_bytes.wait(), 5)
                seen_before_the_end = way.service.bytes_seen
            digest.update(block)
            yield block

    answer = await way.client.post("/v1/listings/import", content=body())
    assert 0 < seen_before_the_end < IMPORT_LIMIT_B
    assert (answer.status_code, answer.text) == (200, digest.hexdigest())
    assert way.service.bytes_seen == IMPORT_LIMIT_B


async def test_an_upload_over_the_largest_limit_is_refused(way: Way) -> None:
    answer = await way.client.post("/v1/listings/import", content=bytes(IMPORT_LIMIT_B + 1))
    assert answer.status_code == 413


async def test_a_known_length_stays_known(way: Way) -> None:
    told = (await way.client.post("/v1/orders", content=b"abc")).json()
    headers = dict(told["headers"])
    assert told["body"] == "abc"
    assert headers["content-length"] == "3"
    assert "transfer-encoding" not in headers


async def test_a_body_of_unknown_length_arrives_whole(way: Way) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    assert (await way.client.post("/v1/orders", content=body())).json()["body"] == "abc"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_passes_with_an_empty_body(way: Way, method: str) -> None:
    told = (await way.client.request(method, "/v1/orders/1")).json()
    assert (told["method"], told["body"]) == (method, "")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/listings/a%2Fb%20c%3F",
        "/v1/listings/%E8%8D%89%E8%8E%93",
        "/v1/listings/a/../b/./c",
        "/v1/listings//x",
        "/v1/listings/x?q=%E8%8D%89&q=2&empty=&plus=a+b&bare",
        "/v1/listings?next=1%3F%26",
        "/v1/listings/",
    ],
)
async def test_paths_and_queries_arrive_as_they_were_written(way: Way, target: str) -> None:
    answer = await way.client.get("/", extensions={"target": target.encode()})
    path, _, query = target.partition("?")
    told = answer.json()
    assert (told["raw_path"], told["query"]) == (path, query)


async def test_statuses_and_repeated_headers_come_back_unchanged(way: Way) -> None:
    async with way.client.stream("GET", "/v1/listings/special") as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.status_code == 207
    assert body == b"\x00\xff raw"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["content-encoding"] == "x-own"
    assert "x-hop" not in answer.headers
    assert len(answer.headers.get_list("date")) == 1


async def test_one_clients_cookies_never_reach_the_next(way: Way) -> None:
    await way.client.get("/v1/listings/special", headers={"Accept-Encoding": "identity"})
    async with httpx.AsyncClient(verify=PLAIN, base_url=way.url) as another:
        told = (await another.get("/v1/listings/echo")).json()
    assert "cookie" not in dict(told["headers"])


async def test_an_answer_without_a_body_stays_without(way: Way) -> None:
    answer = await way.client.delete("/v1/webhooks/empty")
    assert (answer.status_code, answer.content, answer.headers["x-own"]) == (204, b"", "1")


async def test_head_keeps_the_length_and_sends_no_body(way: Way) -> None:
    answer = await way.client.head("/v1/listings/head")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["content-length"], answer.headers["x-own"]) == ("12345", "1")


async def test_an_answer_that_comes_before_the_body_was_read_arrives(way: Way) -> None:
    answer = await way.client.post("/v1/listings/refused", content=bytes(2 * MIB))
    assert (answer.status_code, answer.text) == (413, "too large")


async def test_the_service_sees_the_clients_headers_and_no_others(way: Way) -> None:
    sent = [
        ("Authorization", "Bearer x"),
        ("Idempotency-Key", "k"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Request-Id", "mine"),
        ("traceparent", "00-11111111111111111111111111111111-2222222222222222-01"),
    ]
    answer = await way.client.get("/v1/matches", headers=httpx.Headers(sent))
    arrived = [tuple(each) for each in answer.json()["headers"]]
    names = {name for name, _ in arrived}
    assert [value for name, value in arrived if name == "x-twice"] == ["1", "2"]
    assert {("authorization", "Bearer x"), ("idempotency-key", "k"), ("x-request-id", "mine")} <= set(arrived)
    assert ("traceparent", "00-11111111111111111111111111111111-2222222222222222-01") in arrived
    assert ("host", httpx.URL(way.url).netloc.decode()) in arrived
    assert [value for name, value in arrived if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert not names & {"x-hop", "te", "connection", "transfer-encoding"}
    assert answer.headers["x-request-id"] == "mine"


async def test_a_request_without_ids_gets_the_same_ones_on_both_sides(way: Way) -> None:
    answer = await way.client.get("/v1/matches")
    arrived = dict(answer.json()["headers"])
    assert arrived["x-request-id"] == answer.headers["x-request-id"]
    assert arrived["traceparent"] == answer.headers["traceparent"]


async def test_nothing_of_the_gateway_leaks_into_the_services_scope(way: Way) -> None:
    await way.client.get("/v1/matches")
    scope = way.service.seen[-1]
    assert not {"app", "router", "route", "endpoint", "path_params"} & set(scope)


async def test_a_service_that_dies_in_the_middle_is_not_taken_for_whole(way: Way) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await way.client.get("/v1/listings/broken")


async def test_a_service_that_is_down_is_a_problem_with_a_time_to_retry(dead: httpx.AsyncClient) -> None:
    for answer in (
        await dead.get("/v1/listings", headers={"Accept-Language": "zh"}),
        await dead.post("/v1/orders", json={"x": 1}),
        await dead.post("/v1/listings/import", content=bytes(MIB)),
    ):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "/problems/service-unavailable"


async def test_a_hundred_streams_and_requests_at_once_do_not_mix(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it runs in this one loop, so that how long each waits for its connection is the machine's matter."""
    monkeypatch.setattr(proxy, "TIMEOUT", httpx.Timeout(None))

    async def ask(number: int) -> Any:
        return (await way.client.post(f"/v1/orders/{number}", content=str(number), timeout=None)).json()

    told = await asyncio.gather(*(ask(number) for number in range(100)))
    assert [(each["path"], each["body"]) for each in told] == [(f"/v1/orders/{n}", str(n)) for n in range(100)]
