"""Types of the public surface: kilograms, money, pages, points."""

from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    WithJsonSchema,
)

from chassis.problems import NUL, Text
from chassis.validation import invalid

QUANTITY_MAX_KG = 10_000_000
PRICE_MAX_FEN_PER_KG = 1_000_000
GRAMS_PER_KG = 1000


class RequestModel(BaseModel):
    """A body or part of one: unknown fields are refused, and nothing is guessed from another type."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ResponseModel(BaseModel):
    """An answer."""

    model_config = ConfigDict(from_attributes=True)


def kg_of(grams: int) -> int | float:
    """Grams as the kilograms of the surface: a JSON number with at most 3 decimals, exact below 2^53 g."""
    whole, rest = divmod(grams, GRAMS_PER_KG)
    return grams / GRAMS_PER_KG if rest else whole


def only_numbers(value: Any) -> Any:
    """Refuse text and booleans, which pydantic would take for numbers; fractions become exact."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise invalid("number_required", Text("必须是数字。", "It must be a number."))
    return Decimal(repr(value)) if isinstance(value, float) else value


def _at_most_3_decimals(value: Decimal) -> Decimal:
    if value != round(value, 3):
        raise invalid("kg_precision", Text("公斤数最多三位小数。", "Kilograms have at most 3 decimals."))
    return value


_KG_SCHEMA = {"type": "number", "multipleOf": 0.001, "maximum": QUANTITY_MAX_KG}

Kg = Annotated[
    Decimal,
    Field(gt=0, le=QUANTITY_MAX_KG, allow_inf_nan=False),
    BeforeValidator(only_numbers),
    AfterValidator(_at_most_3_decimals),
    WithJsonSchema({**_KG_SCHEMA, "exclusiveMinimum": 0}),
]
"""Kilograms that come in: more than nothing, to the gram."""

KgOrNone = Annotated[
    Decimal,
    Field(ge=0, le=QUANTITY_MAX_KG, allow_inf_nan=False),
    BeforeValidator(only_numbers),
    AfterValidator(_at_most_3_decimals),
    WithJsonSchema({**_KG_SCHEMA, "minimum": 0}),
]
"""Kilograms that come in and may be 0, such as a least fill."""

KgOut = Annotated[int, PlainSerializer(kg_of, return_type=int | float), WithJsonSchema({"type": "number"})]
"""Grams inside, kilograms in the answer."""

PriceFenPerKg = Annotated[StrictInt, Field(ge=0, le=PRICE_MAX_FEN_PER_KG)]
AmountFen = Annotated[StrictInt, Field(gt=0, le=2**53 - 1)]


def to_grams(kg: Decimal) -> int:
    """Exact: the kilograms of the surface have at most 3 decimals."""
    return int(kg * GRAMS_PER_KG)


def _in_utc_after_2000(value: AwareDatetime) -> AwareDatetime:
    if not 2000 <= value.year <= 2100:
        raise invalid("time_range", Text("时间须在 2000 至 2100 年之间。", "The time must lie between 2000 and 2100."))
    return value.astimezone(UTC)


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise invalid("time_text", Text("时间须为 RFC 3339 文本。", "A time is RFC 3339 text."))
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc_after_2000), BeforeValidator(_only_text)]
"""An RFC 3339 time with its offset; inside it is in UTC, so that the first answer says what every later one says."""


def _of_this_century(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise invalid("date_range", Text("日期须在 2000 至 2100 年之间。", "The date must lie between 2000 and 2100."))
    return day


Day = Annotated[date, AfterValidator(_of_this_century)]
"""A day, such as an `Instant` may fall on."""


def no_nul(value: str) -> str:
    """PostgreSQL's text can't hold U+0000."""
    if "\0" in value:
        raise invalid("nul", NUL)
    return value


ShortText = Annotated[str, Field(max_length=200), AfterValidator(no_nul)]
LongText = Annotated[str, Field(max_length=4000), AfterValidator(no_nul)]

Limit = Annotated[int, Query(ge=1, le=500)]


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list; `next` goes into `?after=`, and is null on the last page."""

    items: list[Item]
    next: str | None

    @classmethod
    def of(cls, items: list[Item], limit: int, cursor: Any) -> Self:
        """The first `limit` of `items`, which were asked for with one more than that."""
        page = items[:limit]
        return cls(items=page, next=str(cursor(page[-1])) if len(items) > limit else None)
