"""Logs, and what each request is called: a log event is a constant name with fields; ids, never a phone number."""

import logging
import math
import re
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import Processor

from chassis.metrics import HTTP_SECONDS
from chassis.tracing import continuing, current_trace_id, current_traceparent, sound_or_new

log = structlog.get_logger()

LIBRARIES = "library"
DESCRIBED_MAX = 500
CAUSES_MAX = 5
REQUEST_ID_MAX = 128
EVENT_STREAM = "text/event-stream"
HUNG_UP = 499
"""What nginx calls a client that has gone before its answer: nobody reads one, only the metrics know of it."""
DIGIT = "[0-9０-９]"
MARK = r"[ \t\u00a0\u2002-\u200b\u202f\u3000()（）.．·・\-－\u2010-\u2015\u2212]"
PHONE = re.compile(
    # no digit of a longer number and no part of an id in hexadecimal; the last letter of "phone" is that of a word
    r"(?:(?<![0-9０-９a-fA-F])|(?<=[g-zG-Z][a-fA-F]))"
    rf"((?:(?:[+＋]|%2[bB]|[0０]{{2}})?[8８][6６]{MARK}{{0,3}})?[1１][3-9３-９]{DIGIT})"
    # with one full stop alone it is a number with a fraction
    rf"(?:{MARK}{{0,3}}{DIGIT}{{4}}{MARK}{{1,3}}|(?![.．]{DIGIT}){MARK}{{0,3}}{DIGIT}{{4}}){DIGIT}{{4}}"
    r"(?![0-9０-９a-fA-F])"
)
"""A mainland mobile number as people write it, 3-4-4; a run of digits inside of an id is none."""


def configure_logging(level: str = "INFO") -> None:
    """One JSON line an event, on standard error; what libraries have to warn of, too."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _tell_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_exception,
        _hide_phones,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_of_a_library, *processors]))
    libraries.set_name(LIBRARIES)
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if each.get_name() != LIBRARIES), libraries]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _of_a_library(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A record of the standard library's logging, under one constant name."""
    told = {"event": LIBRARIES, "logger": event["_record"].name, "text": event["event"]}
    return told if "exc_info" not in event else {**told, "exc_info": event["exc_info"][1]}


def described(error: BaseException) -> str:
    """What went wrong, never with what values: a log and a dead letter are read by many.

    pydantic's and the database driver's texts repeat what they were given; of them the place or the code is told.
    """
    kind = type(error).__name__
    if isinstance(error, ValidationError):
        places = [".".join(map(str, each["loc"])) for each in error.errors(include_input=False, include_url=False)]
        return f"{kind}: {', '.join(places)}"
    if type(error).__module__.startswith(("asyncpg", "sqlalchemy")):
        state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
        return f"{kind}: SQLSTATE {state}" if state else kind
    return f"{kind}: {error}"[:DESCRIBED_MAX] if str(error) else kind


def without_phones(text: str) -> str:
    """The text with what looks like a phone number masked behind its first three digits."""
    return PHONE.sub(r"\1********", text)


def _tell_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    trace_id = current_trace_id()
    return event if trace_id is None else {**event, "trace_id": trace_id}


def _tell_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The trace of an error and of its causes, each as `described` tells it."""
    error: BaseException | None = event.pop("exc_info", None)
    told: list[str] = []
    while error is not None and len(told) < CAUSES_MAX:
        told.append("".join(traceback.format_tb(error.__traceback__)) + described(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**event, "exception": "\ncaused by:\n".join(told)} if told else event


def _hide_phones(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Foreign records, request ids and errors' texts hold what others put into them."""
    return {name: without_phones(value) if isinstance(value, str) else value for name, value in event.items()}


def request_id_of(headers: Headers) -> str:
    """The caller's own, or a new one."""
    return headers.get("x-request-id", "")[:REQUEST_ID_MAX] or str(uuid4())


class RequestTelemetry:
    """Takes or makes X-Request-Id and traceparent, returns both, and times the answer by route.

    Of a stream it times the head: the rest may last for hours.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope.get("fastapi.telemetry") is not None:  # FastAPI has begun a span, and read the header for it
            await self._answer(scope, receive, send, headers)
            return
        with continuing(sound_or_new(headers.get("traceparent", ""))):
            await self._answer(scope, receive, send, headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        request_id = request_id_of(headers)
        traceparent = current_traceparent()
        started = time.perf_counter()
        status: int | None = None
        answered = math.inf

        async def send_with_ids(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                if answer.get("content-type", "").startswith(EVENT_STREAM):
                    answered = time.perf_counter()
                answer["X-Request-Id"] = request_id
                if traceparent is not None:
                    answer["traceparent"] = traceparent
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id, service=self._service):
            try:
                await self._app(scope, receive, send_with_ids)
                status = status or HUNG_UP
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                HTTP_SECONDS.labels(self._service, scope["method"], route, str(status or 500)).observe(
                    min(answered, time.perf_counter()) - started
                )
