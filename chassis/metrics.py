"""What a process counts and measures for Prometheus: one registry a process, units in the names, no ids in the labels.

Standalone runs every service in one process; `service` and `consumer` keep them apart there.
"""

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

HTTP_SECONDS = Histogram("duijie_http_seconds", "Time to answer", ["service", "method", "route", "status"])
HTTP_AT_WORK = Gauge("duijie_http_at_work", "Requests that hold a place, see chassis.overload", ["service"])
HTTP_REFUSED = Counter("duijie_http_refused", "Requests that were refused for want of a place", ["service"])
STREAMS_OPEN = Gauge("duijie_streams_open", "Streams of events that are open, see chassis.streams", ["service"])
STREAMS_REFUSED = Counter("duijie_streams_refused", "Streams that were refused: too many were open", ["service"])
HTTP_LIMITED = Counter("duijie_http_limited", "Requests that were refused for coming too often", ["rate"])

EVENTS_RELAYED = Counter("duijie_events_relayed", "Events sent and acknowledged", ["service"])
EVENTS_HANDLED = Counter("duijie_events_handled", "Events that had their effect", ["consumer"])
EVENTS_SKIPPED = Counter("duijie_events_skipped", "Events that came again", ["consumer"])
EVENTS_UNKNOWN = Counter("duijie_events_unknown", "Events of a type that the consumer does not know", ["consumer"])
EVENTS_DEAD = Counter("duijie_events_dead", "Events that went to the dead letters", ["consumer"])
CONSUMER_LAG = Gauge("duijie_consumer_lag_records", "Records not yet acknowledged", ["consumer", "topic"])
OUTBOX_AGE = Gauge("duijie_outbox_age_seconds", "For how long the event that is sent next has waited", ["service"])
OUTBOX_SIZE = Gauge("duijie_outbox_events", "Events that wait to be sent", ["service"])

POOL_IN_USE = Gauge("duijie_database_connections_in_use", "Connections taken from the pool", ["service"])
POOL_SIZE = Gauge("duijie_database_connections_max", "Connections that the pool may open", ["service"])
COMMIT_SECONDS = Histogram("duijie_database_commit_seconds", "Time to write the events and commit", ["service"])
DATABASE_ERRORS = Counter(
    "duijie_database_errors", "Statements that failed, by the class of their SQLSTATE", ["service", "sqlstate_class"]
)

TASKS_FAILED = Counter("duijie_tasks_failed", "Loops of a worker that failed, and began again", ["service", "task"])


def serve_metrics(app: FastAPI) -> None:
    """`GET /metrics` for Prometheus. It asks nobody anything: what needs a query is refreshed by `chassis.gauges`."""

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
