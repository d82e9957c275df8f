"""What the query of a request may hold: a filter that is misspelt must not list everything."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant

from chassis.auth import current_caller, takes_token
from chassis.problems import FieldError, InvalidInput, Text

OTHERS_MAX = 20
LAST_EVENT = "lastEventId"
"""How replacements of `EventSource` that may send no header tell of the last event that they had."""
ADDED_BY_OTHERS = ("_", "utm_")
"""How names begin that caches are passed by with, or that follow a link around; they are no filters."""
NO_PARAMETER = Text("没有这个参数。可用的有：{known}。", "There is no such parameter. There are: {known}.")
TWICE = Text("这个参数只能给出一次。", "This parameter may stand there once only.")
NO_QUERY = Text("此操作没有查询参数。", "This operation takes no parameters in its query.")


class QueryNames:
    """The parameters that a route and its dependencies have; one that `streams` may be connected to again by programs
    that add the name LAST_EVENT."""

    def __init__(self, dependant: Dependant, *, streams: bool = False) -> None:
        whole = list(_with_all_below(dependant))
        found = [each for part in whole for each in part.query_params]
        self._names = {each.alias for each in found} | ({LAST_EVENT} if streams else set())
        self._repeated = {each.alias for each in found if get_origin(each.field_info.annotation) is list}
        known = ", ".join(dict.fromkeys(each.alias for each in found if _is_told(each)))
        self._text = _no_parameter(known) if known else NO_QUERY
        self._needs_caller = any(takes_token(part.call) for part in whole)

    async def refuse_others(self, request: Request) -> None:
        """Raises InvalidInput for any other name, and for one of its own that stands there twice, of which only the
        last would count, unless it takes a list; first Unauthenticated, where it takes a token."""
        counts = Counter(name for name, _ in request.query_params.multi_items())
        others = (name for name in counts if name not in self._names)
        wrong = {name: self._text for name in others if not name.startswith(ADDED_BY_OTHERS)}
        once = self._names - self._repeated
        wrong |= {name: TWICE for name, count in counts.items() if name in once and count > 1}
        if not wrong:
            return
        if self._needs_caller:
            await current_caller(request)
        told = islice(wrong.items(), OTHERS_MAX)
        raise InvalidInput(errors=[FieldError(f"#/query/{_escaped(name)}", text) for name, text in told])


def _is_told(field: Any) -> bool:
    return bool(getattr(field.field_info, "include_in_schema", True))


def _no_parameter(known: str) -> Text:
    return Text(NO_PARAMETER.zh.format(known=known), NO_PARAMETER.en.format(known=known))


def _with_all_below(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _with_all_below(each)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
