"""JSON as the surface takes it: one meaning, or none."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any, NoReturn

from chassis.problems import FieldError, MalformedJson, Text

MAX_DEPTH = 32
SHOWN_MAX = 100  # characters of what was sent, where an error repeats it


def parse_strictly(body: bytes) -> Any:
    """JSON by RFC 8259: UTF-8, no NaN, no depth over 32, no name twice. Fractions come as exact Decimals."""
    try:
        text = body.decode("utf-8")
        parsed = DECODER.decode(text)
    except RepeatedName as error:
        raise MalformedJson(errors=[FieldError("#", error.told())]) from error
    except (ValueError, RecursionError) as error:
        raise MalformedJson() from error
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_too_deep(parsed):
        raise MalformedJson()
    return parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class RepeatedName(ValueError):
    """A name stands twice in one object, and nobody can tell which of the two is meant."""

    def told(self) -> Text:
        name = self.args[0][:SHOWN_MAX].encode(errors="replace").decode()
        return Text(f"同一对象中 {name} 出现两次。", f"{name} stands twice in one object.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise RepeatedName(next(name for name in counted if counted[name] > 1))
    return found


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in children if isinstance(child, (dict, list))]
