"""Logs and metrics: a log event is a constant name with fields; ids, never a phone number or a secret."""

import logging
import re
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2; whoever sends another begins a new trace."""
DESCRIBED_MAX = 500
CAUSES_MAX = 5

HTTP_SECONDS = Histogram("duijie_http_seconds", "Time to answer", ["service", "method", "route", "status"])
EVENTS_RELAYED = Counter("duijie_events_relayed", "Events sent and acknowledged", ["service"])
EVENTS_HANDLED = Counter("duijie_events_handled", "Events that had their effect", ["consumer"])
EVENTS_SKIPPED = Counter("duijie_events_skipped", "Events that came again", ["consumer"])
EVENTS_DEAD = Counter("duijie_events_dead", "Events that went to the dead letters", ["consumer"])


def configure_logging(level: str = "INFO") -> None:
    """One JSON line an event, on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


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
    return f"{kind}: {error}"[:DESCRIBED_MAX]


def _tell_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The trace of an error and of its causes, each as `described` tells it."""
    error: BaseException | None = event.pop("exc_info", None)
    told: list[str] = []
    while error is not None and len(told) < CAUSES_MAX:
        told.append("".join(traceback.format_tb(error.__traceback__)) + described(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**event, "exception": "\ncaused by:\n".join(told)} if told else event


def current_traceparent() -> str | None:
    """The W3C trace context of the request being handled, for the events it causes."""
    return _traceparent.get()


def _new_traceparent() -> str:
    return f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"


class RequestTelemetry:
    """Takes or makes X-Request-Id and traceparent, returns both, and times the answer by route."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")[:128] or str(uuid4())
        sent = headers.get("traceparent", "")
        traceparent = sent if TRACEPARENT.fullmatch(sent) else _new_traceparent()
        _traceparent.set(traceparent)
        started, status = time.perf_counter(), 500

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                answer["traceparent"] = traceparent
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id, service=self._service):
            try:
                await self._app(scope, receive, send_with_ids)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                HTTP_SECONDS.labels(self._service, scope["method"], route, str(status)).observe(
                    time.perf_counter() - started
                )


def serve_metrics(app: FastAPI) -> None:
    """`GET /metrics` for Prometheus."""

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
