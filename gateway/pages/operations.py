"""The OpenAPI document as something to read: operations by tag, with their parameters, bodies and examples."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
DEEP = 6  # an example goes no deeper: schemas may contain themselves

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a body."""

    name: str
    where: str
    kind: str
    required: bool
    about: str


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
    answers: Sequence[tuple[str, str, str]]


def by_tag(document: Schema) -> list[tuple[str, list[Operation]]]:
    """Every operation of the document, by tag and path."""
    reader = _Reader(document)
    operations = sorted(reader.operations(), key=lambda each: (each.tag, each.path, METHODS.index(each.method)))
    return [(tag, list(group)) for tag, group in groupby(operations, key=lambda each: each.tag)]


class _Reader:
    """Reads one document, following its references."""

    def __init__(self, document: Schema) -> None:
        self._document = document

    def operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method])

    def _operation(self, path: str, method: str, told: Schema) -> Operation:
        content: Schema = told.get("requestBody", {}).get("content", {})
        body_type = next(iter(content), "")
        schema = content.get(body_type, {}).get("schema", {})
        summary = told.get("summary", "")
        return Operation(
            tag=next(iter(told.get("tags", ())), "other"),
            method=method,
            path=path,
            anchor=f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
            summary=summary,
            about=told.get("description", ""),
            public=told.get("security") == [],
            parameters=[self._parameter(each) for each in told.get("parameters", ())],
            body_type=body_type,
            body=list(self._members(schema)),
            example=self._shown_example(body_type, schema),
            answers=[self._answer(status, told["responses"][status]) for status in sorted(told.get("responses", {}))],
        )

    def _parameter(self, told: Schema) -> Field:
        told = self._followed(told)
        kind = self._kind(told.get("schema", {}))
        return Field(told["name"], told["in"], kind, told.get("required", False), told.get("description", ""))

    def _answer(self, status: str, told: Schema) -> tuple[str, str, str]:
        content: Schema = told.get("content", {})
        media_type = next(iter(content), "")
        kind = self._kind(content[media_type].get("schema", {})) if media_type else ""
        return status, told.get("description", ""), kind

    def _members(self, schema: Schema) -> Iterator[Field]:
        schema = self._followed(schema)
        if schema.get("type") == "array":
            schema = self._followed(schema.get("items", {}))
        required = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            yield Field(name, "body", self._kind(member), name in required, member.get("description", ""))

    def _shown_example(self, media_type: str, schema: Schema) -> str:
        if not schema:
            return ""
        example = self._example(schema, DEEP)
        if media_type == "application/x-www-form-urlencoded" and isinstance(example, dict):
            return "&".join(f"{name}={value}" for name, value in example.items())
        return json.dumps(example, ensure_ascii=False, indent=2)

    def _example(self, schema: Schema, depth: int) -> Any:
        """What stands in the schema as an example or default, else something of its type."""
        schema = self._followed(schema)
        for told in ("example", "default", "const"):
            if told in schema:
                return schema[told]
        for told in ("examples", "enum"):
            if schema.get(told):
                return schema[told][0]
        if depth == 0:
            return None
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                return self._example(schema[choice][0], depth)
        return self._example_of_type(schema, depth)

    def _example_of_type(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object":
            members = schema.get("properties", {})
            return {name: self._example(member, depth - 1) for name, member in members.items()}
        if kind == "array":
            return [self._example(schema.get("items", {}), depth - 1)]
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        if kind == "boolean":
            return True
        by_format = {"date-time": "2026-11-23T00:00:00Z", "uuid": "01900000-0000-7000-8000-000000000000"}
        return by_format.get(schema.get("format", ""), "…") if kind == "string" else None

    def _kind(self, schema: Schema) -> str:
        """`string`, `uuid`, `array of ListingOut`, `integer or null`…"""
        if "$ref" in schema:
            return str(schema["$ref"]).rsplit("/", 1)[1]
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return " or ".join(dict.fromkeys(self._kind(each) for each in schema[choice]))
        kind = schema.get("format") or schema.get("type", "any")
        return f"array of {self._kind(schema.get('items', {}))}" if kind == "array" else str(kind)

    def _followed(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found.get(step, {})
            schema = found
        return schema
