"""The JSON Schema of each event, and what may be changed in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from contracts.event import Event
from duijie.docs.told import file_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANNOTATIONS = {"$schema", "$id", "title", "description", "default", "$defs"}
"""What may be worded anew: no consumer reads it."""

ORDER = ("$schema", "$id", "title", "description", "type", "properties", "required", "$defs")
"""For readers."""

Schema = Mapping[str, Any]


class Untitled(GenerateJsonSchema):
    """Without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """What a consumer may rely on: a field is required here when no event was ever told without it."""
    schema = {"$schema": DIALECT, "$id": file_of(kind), **kind.model_json_schema(schema_generator=Untitled)}
    return {word: schema[word] for word in ORDER if word in schema} | schema


def breaks(old: Schema, new: Schema) -> list[str]:
    """What would break those who read or wrote by `old`, each as a sentence. Only optional fields may be added."""
    return list(_differences("", old, new, old.get("$defs", {}), new.get("$defs", {})))


def _differences(path: str, old: Any, new: Any, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    old, new = _bare(old, old_defs), _bare(new, new_defs)
    if not (_is_schema(old) and _is_schema(new)):
        if old != new:
            yield f"{path}: {old!r} became {new!r}."
        return
    yield from _of_fields(path, old, new, old_defs, new_defs)
    for word in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        was, now = old.get(word), new.get(word)
        if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            for one, other in zip(was, now, strict=True):
                yield from _differences(path, one, other, old_defs, new_defs)
        else:
            yield from _differences(path, was, now, old_defs, new_defs)


def _of_fields(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    had, has = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name in had:
        at = f"{path}.{name}".lstrip(".")
        if name not in has:
            yield f"{at} is gone."
        else:
            yield from _differences(at, had[name], has[name], old_defs, new_defs)
            if (name in needed) != (name in needs):
                yield f"{at} is {'no longer' if name in needed else 'now'} required."
    for name in sorted(has.keys() - had.keys()):
        if name in needs:
            yield f"{f'{path}.{name}'.lstrip('.')} is new and required."


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping)


def _bare(value: Any, defs: Schema) -> Any:
    """Without annotations, and with what it refers to in place of the reference."""
    if not _is_schema(value):
        return value
    if "$ref" in value:
        return _bare(defs[value["$ref"].removeprefix("#/$defs/")], defs)
    return {word: each for word, each in value.items() if word not in ANNOTATIONS}
