"""A bank's own list held against what was paid, on a page; nothing of the file is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from chassis.problems import Language, Text
from gateway.pages.asking import Told
from gateway.pages.forms import Tried, Typed, typed_of
from gateway.pages.reader import Reader
from gateway.pages.shown import day

LISTS = ("off", "doubled", "missing", "unknown")
"""What does not fit, in the order in which it is looked at."""
LISTED_MAX = 200
"""Of each list. Who has more to look at compares fewer days, or puts these right first."""
LINE = Text("第 {line} 行：{why}", "Line {line}: {why}")
NO_FILE = Text("请选择银行流水文件。", "Choose the bank's file.")
FIELDS = frozenset({"from", "to", "file"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form as it was sent."""

    typed: Typed
    file: bytes


async def sheet_of(request: Request) -> Sheet:
    """Read whole; the route limits how large it may be."""
    form = await request.form()
    typed = typed_of((name, value) for name, value in form.multi_items() if isinstance(value, str))
    file = form.get("file")
    return Sheet(typed, await file.read() if isinstance(file, UploadFile) else b"")


Came = Annotated[Sheet, Depends(sheet_of)]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it: `found` by the API's names, None where it was refused. `days` are those that the form begins
    with."""

    days: Mapping[str, str]
    tried: Tried
    found: Mapping[str, Any] | None = None


def begin() -> Compared:
    """This month up to today, by the clocks of China."""
    today = day(datetime.now(UTC))
    return Compared({"from": f"{today[:8]}01", "to": today}, Tried())


async def compare(reader: Reader, sheet: Sheet) -> Compared:
    """Hold the file against what was paid on these days. Raises ServiceUnavailable."""
    days = {name: sheet.typed.get(name, "") for name in ("from", "to")}
    told = await reader.api.bring("/v1/settlements/reconcile", sheet.file, "text/csv", **days, limit=LISTED_MAX)
    if told.ok:
        return Compared(days, Tried(), told.said)
    return Compared(days, Tried("bank", sheet.typed, _by_fields(told, not sheet.file, reader.language)))


def _by_fields(told: Told, is_empty: bool, language: Language) -> Told:
    """The same refusal beside the form's fields: what is wrong with a line is said of the file, and names the line."""
    if not told.faults():
        return told
    errors = []
    for place, why in told.faults().items():
        name = place.removeprefix("query.")
        said = LINE.in_language(language, {"line": name, "why": why}) if name.isdecimal() else why
        errors.append({"pointer": f"#/{name if name in FIELDS else 'file'}", "detail": said})
    if is_empty:
        errors = [each for each in errors if each["pointer"] != "#/file"]
        errors.append({"pointer": "#/file", "detail": NO_FILE.in_language(language)})
    return replace(told, said={**told.said, "errors": errors})
