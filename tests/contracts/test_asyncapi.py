"""The AsyncAPI document: valid by AsyncAPI's own schema, whole, and true of the code."""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from chassis.dead_letters import dead_letter, without_body
from chassis.inbox import Consumer
from chassis.transport.base import Record
from contracts.topics import TOPICS, declared
from duijie.databases import DATABASES
from duijie.docs.asyncapi import HEADERS
from duijie.docs.told import all_told, key_of
from duijie.docs.writing import EVENTS as FOLDER
from tests.contracts.support import EVENTS, golden
from tests.support.asyncapi import asyncapi_schema

DOCUMENT: dict[str, Any] = json.loads((FOLDER / "asyncapi.json").read_bytes())
CHANNELS: dict[str, Any] = DOCUMENT["channels"]
MESSAGES = {name: message for channel in CHANNELS.values() for name, message in channel["messages"].items()}


def test_the_document_is_valid_by_asyncapi_s_own_schema() -> None:
    errors = Draft7Validator(asyncapi_schema()).iter_errors(DOCUMENT)
    assert [(list(error.absolute_path), error.message[:200]) for error in errors] == []


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def resolved(reference: str) -> Any:
    file, _, path = reference.partition("#/")
    part: Any = json.loads((FOLDER / file).read_bytes()) if file else DOCUMENT
    for name in filter(None, path.split("/")):
        part = part[name]
    return part


def test_whatever_it_refers_to_is_there() -> None:
    assert all(resolved(reference) for reference in references(DOCUMENT))


def test_every_declared_topic_is_a_channel_as_it_is_declared_and_no_other_is() -> None:
    assert list(CHANNELS) == sorted(topic.name for topic in declared())
    for topic in declared():
        binding = CHANNELS[topic.name]["bindings"]["kafka"]
        assert CHANNELS[topic.name]["address"] == topic.name
        assert binding["partitions"] == topic.partitions
        assert "replicas" not in binding, "that is the brokers' own default"
        assert binding["topicConfiguration"] == {"retention.ms": topic.retention_ms}


def test_every_event_is_a_message_of_its_topic() -> None:
    by_topic: dict[str, set[str]] = defaultdict(set)
    for kind in EVENTS:
        by_topic[kind.TOPIC].add(kind.TYPE)
    assert {topic.name: set(CHANNELS[topic.name]["messages"]) for topic in TOPICS} == by_topic


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_the_example_of_a_message_is_its_golden_json_in_an_envelope_and_both_are_valid(kind: Any) -> None:
    message = MESSAGES[kind.TYPE]
    (example,) = message["examples"]
    assert example["payload"] == golden(kind).model_dump(mode="json")
    Draft202012Validator(resolved(message["payload"]["$ref"])).validate(example["payload"])
    own = message["headers"]["allOf"][1]
    headers = Draft202012Validator({"allOf": [DOCUMENT["components"]["schemas"]["headers"], own]})
    headers.validate(example["headers"])
    assert not headers.is_valid(example["headers"] | {"ce_type": "duijie.other.thing"})
    assert example["headers"]["ce_subject"] == example["payload"][key_of(kind)]


def test_the_headers_are_those_that_an_envelope_writes() -> None:
    schema = DOCUMENT["components"]["schemas"]["headers"]
    example = MESSAGES["duijie.round.cleared"]["examples"][0]["headers"]
    assert schema["properties"].keys() == example.keys()
    assert set(schema["required"]) == example.keys() - {"traceparent"}
    assert set(HEADERS.values()) == example.keys() - {"ce_specversion", "content-type"}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_what_is_put_aside_is_a_dead_letter_or_its_receipt_and_never_both(topic: str) -> None:
    record = Record(topic, "1", b"?", MESSAGES["duijie.round.cleared"]["examples"][0]["headers"])
    kinds = CHANNELS[f"{topic}.dlq"]["messages"]
    for put_aside in dead_letter(record, "matching", "why"), without_body(record, "relay", "why"):
        assert put_aside.topic == f"{topic}.dlq"
        assert described(kinds["dead-letter"], put_aside.headers)
        assert not Draft202012Validator(kinds["receipt"]["headers"]).is_valid(put_aside.headers)


def described(message: Any, headers: Any) -> bool:
    """Valid, and none of our own headers is left untold."""
    ours = {name for name in headers if name.startswith("dlq_")}
    schema = message["headers"]
    return Draft202012Validator(schema).is_valid(dict(headers)) and ours <= schema["properties"].keys()


def operations(action: str, *, dead: bool) -> dict[str, set[str]]:
    """The services that do so, by topic."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, operation in DOCUMENT["operations"].items():
        topic = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert name == f"{name.split('-')[0]}-{operation['action']}s-{topic}"
        messages = CHANNELS[topic]["messages"].keys() - {"receipt"}  # which only `duijie dlq` leaves
        assert {each["$ref"] for each in operation["messages"]} == {
            f"#/channels/{topic}/messages/{message}" for message in messages
        }
        if operation["action"] == action and topic.endswith(".dlq") == dead:
            found[topic.removesuffix(".dlq")].add(name.split("-")[0])
    return found


def test_who_listens_are_the_consumers_that_the_workers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, set[str]] = defaultdict(set)

    class Recorded(Consumer):
        def __init__(self, name: str, db: Any, transport: Any, subscriptions: Any, *others: Any, **more: Any) -> None:
            for subscription in subscriptions:
                heard[subscription.topic].add(name)
            super().__init__(name, db, transport, subscriptions, *others, **more)

    for service in DATABASES:
        module = import_module(f"{DATABASES[service].package}.worker")
        monkeypatch.setattr(module, "Consumer", Recorded, raising=False)
        create = getattr(module, f"create_{service}_worker")
        needed = [each for each in signature(create).parameters.values() if each.default is Parameter.empty]
        create(**{each.name: MagicMock() for each in needed})
    assert operations("receive", dead=False) == heard
    assert operations("receive", dead=True) == {}
    # who can't handle a record or can't send it puts it aside
    for topic, tellers in operations("send", dead=False).items():
        assert operations("send", dead=True)[topic] == heard[topic] | tellers


def test_who_tells_are_the_services_that_make_the_event() -> None:
    made: dict[str, set[str]] = defaultdict(set)
    topics = {kind.__name__: kind.TOPIC for kind in EVENTS}
    for service, database in DATABASES.items():
        root = Path(import_module(database.package).__path__[0])
        for file in root.rglob("*.py"):
            if file.name != "handlers.py":
                for name in made_in(ast.parse(file.read_text(encoding="utf-8"))) & topics.keys():
                    made[name].add(service)
    assert made == {kind.__name__: operations("send", dead=False)[kind.TOPIC] for kind in EVENTS}
    assert {told.topic.name: {told.teller} for told in all_told()} == operations("send", dead=False)


def made_in(part: ast.AST) -> set[str]:
    """The classes that are used as values: called, passed on or kept; not those that only stand in annotations."""
    found = {part.id} if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) else set()
    for field, value in ast.iter_fields(part):
        if field not in {"annotation", "returns"}:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    found |= made_in(each)
    return found
