"""The AsyncAPI 3.0 document: every topic, who tells it and who listens, over Kafka.

Events travel as CloudEvents 1.0 in Kafka's binary mode: attributes are headers `ce_*`, the data is the value.
https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.dead_letters import BODY_BYTES, CONSUMER, ERROR, REDRIVEN_OF
from contracts.event import SPEC_VERSION, Envelope, Event
from duijie.docs.schemas import Untitled
from duijie.docs.told import Told, all_told, file_of, key_of

BINDING_VERSION = "0.5.0"
CONTENT_TYPE = "application/json"
DEAD_LETTER, RECEIPT = "dead-letter", "receipt"

HEADERS = {
    **{name: f"ce_{name}" for name in ("id", "source", "type", "subject", "time")},
    "traceparent": "traceparent",
}
"""The header of each attribute of the envelope."""

EXAMPLE_ID = UUID("01900000-0000-7000-8000-0000000000ff")
EXAMPLE_TIME = datetime(2026, 11, 23, 8, tzinfo=UTC)

Document = dict[str, Any]


def document(golden: Mapping[str, str]) -> Document:
    """`golden` holds an example of each event, as JSON, by the name of its file."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Duijie events",
            "version": "1.0.0",
            "description": (
                "What the services of Duijie tell each other, over Apache Kafka. An event is a fact in the past tense "
                "with the whole state of one aggregate and its version. Delivery is at least once and in order "
                "within a key; pass over an id (`ce_id`) that was had before, a version older than the one you hold, "
                "and types and fields that you don't know. Money is integer fen, mass integer grams, distance integer "
                "metres, time RFC 3339."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": {name: channel for told in all_told() for name, channel in _channels(told, golden)},
        "operations": {name: operation for told in all_told() for name, operation in _operations(told)},
        "components": {"schemas": {"headers": headers_schema()}},
    }


def headers_schema() -> Document:
    """The headers of every event."""
    attributes = Envelope.model_json_schema(schema_generator=Untitled)
    described = {header: attributes["properties"][name] for name, header in HEADERS.items()}
    # absent where there is none, never null
    described["traceparent"] = {"type": "string", "description": described["traceparent"]["description"]}
    return {
        "type": "object",
        "description": "The attributes of CloudEvents 1.0 in Kafka's binary mode, in UTF-8, and the trace.",
        "required": ["ce_specversion", *(HEADERS[name] for name in attributes["required"]), "content-type"],
        "properties": {
            "ce_specversion": {"const": SPEC_VERSION, "description": "Version of CloudEvents."},
            **described,
            "content-type": {"const": CONTENT_TYPE, "description": "What the value is."},
        },
    }


def example_headers(event: Event, teller: str) -> dict[str, str]:
    return Envelope(
        id=EXAMPLE_ID,
        source=f"/duijie/{teller}",
        type=event.TYPE,
        subject=event.key,
        time=EXAMPLE_TIME,
        traceparent=f"00-{'0af7651916cd43dd8448eb211c80319c'}-{'b7ad6b7169203331'}-01",
    ).headers()


def _server() -> Document:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "TLS and SASL as DUIJIE_KAFKA_SECURITY_PROTOCOL says.",
        "variables": {
            "bootstrap": {"default": "127.0.0.1:9092", "description": "DUIJIE_KAFKA_BOOTSTRAP: `host:port`, several."}
        },
    }


def _channels(told: Told, golden: Mapping[str, str]) -> Iterator[tuple[str, Document]]:
    topic, dead = told.topic, told.topic.dead_letters
    yield (
        topic.name,
        {
            "address": topic.name,
            "description": told.about,
            "messages": {kind.TYPE: _message(kind, told.teller, golden[file_of(kind)]) for kind in told.kinds},
            "bindings": {"kafka": _channel_binding(topic.partitions, topic.retention_ms)},
        },
    )
    yield (
        dead.name,
        {
            "address": dead.name,
            "description": (
                f"Records of `{topic.name}` that could not be handled, with the reason. No service listens: an "
                "operator reads them and sends them to their topic again (`duijie dlq`), which leaves a receipt."
            ),
            "messages": {DEAD_LETTER: _dead_letter(), RECEIPT: _receipt()},
            "bindings": {"kafka": _channel_binding(dead.partitions, dead.retention_ms)},
        },
    )


def _channel_binding(partitions: int, retention_ms: int) -> Document:
    return {
        "partitions": partitions,
        "topicConfiguration": {"retention.ms": retention_ms},
        "bindingVersion": BINDING_VERSION,
    }


def _message(kind: type[Event], teller: str, golden: str) -> Document:
    event = kind.model_validate_json(golden)
    own = {"ce_type": {"const": kind.TYPE}, "ce_source": {"const": f"/duijie/{teller}"}}
    return {
        "name": kind.TYPE,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").split("\n")[0],
        "contentType": CONTENT_TYPE,
        "headers": {"allOf": [{"$ref": "#/components/schemas/headers"}, {"type": "object", "properties": own}]},
        "payload": {"$ref": f"./schemas/{file_of(kind)}"},
        "examples": [
            {
                "name": "golden",
                "headers": example_headers(event, teller),
                "payload": event.model_dump(mode="json"),
            }
        ],
        "bindings": {"kafka": {"key": _key(kind), "bindingVersion": BINDING_VERSION}},
    }


def _key(kind: type[Event]) -> Document:
    name = key_of(kind)
    field = kind.model_json_schema(schema_generator=Untitled)["properties"][name]
    of_field = {word: value for word, value in field.items() if word in {"type", "format"}}
    return {**of_field, "description": f"`{name}` of the value, in UTF-8."}


def _dead_letter() -> Document:
    return _record(
        DEAD_LETTER,
        "A record as it came, whatever it was, with the reason in its headers.",
        "Those that the record had, and ours.",
        {
            CONSUMER: "Who could not handle it: a consumer group, or the relay that could not send it.",
            ERROR: "Why not.",
            BODY_BYTES: "How many bytes its value had; only where that was too large to be kept.",
        },
        [CONSUMER, ERROR],
        "As it came; it need not be JSON.",
    )


def _receipt() -> Document:
    return _record(
        RECEIPT,
        "A dead letter was sent to its topic again.",
        "Which one.",
        {REDRIVEN_OF: "Where the dead letter stands, as `duijie dlq list` tells it."},
        [REDRIVEN_OF],
        "Empty.",
    )


def _record(
    name: str, summary: str, headers: str, described: Mapping[str, str], required: list[str], payload: str
) -> Document:
    properties = {header: {"type": "string", "description": text} for header, text in described.items()}
    return {
        "name": name,
        "title": name.replace("-", " ").capitalize(),
        "summary": summary,
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "description": headers, "required": required, "properties": properties},
        "payload": {"description": payload},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The record's own."},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operations(told: Told) -> Iterator[tuple[str, Document]]:
    topic, dead = told.topic.name, told.topic.dead_letters.name
    types = [kind.TYPE for kind in told.kinds]
    yield (
        f"{told.teller}-sends-{topic}",
        {**_operation("send", topic, types), "summary": f"{told.teller} tells it, through the outbox of its database."},
    )
    for listener in told.listeners:
        group = {"groupId": {"const": listener}, "bindingVersion": BINDING_VERSION}
        yield (
            f"{listener}-receives-{topic}",
            {
                **_operation("receive", topic, types),
                "summary": f"{listener} listens; its inbox makes each effect single.",
                "bindings": {"kafka": group},
            },
        )
    for sender in sorted({told.teller, *told.listeners}):
        # the relay of the teller what is too large to be sent, consumers what they can't handle
        yield (
            f"{sender}-sends-{dead}",
            {
                **_operation("send", dead, [DEAD_LETTER]),
                "summary": f"{sender} puts aside what it can't handle or send.",
            },
        )


def _operation(action: str, channel: str, messages: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
