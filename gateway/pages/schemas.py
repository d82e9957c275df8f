"""The schemas of the OpenAPI document as something to read: members, kinds in words, examples."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.problems import Language, Text

DEEP = 6  # an example goes no deeper: schemas may contain themselves
MEMBERS_DEEP = 3  # the items of a list and what lies in them

KINDS: dict[str, Text] = {
    "string": Text("文本", "text"),
    "integer": Text("整数", "integer"),
    "number": Text("数字", "number"),
    "boolean": Text("是或否", "true or false"),
    "object": Text("对象", "object"),
    "null": Text("空", "null"),
    "date-time": Text("时间", "time"),
    "date": Text("日期", "date"),
    "time": Text("时刻", "time of day"),
    "uuid": Text("标识", "id"),
    "uri": Text("网址", "URL"),
    "any": Text("任意", "any"),
}
ARRAY = Text("{kind}的数组", "list of {kind}")
OR = Text(" 或 ", " or ")

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a body. `where` is path, query or header; empty for a member."""

    name: str
    where: str
    kind: str
    required: bool
    about: str
    default: str = ""


class Schemas:
    """Reads schemas of one document, following its references. `said` gives a description in the reader's language."""

    def __init__(self, document: Schema, said: Callable[[Schema], str], language: Language) -> None:
        self._document = document
        self._said = said
        self._language = language

    def members(self, schema: Schema) -> Sequence[Field]:
        """The members of the object, of those in it (`origin.adcode`) and of lists' items (`items[].id`)."""
        return list(self._members(schema, "", MEMBERS_DEEP))

    def kind(self, schema: Schema) -> str:
        """`text`, `id or null`, `list of object`…"""
        schema = self.followed(schema)
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._word(OR).join(dict.fromkeys(self.kind(each) for each in schema[choice]))
        kind = schema.get("format") or schema.get("type", "any")
        if kind == "array":
            return self._word(ARRAY, kind=self.kind(schema.get("items", {})))
        return self._word(KINDS.get(kind) or KINDS.get(schema.get("type", ""), KINDS["any"]))

    def default(self, schema: Schema) -> str:
        """What counts when it is left out, as JSON; empty where that is nothing, or goes without saying."""
        default = schema.get("default")
        return "" if default is None or isinstance(default, (dict, list)) else json.dumps(default, ensure_ascii=False)

    def example(self, schema: Schema, depth: int = DEEP) -> Any:
        """What stands in the schema as an example or default, else something of its type."""
        schema = self.followed(schema)
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
                return self.example(schema[choice][0], depth)
        return self._example_of_type(schema, depth)

    def followed(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found.get(step, {})
            schema = found
        return schema

    def _members(self, schema: Schema, before: str, depth: int) -> Iterator[Field]:
        schema, mark = self._inside(schema)
        if mark:
            before = f"{before.removesuffix('.')}{mark}." if before else ""
        required = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            kind, default = self.kind(member), self.default(member)
            yield Field(f"{before}{name}", "", kind, name in required, self._said(member), default)
            if depth > 1:
                yield from self._members(member, f"{before}{name}.", depth - 1)

    def _inside(self, schema: Schema) -> tuple[Schema, str]:
        """The object that the schema is, may be, or lists; with `[]` where it is a list."""
        schema, mark = self.followed(schema), ""
        if "anyOf" in schema:
            schema = next((found for each in schema["anyOf"] if "$ref" in each and (found := self.followed(each))), {})
        if schema.get("type") == "array":
            schema, mark = self.followed(schema.get("items", {})), "[]"
        return schema, mark

    def _example_of_type(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object":
            members = schema.get("properties", {})
            return {name: self.example(member, depth - 1) for name, member in members.items()}
        if kind == "array":
            return [self.example(schema.get("items", {}), depth - 1)]
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        if kind == "boolean":
            return True
        by_format = {"date-time": "2026-11-23T00:00:00Z", "uuid": "01900000-0000-7000-8000-000000000000"}
        return by_format.get(schema.get("format", ""), "…") if kind == "string" else None

    def _word(self, text: Text, **fields: str) -> str:
        return text.in_language(self._language, fields)
