"""The columns of a file of rows: which fields they are, what a spreadsheet calls them, what must be there."""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel

from chassis.problems import FieldError, InvalidInput, Text

ERRORS_MAX: Final = 20
"""Of one row: more help nobody, and a file could hold a million."""
NO_COLUMN: Final = Text("没有这一列。可用的列名：{known}。", "There is no such column. There are: {known}.")
TWICE: Final = Text("此列出现两次。", "This column stands there twice.")
MISSING: Final = Text(
    "文件没有这一必需的列：{heading}。", "Every row needs this column, and the file has none: {heading}."
)

Kind = Literal["text", "integer", "number", "boolean"]


class Column:
    """A field, by its path into the object, and what its cells hold."""

    __slots__ = ("kind", "path")

    def __init__(self, name: str, kind: Kind) -> None:
        self.path = name.split(".")
        self.kind = kind


class Fields(NamedTuple):
    """What the columns of a file may be: kinds by names, those that every row needs, and names by headings."""

    kinds: Mapping[str, Kind]
    required: Collection[str]
    by_heading: Mapping[str, str]

    def known_in(self, headings: Sequence[str] | InvalidInput) -> int:
        """How many of them are fields; none where there are no headings."""
        if isinstance(headings, InvalidInput):
            return -1
        return sum(name in self.kinds for name in self.names(headings))

    def names(self, headings: Sequence[str]) -> list[str]:
        # spreadsheets write brackets in either width
        plain = [unicodedata.normalize("NFKC", heading).strip() for heading in headings]
        return [self.by_heading.get(heading, heading) for heading in plain]

    def columns(self, headings: Sequence[str]) -> list[Column | None]:
        """What each column holds; None for one without a heading, which spreadsheets leave at the right edge."""
        names = self.names(headings)
        known = ", ".join(self.shown(name) for name in self.kinds)
        there = Text(*(each.format(known=known) for each in NO_COLUMN))
        errors = [FieldError(pointer_of(name), there) for name in names if name and name not in self.kinds]
        errors += [
            FieldError(pointer_of(name), TWICE) for name in dict.fromkeys(names) if name and names.count(name) > 1
        ]
        errors = errors or [self._missing(name) for name in self.required if any(names) and name not in names]
        if errors:
            raise InvalidInput(errors=errors[:ERRORS_MAX])
        return [Column(name, self.kinds[name]) if name else None for name in names]

    def shown(self, name: str) -> str:
        """The field with what it is called in a spreadsheet."""
        heading = next((heading for heading, each in self.by_heading.items() if each == name), None)
        return f"{name} ({heading})" if heading else name

    def _missing(self, name: str) -> FieldError:
        return FieldError(pointer_of(name), Text(*(each.format(heading=self.shown(name)) for each in MISSING)))


def kinds_of(schema: type[BaseModel]) -> dict[str, Kind]:
    """The columns that files of this schema may have."""
    whole = schema.model_json_schema()
    return dict(_members(whole, whole.get("$defs", {}), ""))


def required_of(schema: type[BaseModel]) -> list[str]:
    """The columns without which no row of this schema is one."""
    whole = schema.model_json_schema()
    return list(_needed(whole, whole.get("$defs", {}), ""))


def _needed(told: Mapping[str, Any], defined: Mapping[str, Any], before: str) -> Iterator[str]:
    for name in told.get("required", ()):
        member = _resolved(told["properties"][name], defined)
        if "properties" in member:
            yield from _needed(member, defined, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def _members(told: Mapping[str, Any], defined: Mapping[str, Any], before: str) -> Iterator[tuple[str, Kind]]:
    for name, member in told["properties"].items():
        options = [_resolved(each, defined) for each in member.get("anyOf", [member])]
        shown = next(each for each in options if each.get("type") != "null")
        if "properties" in shown:
            yield from _members(shown, defined, f"{before}{name}.")
        else:
            kind = shown.get("type")
            yield f"{before}{name}", kind if kind in {"integer", "number", "boolean"} else "text"


def _resolved(told: Mapping[str, Any], defined: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = told.get("$ref")
    return defined[reference.rpartition("/")[2]] if reference else told


def pointer_of(name: str) -> str:
    return "#/" + name.replace("~", "~0").replace("/", "~1").replace(".", "/")
