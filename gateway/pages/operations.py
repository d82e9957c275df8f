"""The OpenAPI document as something to read: operations by who uses them, with parameters, bodies and answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.problems import Language, Text
from gateway.pages.schemas import Field, Schemas
from gateway.words.operations import OPERATIONS
from gateway.words.telling import ZH

METHODS = ("post", "get", "patch", "put", "delete")
OTHERS = Text("其他", "Others")

ORDER = {name: place for place, name in enumerate(OPERATIONS)}

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all went well."""

    status: str
    about: str
    kind: str
    members: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Problems of one status, by their slugs."""

    status: str
    slugs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    tag: str
    method: str
    path: str
    anchor: str
    summary: str
    about: str
    public: bool
    parameters: Sequence[Field]
    body_type: str
    body: Sequence[Field]
    example: str
    answers: Sequence[Answer]
    problems: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class Tag:
    """The operations on one kind of thing."""

    name: str
    anchor: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Audience:
    """The tags that one kind of user needs."""

    name: str
    tags: Sequence[Tag]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page. `about` is paragraphs."""

    about: Sequence[str]
    audiences: Sequence[Audience]

    def operations(self) -> Iterator[Operation]:
        for audience in self.audiences:
            for tag in audience.tags:
                yield from tag.operations


def read_reference(document: Told, language: Language) -> Reference:
    """Every operation of the document, in the order of its tag groups; what has no group comes last."""
    reader = _Reader(document, language)
    found = sorted(reader.operations(), key=_place)
    by_tag: dict[str, list[Operation]] = {}
    for operation in found:
        by_tag.setdefault(operation.tag, []).append(operation)
    groups = [(said(group, "name", language), group["tags"]) for group in document.get("x-tagGroups", ())]
    rest = set(by_tag).difference(*(tags for _, tags in groups))
    if rest:
        groups.append((OTHERS.in_language(language), sorted(rest)))
    names = {tag["name"]: said(tag, "description", language) for tag in document.get("tags", ())}
    audiences = [
        Audience(name, [Tag(names.get(tag, tag), tag, by_tag[tag]) for tag in tags if tag in by_tag])
        for name, tags in groups
    ]
    return Reference(said(document["info"], "description", language).strip().split("\n\n"), audiences)


def _place(operation: Operation) -> tuple[int, str, int]:
    """In the order in which they are told of: one meets signing in before its keys."""
    known = ORDER.get(operation.anchor, len(ORDER))
    return known, operation.path, METHODS.index(operation.method)


def said(told: Told, key: str, language: Language) -> str:
    """The text in the reader's language, else in the one there is."""
    chinese = told.get(ZH, {}).get(key) if language == "zh-CN" else None
    return str(chinese or told.get(key, ""))


class _Reader:
    """Reads one document in one language."""

    def __init__(self, document: Told, language: Language) -> None:
        self._document = document
        self._language = language
        self._schemas = Schemas(document, lambda told: said(told, "description", language), language)

    def operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method])

    def _operation(self, path: str, method: str, told: Told) -> Operation:
        content: Told = told.get("requestBody", {}).get("content", {})
        body_type = next(iter(content), "")
        schema = content.get(body_type, {}).get("schema", {})
        responses: Told = told.get("responses", {})
        return Operation(
            tag=next(iter(told.get("tags", ())), "other"),
            method=method,
            path=path,
            anchor=told.get("operationId", f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "")),
            summary=said(told, "summary", self._language),
            about=said(told, "description", self._language),
            public=told.get("security") == [],
            parameters=[self._parameter(each) for each in told.get("parameters", ())],
            body_type=body_type,
            body=self._schemas.members(schema),
            example=self._shown_example(body_type, content.get(body_type, {})),
            answers=[self._answer(status, responses[status]) for status in responses if status.startswith("2")],
            problems=[
                Refusal(status, response["x-problems"])
                for status, response in responses.items()
                if response.get("x-problems")
            ],
        )

    def _parameter(self, told: Told) -> Field:
        told = self._schemas.followed(told)
        schema: Told = told.get("schema", {})
        choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        kind = self._schemas.kind({"anyOf": choices} if choices else schema)  # what is left out is no null
        about, default = said(told, "description", self._language), self._schemas.default(schema)
        return Field(told["name"], told["in"], kind, told.get("required", False), about, default)

    def _answer(self, status: str, told: Told) -> Answer:
        content: Told = told.get("content", {})
        media_types = " · ".join(media_type for media_type in content if media_type != "application/json")
        schema: Told = next((each.get("schema", {}) for each in content.values()), {})
        return Answer(status, said(told, "description", self._language), media_types, self._schemas.members(schema))

    def _shown_example(self, media_type: str, content: Told) -> str:
        if not content:
            return ""
        example = content.get("example") or self._schemas.example(content.get("schema", {}))
        if media_type == "application/x-www-form-urlencoded" and isinstance(example, dict):
            return "&".join(f"{name}={value}" for name, value in example.items())
        return json.dumps(example, ensure_ascii=False, indent=2)
