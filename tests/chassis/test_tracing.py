"""One trace from a request through the outbox, the transport and the consumer, into what its handler tells."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_tracer_provider
from sqlalchemy import select

from chassis.app import create_app
from chassis.auth import AnyCaller, Caller
from chassis.db import Database, WriteSession
from chassis.grouping import group_of
from chassis.inbox import Consumer, Subscription
from chassis.outbox import Relay
from chassis.routes import Write, slice_router
from chassis.tables import OUTBOX
from chassis.tracing import batch_span, configure_tracing, continuing, current_trace_id, current_traceparent
from chassis.transport.base import Transport
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from chassis.transport.postgres import PostgresTransport
from contracts.event import Event
from tests.chassis.conftest import NoteWritten
from tests.support.services import Issuer, client_of
from tests.support.waiting import until

PHONE = "13812345678"
ONE, OTHER = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is sent, while the SDK is at work."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def note(number: int) -> NoteWritten:
    return NoteWritten(note_id=uuid4(), number=number)


async def write_together(session: WriteSession, requests: Sequence[tuple[Caller, int]]) -> list[Response]:
    session.emit(*(note(number) for _, number in requests))
    return [JSONResponse({"with": len(requests)}) for _ in requests]


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    router = slice_router("/notes", tag="notes")

    @router.post("")
    async def write(session: Write) -> None:
        session.emit(note(1))

    @router.post("/together")
    async def together(number: Annotated[int, Body(embed=True)], caller: AnyCaller, request: Request) -> Response:
        return await group_of(request, "notes", write_together, limit=50).submit(request, caller, number)

    return create_app("test", db=db, keys=issuer.keys, routers=[router])


async def post(app: FastAPI, **headers: str) -> httpx.Response:
    async with client_of(app) as client:
        answer = await client.post("/notes", headers=headers)
    assert answer.status_code == 200
    return answer


class Hearing:
    """A handler that keeps the traces it was called in, and answers each note below 10 with another."""

    def __init__(self) -> None:
        self.traces: list[str | None] = []
        self.heard = asyncio.Event()

    async def __call__(self, session: WriteSession, events: Sequence[Event]) -> None:
        self.traces.append(current_trace_id())
        numbers = [event.number for event in events if isinstance(event, NoteWritten)]
        session.emit(*(note(number + 10) for number in numbers if number < 10))
        if max(numbers) >= 10:
            self.heard.set()


@pytest.fixture(params=["postgres", "kafka"])
def way(request: pytest.FixtureRequest) -> Transport:
    """From the relay to the consumer, over a real log."""
    if request.param == "postgres":
        return PostgresTransport(request.getfixturevalue("postgres_url"))
    bootstrap: str = request.getfixturevalue("kafka_bootstrap")
    asyncio.run(ensure_topics(bootstrap, {NoteWritten.TOPIC: 1}))
    return KafkaTransport(bootstrap)


@asynccontextmanager
async def carried(db: Database, way: Transport, hearing: Hearing) -> AsyncIterator[None]:
    """The relay and a consumer at work."""
    async with way as transport:
        consumer = Consumer("test", db, transport, [Subscription(NoteWritten.TOPIC, hearing)])
        tasks = [asyncio.create_task(each.run()) for each in (Relay(db, transport), consumer)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def hex_trace(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


async def test_a_request_its_event_and_what_that_causes_are_one_trace(
    app: FastAPI, db: Database, way: Transport, exported: InMemorySpanExporter
) -> None:
    hearing = Hearing()
    async with carried(db, way, hearing):
        answer = await post(app, traceparent=ONE)
        await asyncio.wait_for(hearing.heard.wait(), 20)
        await until(lambda: len(exported.get_finished_spans()) >= 5)
    spans = sorted(exported.get_finished_spans(), key=lambda span: span.start_time or 0)
    topic = NoteWritten.TOPIC
    assert [(span.name, span.kind) for span in spans] == [
        ("POST /notes", SpanKind.SERVER),
        ("outbox send", SpanKind.PRODUCER),
        (f"{topic} process", SpanKind.CONSUMER),
        ("outbox send", SpanKind.PRODUCER),
        (f"{topic} process", SpanKind.CONSUMER),
    ]
    assert {hex_trace(span) for span in spans} == {"1" * 32} == set(hearing.traces)
    server, sent, processed, sent_on, processed_on = (span.context.span_id for span in spans)
    parents = [span.parent.span_id if span.parent else None for span in spans]
    assert parents == [int("1" * 16, 16), server, server, processed, processed]
    assert len({server, sent, processed, sent_on, processed_on}) == 5
    assert answer.headers["traceparent"] == f"00-{'1' * 32}-{server:016x}-01"
    assert (spans[2].attributes or {})["messaging.destination.name"] == topic


async def test_without_the_sdk_the_trace_is_carried_all_the_same(app: FastAPI, db: Database, postgres_url: str) -> None:
    assert type(get_tracer_provider()).__name__ == "ProxyTracerProvider", "nobody configured it"
    hearing = Hearing()
    async with carried(db, PostgresTransport(postgres_url), hearing):
        answer = await post(app, traceparent=ONE)
        await asyncio.wait_for(hearing.heard.wait(), 10)
    assert hearing.traces == ["1" * 32, "1" * 32]
    assert answer.headers["traceparent"] == ONE


async def test_a_batch_of_several_traces_begins_its_own_and_links_to_theirs(exported: InMemorySpanExporter) -> None:
    with batch_span("several", SpanKind.CONSUMER, [ONE, None, OTHER, ONE, "nonsense " + PHONE], {}):
        own = current_trace_id()
    (span,) = exported.get_finished_spans()
    assert own == hex_trace(span)
    assert own not in {"1" * 32, "2" * 32}
    assert [f"{link.context.trace_id:032x}" for link in span.links] == ["1" * 32, "2" * 32]
    assert span.parent is None


async def test_a_batch_of_one_trace_goes_on_in_it_and_links_to_each_cause(exported: InMemorySpanExporter) -> None:
    sibling = ONE.replace("1" * 16 + "-01", "3" * 16 + "-01")
    with batch_span("of one", SpanKind.CONSUMER, [ONE, sibling], {}):
        pass
    (span,) = exported.get_finished_spans()
    assert (hex_trace(span), len(span.links)) == ("1" * 32, 2)


async def test_a_span_tells_that_it_failed_and_not_what_was_said(exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match=PHONE), batch_span("failing", SpanKind.CONSUMER, [ONE], {}):
        raise ValueError(PHONE)
    (span,) = exported.get_finished_spans()
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "ValueError")
    assert PHONE not in span.to_json()


async def test_a_grouped_request_alone_keeps_its_trace(app: FastAPI, db: Database, issuer: Issuer) -> None:
    async with client_of(app) as client:
        headers = {"traceparent": ONE, **issuer.caller("carrier")}
        assert (await client.post("/notes/together", json={"number": 10}, headers=headers)).status_code == 200
    async with db.reading() as session:
        (told,) = (await session.scalars(select(OUTBOX.c.headers))).all()
    assert told["traceparent"] == ONE


async def test_outside_of_anything_there_is_no_trace_and_a_block_ends_its_own() -> None:
    with continuing(None):
        assert current_traceparent() is None
        with continuing(ONE):
            assert current_traceparent() == ONE
        assert current_traceparent() is None


def test_spans_are_sent_only_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("opentelemetry.trace.set_tracer_provider", made.append)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    configure_tracing("listing")
    assert made == []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    configure_tracing("listing")
    assert made == []
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    configure_tracing("listing")
    (provider,) = made
    assert provider.resource.attributes["service.name"] == "duijie-listing"
    provider.shutdown()
