"""Logs tell what happened and to whom by id; never a phone number, a secret, or what people wrote."""

import asyncio
import io
import json
import logging
import re
import timeit
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, timedelta, timezone
from time import thread_time
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import insert, text
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError

from chassis import telemetry
from chassis.app import create_app
from chassis.db import Database, WriteSession
from chassis.gauges import measure
from chassis.inbox import Consumer, Subscription
from chassis.outbox import to_record
from chassis.routes import Write, slice_router
from chassis.telemetry import configure_logging, described, without_phones
from chassis.tracing import TRACEPARENT, continuing, current_traceparent
from chassis.transport.postgres import PostgresTransport
from chassis.worker import Task, Worker
from contracts.event import Event
from tests.chassis.conftest import NOTES, NoteWritten
from tests.support.services import Issuer, client_of

PHONE = "13812345678"
router = slice_router("/notes", tag="notes")


@router.post("")
async def break_in_the_database(session: Write) -> None:
    await session.execute(insert(NOTES).values(id=1, text=PHONE))
    await session.execute(insert(NOTES).values(id=1, text=PHONE))


@router.get("/context")
async def context() -> dict[str, Any]:
    return {"traceparent": current_traceparent(), **structlog.contextvars.get_contextvars()}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What stands on standard error."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging()
    yield stream
    configure_logging()


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


WRITTEN = [
    PHONE,
    f"+86{PHONE}",
    f"86 {PHONE}",
    f"0086 {PHONE}",
    f"%2B86{PHONE}",
    f"tel{PHONE}",
    f"phone{PHONE}",
    f"（{PHONE}）",
    f"{PHONE}。",
    "138-1234-5678",
    "138 1234 5678",
    "+86-138-1234-5678",
    "(+86) 138 1234 5678",
    "+86 (138) 1234-5678",
    "(138)1234.5678",
    "138.1234.5678",
    "1381234-5678",
    "138·1234·5678",
    "138\N{NO-BREAK SPACE}1234\N{NO-BREAK SPACE}5678",
    "138\N{EN DASH}1234\N{NON-BREAKING HYPHEN}5678",
    "１３８１２３４５６７８",
    "＋８６　１３８－１２３４－５６７８",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_no_log_line_has_a_phone_number_whoever_put_it_there(logged: io.StringIO, written: str) -> None:
    try:
        raise ValueError(f"call {written}")
    except ValueError as error:
        structlog.get_logger().error("record_dead", key=written, request_id=f"of {written}", exc_info=error)
    masked = without_phones(written)
    assert re.fullmatch(r"\D*(?:(?:00)?[8８][6６]\D*)?(?:138|１３８)\*{8}[）。]?", masked.replace("%2B", "+"))
    line = lines(logged)[0]
    assert (line["key"], line["request_id"]) == (masked, f"of {masked}")
    assert line["exception"].endswith(f"call {masked}")


def test_ids_and_numbers_in_a_log_line_stay_what_they_are(logged: io.StringIO) -> None:
    ids = ["0192f7c4-7d1e-7c7a-b1f0-213800138000", "13800138000f", "1784000000000"]
    structlog.get_logger().info("lot_closed", a=ids[0], b=ids[1], c=ids[2], nanoseconds=13800138000)
    assert [*lines(logged)[0].values()][:4] == [*ids, 13800138000]


MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
RUNS = st.from_regex(r"[1-9][0-9]{11,30}", fullmatch=True).filter(lambda run: not re.match(r"861[3-9][0-9]{9}$", run))
NO_PHONES = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda each: each.hex),
    st.builds(lambda at, sep: at.isoformat(sep), MOMENTS, st.sampled_from("T ")),
    MOMENTS.map(lambda at: f"{at:%Y%m%dT%H%M%S.%f}"),
    RUNS,
    st.floats(130, 9e9).map(lambda number: f"{number:.8f}"),  # seconds, degrees
    st.integers(0, 9_999_999_999).map(str),  # fen, offsets
    st.integers(0, 99_999_999_999).map(lambda fen: f"¥{fen / 100:,.2f}"),
    st.ip_addresses().map(str),
)


@given(st.lists(NO_PHONES, min_size=1, max_size=3).map(", ".join))
def test_what_is_no_phone_number_is_not_masked(written: str) -> None:
    assert without_phones(written) == written


@pytest.mark.parametrize("piece", ["1", "138", "138-", "138 1234 ", "86 ", "+86" * 2, " ", "(138)1234.", "１３８"])
def test_a_long_text_is_looked_through_once(piece: str) -> None:
    def cost_s(repeated: int) -> float:
        text = piece * repeated
        return min(timeit.repeat(lambda: without_phones(text), timer=thread_time, number=1, repeat=5))

    assert cost_s(40_000) < 40 * cost_s(4_000), "ten times the text, and by far not a hundred times the work"


def test_a_log_line_is_json_with_a_constant_name_and_fields(logged: io.StringIO) -> None:
    structlog.get_logger().info("lot_closed", listing_id="1", name="红颜")
    (line,) = lines(logged)
    assert (line["event"], line["listing_id"], line["level"]) == ("lot_closed", "1", "info")
    assert "红颜" in logged.getvalue(), "Chinese is readable"
    assert line["timestamp"].endswith("Z")


def test_what_is_below_the_level_is_not_written(logged: io.StringIO) -> None:
    configure_logging("ERROR")
    structlog.get_logger().warning("quiet")
    assert logged.getvalue() == ""


async def test_a_failed_statement_is_logged_without_what_it_was_given(app: FastAPI, logged: io.StringIO) -> None:
    async with client_of(app) as client:
        answer = await client.post("/notes", headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500
    (line,) = lines(logged)
    assert (line["event"], line["request_id"], line["service"]) == ("request_failed", "mine", "test")
    assert "SQLSTATE 23505" in line["exception"]
    assert "break_in_the_database" in line["exception"], "the place is told"
    assert PHONE not in logged.getvalue()
    assert PHONE not in answer.text


async def test_the_text_of_a_database_error_holds_no_parameters(db: Database) -> None:
    with pytest.raises(DBAPIError, match="parameters hidden") as caught:
        async with db.reading() as session:
            await session.execute(text("SELECT 1 / CAST(:no AS int), CAST(:phone AS text)"), {"no": 0, "phone": PHONE})
    assert PHONE not in str(caught.value)


def raised(do: Any) -> BaseException:
    with pytest.raises((ValueError, RuntimeError)) as caught:
        do()
    return caught.value


class Person(BaseModel):
    phone: int
    names: list[int] = []


def test_a_validation_error_is_described_by_its_places_alone() -> None:
    error = raised(lambda: Person.model_validate({"phone": "+86-" + PHONE, "names": [1, PHONE[:3] + "x"]}))
    assert isinstance(error, ValidationError)
    assert described(error) == "ValidationError: phone, names.1"


def test_an_error_of_our_own_is_described_by_its_text_up_to_a_length() -> None:
    assert described(ValueError("no such lot")) == "ValueError: no such lot"
    assert len(described(ValueError("x" * 10_000))) == telemetry.DESCRIBED_MAX


def test_every_cause_is_told_and_none_of_them_with_its_values(logged: io.StringIO) -> None:
    def fail() -> None:
        try:
            TypeAdapter(int).validate_python("tel " + PHONE)
        except ValidationError as error:
            raise RuntimeError("the lot could not be read") from error

    structlog.get_logger().error("failed", exc_info=raised(fail))
    (line,) = lines(logged)
    assert "RuntimeError: the lot could not be read\ncaused by:" in line["exception"]
    assert line["exception"].endswith("ValidationError: ")
    assert PHONE not in logged.getvalue()


def test_a_suppressed_cause_is_not_told(logged: io.StringIO) -> None:
    def fail() -> None:
        try:
            raise ValueError(PHONE)
        except ValueError:
            raise RuntimeError("no way") from None

    structlog.get_logger().error("failed", exc_info=raised(fail))
    assert PHONE not in logged.getvalue()


def test_causes_that_lead_in_a_circle_come_to_an_end(logged: io.StringIO) -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    structlog.get_logger().error("failed", exc_info=one)
    assert lines(logged)[0]["exception"].count("caused by") == telemetry.CAUSES_MAX - 1


GOOD = f"00-{'a' * 32}-{'b' * 16}-01"


async def seen(app: FastAPI, headers: dict[str, str]) -> tuple[httpx.Response, dict[str, str]]:
    async with client_of(app) as client:
        answer = await client.get("/notes/context", headers=headers)
    return answer, answer.json()


async def test_a_sound_trace_goes_on_and_its_ids_come_back(app: FastAPI) -> None:
    answer, context = await seen(app, {"traceparent": GOOD, "X-Request-Id": "r-1"})
    assert context == {"traceparent": GOOD, "request_id": "r-1", "service": "test"}
    assert (answer.headers["traceparent"], answer.headers["x-request-id"]) == (GOOD, "r-1")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x",
        GOOD + "-more",
        GOOD.upper(),
        GOOD.replace("a" * 32, "0" * 32),
        GOOD.replace("b" * 16, "0" * 16),
        f"00-{'a' * 31}-{'b' * 16}-01",
        "tel " + PHONE,
        "x" * 8000,
    ],
)
async def test_what_is_no_trace_begins_a_new_one(app: FastAPI, sent: str) -> None:
    answer, context = await seen(app, {"traceparent": sent})
    assert context["traceparent"] == answer.headers["traceparent"] != sent
    assert TRACEPARENT.fullmatch(context["traceparent"])


async def test_each_request_without_ids_gets_its_own(app: FastAPI) -> None:
    ids = [(await seen(app, {}))[1] for _ in range(3)]
    assert len({each["request_id"] for each in ids}) == len({each["traceparent"] for each in ids}) == 3


async def test_a_long_request_id_is_cut(app: FastAPI) -> None:
    answer, context = await seen(app, {"X-Request-Id": "x" * 500})
    assert answer.headers["x-request-id"] == context["request_id"] == "x" * 128


@pytest.fixture
async def at_work(db: Database) -> AsyncIterator[Callable[[Consumer], None]]:
    """Begins a worker with one consumer, and ends it."""
    tasks: list[asyncio.Task[None]] = []

    def begin(consumer: Consumer) -> None:
        tasks.append(asyncio.create_task(Worker("test", [Task("consumer", consumer.run)]).run()))

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_a_consumer_logs_has_its_service_and_its_events_trace_and_no_phone(
    db: Database,
    postgres_url: str,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    at_work: Callable[[Consumer], None],
) -> None:
    monkeypatch.setattr("chassis.inbox.RETRY_S", 0.001)

    async def fail(session: WriteSession, events: Sequence[Event]) -> None:
        structlog.get_logger().info("heard", notes=len(events))
        await session.execute(insert(NOTES).values(id=1, text="tel " + PHONE))
        await session.execute(insert(NOTES).values(id=1, text="tel " + PHONE))

    async with PostgresTransport(postgres_url) as transport:
        await transport.publish([to_record(NoteWritten(note_id=uuid4(), number=1), "/duijie/test", GOOD)])
        at_work(Consumer("test", db, transport, [Subscription(NoteWritten.TOPIC, fail)]))
        async with asyncio.timeout(10):
            while "record_dead" not in logged.getvalue():
                await asyncio.sleep(0.01)
    found = lines(logged)
    assert {"heard", "record_dead"} <= {line["event"] for line in found}
    assert {line["service"] for line in found} == {"test"}
    assert {line["trace_id"] for line in found if line["event"] != "batch_redone"} == {"a" * 32}
    assert "SQLSTATE 23505" in found[-1]["exception"]
    assert PHONE not in logged.getvalue()


async def test_gauges_tell_what_waits_and_the_scrape_asks_nobody(db: Database, postgres_url: str, app: FastAPI) -> None:
    async def never(session: WriteSession, events: Sequence[Event]) -> None: ...

    async with db.transaction() as session:
        session.emit(*(NoteWritten(note_id=uuid4(), number=number) for number in range(3)))
        await session.execute(text("SELECT pg_sleep(0.05)"))
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish([to_record(NoteWritten(note_id=uuid4(), number=1), "/duijie/test")])
        await measure(db, Consumer("gauged", db, transport, [Subscription(NoteWritten.TOPIC, never)]))
    with pytest.raises(DBAPIError):
        async with db.reading() as session:
            await session.execute(text("SELECT 1 / 0"))
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    listen(db.engine.sync_engine, "before_cursor_execute", count)
    async with client_of(app) as client:
        metrics = (await client.get("/metrics")).text
    assert asked == 0
    samples = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    assert samples['duijie_outbox_events{service="test"}'] == "3.0"
    assert 0.05 <= float(samples['duijie_outbox_age_seconds{service="test"}']) < 30
    assert samples[f'duijie_consumer_lag_records{{consumer="gauged",topic="{NoteWritten.TOPIC}"}}'] == "1.0"
    assert samples['duijie_database_connections_in_use{service="test"}'] == "0.0"
    assert samples['duijie_database_connections_max{service="test"}'] == "20.0"
    assert float(samples['duijie_database_commit_seconds_count{service="test"}']) >= 1
    assert float(samples['duijie_database_errors_total{service="test",sqlstate_class="22"}']) >= 1
    assert samples['duijie_http_at_work{service="test"}'] == "0.0"


async def test_metrics_tell_service_method_route_and_status_and_no_address(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/notes/context")
        await client.get(f"/notes/{PHONE}")
        await client.get(f"/nowhere/{PHONE}")
        metrics = (await client.get("/metrics")).text
    assert re.search(
        r'duijie_http_seconds_count\{method="GET",route="/notes/context",service="test",status="200"\} [1-9]', metrics
    )
    assert 'route="unmatched"' in metrics
    assert PHONE not in metrics


def test_what_a_library_warns_of_is_a_line_like_ours(logged: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.info("of no interest")
    with continuing("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        try:
            raise ValueError(f"call {PHONE}")
        except ValueError:
            library.warning("Unable to reach %s", PHONE, exc_info=True)
    (line,) = lines(logged)
    assert (line["event"], line["logger"], line["level"]) == ("library", "some.library", "warning")
    assert (line["text"], line["trace_id"]) == ("Unable to reach 138********", "0af7651916cd43dd8448eb211c80319c")
    assert "ValueError: call 138********" in line["exception"]
