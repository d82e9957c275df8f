"""One trace from the request through the events into their consumers, by W3C Trace Context and OpenTelemetry.

The trace is OpenTelemetry's current span. Without its SDK a span records nothing and only carries the ids on, so
logs and events tell their trace all the same. What an error says is never recorded: it may hold what people wrote.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from random import getrandbits

import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

log = structlog.get_logger()

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""W3C Trace Context, section 3.2; whoever sends another begins a new trace."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
EXPORT_TIMEOUT_S = 3  # a collector that is away holds up the end of a process no longer
LINKS_MAX = 128  # the SDK keeps no more


def configure_tracing(process: str) -> None:
    """Send spans to where OpenTelemetry's own variables say; where they say nothing, record none."""
    if not any(map(os.environ.get, ENDPOINTS)) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("traces_not_sent", reason="install duijie with its extra `traces`")
        return
    name = os.environ.get("OTEL_SERVICE_NAME") or f"duijie-{process}"
    timeout_s = None if any(map(os.environ.get, TIMEOUTS)) else EXPORT_TIMEOUT_S
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout_s)))
    trace.set_tracer_provider(provider)


def current_traceparent() -> str | None:
    """The trace context of what is being done, for the events it causes."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def sound_or_new(traceparent: str) -> str:
    """The traceparent if it is one, else the beginning of a trace."""
    return (
        traceparent if TRACEPARENT.fullmatch(traceparent) else f"00-{getrandbits(128):032x}-{getrandbits(64):016x}-01"
    )


@contextmanager
def continuing(traceparent: str | None) -> Iterator[None]:
    """What is done in the block belongs to that trace; to none without one."""
    token = contexts.attach(_context_of(traceparent))
    try:
        yield
    finally:
        contexts.detach(token)


def exporting() -> bool:
    """Whether spans are told to anyone: without an SDK they are not."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def batch_span(
    name: str, kind: SpanKind, traceparents: Iterable[str | None], attributes: Mapping[str, AttributeValue]
) -> Iterator[None]:
    """A span over work that several requests or events caused.

    All of one trace: it goes on in it. Else it begins one of its own, which names each of theirs by a link, as the
    semantic conventions have it for messages in batches.
    """
    causes = [each for each in dict.fromkeys(traceparents) if each is not None and TRACEPARENT.fullmatch(each)]
    one_trace = len({each[3:35] for each in causes}) == 1
    cause = causes[0] if one_trace else None
    if not exporting():  # the ids alone are carried on
        with continuing(cause):
            yield
        return
    links = [Link(context) for each in causes[:LINKS_MAX] if (context := _span_context(each)) is not None]
    with trace.get_tracer("duijie").start_as_current_span(
        name,
        context=_context_of(cause),
        kind=kind,
        attributes=attributes,
        links=links if len(causes) > 1 else (),
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise


def messaging(operation: str, records: int, **more: AttributeValue) -> dict[str, AttributeValue]:
    """The attributes of OpenTelemetry's semantic conventions for a batch of messages."""
    named = {f"messaging.{name.replace('__', '.')}": value for name, value in more.items()}
    return {"messaging.operation.name": operation, "messaging.batch.message_count": records, **named}


def _context_of(traceparent: str | None) -> contexts.Context:
    """As a context of its own: nothing else of what goes on now belongs to it."""
    context = _span_context(traceparent) if traceparent is not None else None
    return trace.set_span_in_context(NonRecordingSpan(context), contexts.Context()) if context else contexts.Context()


def _span_context(traceparent: str) -> SpanContext | None:
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(int(found[3], 16)))
