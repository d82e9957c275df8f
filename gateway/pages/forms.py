"""Forms: what was typed into one that the API refused, and how what people type becomes what the API takes."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from unicodedata import normalize
from uuid import uuid4

from fastapi import Depends, Request

from catalogue.days import CHINA
from chassis.problems import Language, Problem
from gateway.pages.asking import Told
from gateway.pages.numbers import decimal, json_number, yuan
from gateway.pages.shown import FEN_PER_YUAN

FIELDS_MAX = 200
TYPED_MAX_CHARS = 2000


class Typed(dict[str, str]):
    """The fields of a form, without blanks around, the last of a name; what was left empty is not there."""

    many: dict[str, list[str]]
    """All values of a name, for boxes that are ticked."""

    @property
    def key(self) -> str:
        """Made when the form was shown, so that it does once what is sent twice."""
        return self.get("key", "")


def typed_of(fields: Iterable[tuple[str, str]], *whole: str) -> Typed:
    """Each field to `TYPED_MAX_CHARS`, but for those that are kept whole."""
    told = [(name, (value if name in whole else value[:TYPED_MAX_CHARS]).strip()) for name, value in fields]
    typed = Typed({name: value for name, value in told if value})
    typed.many = {name: [] for name in typed}
    for name, value in told:
        typed.many.get(name, []).extend([value] if value else [])
    return typed


def form_with(*whole: str, fields_max: int = FIELDS_MAX) -> Callable[[Request], Coroutine[Any, Any, Typed]]:
    """A dependency: the form as it was sent, of at most so many fields; some may be as long as a request's body."""

    async def typed(request: Request) -> Typed:
        form = await request.form(max_files=0, max_fields=fields_max)
        return typed_of(((name, str(value)) for name, value in form.multi_items()), *whole)

    return typed


Form = Annotated[Typed, Depends(form_with())]


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a list."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that was sent and refused; nothing on a page that was only opened. A page may have several, by name."""

    form: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    told: Told | None = None

    @property
    def status(self) -> int:
        return self.told.status if self.told else 200

    def was(self, form: str) -> bool:
        """Whether it is that form which was sent."""
        return self.told is not None and self.form == form

    def value(self, form: str, name: str, otherwise: object = "") -> str:
        """As it was typed."""
        return self.typed.get(name, "") if self.was(form) else str(otherwise)

    def fault(self, form: str, *pointers: str) -> str:
        """What is wrong with the field: the first of these pointers, or of what lies under one."""
        faults = self._faults(form)
        return next((faults[pointer] for wanted in pointers for pointer in faults if _lies_in(pointer, wanted)), "")

    def faults_beside_none(self, form: str, *fields: str) -> list[str]:
        """What is wrong with what has no field in the form, and what its field leaves out: it tells the first."""
        faults = self._faults(form)
        beside = {next((each for each in faults if _lies_in(each, wanted)), "") for wanted in fields}
        return [text for pointer, text in faults.items() if pointer not in beside]

    def _faults(self, form: str) -> Mapping[str, str]:
        return self.told.faults() if self.told is not None and self.was(form) else {}

    def problem(self, form: str) -> Mapping[str, Any] | None:
        """What the API said against that form; None of any other."""
        return self.told.said if self.told is not None and self.was(form) else None


def _lies_in(pointer: str, field: str) -> bool:
    return pointer == field or pointer.startswith(f"{field}.")


NOTHING_TRIED = Tried()


@dataclass(frozen=True, slots=True)
class Wrong:
    """A problem as a form shows it: each fault beside its field, `above` the form what has no field to stand by."""

    faults: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, Any] | None = None


def wrong_of(language: Language, problem: Problem | None, *fields: str) -> Wrong:
    """What the problem says of a form that has these fields."""
    if problem is None:
        return Wrong()
    told = refused(language, problem)
    faults = told.faults()
    return Wrong(faults) if faults and faults.keys() <= set(fields) else Wrong(above=told.said)


def words_of(typed: str | None) -> list[str]:
    """What is parted by blanks or commas, each once; full-width letters and digits as plain ones."""
    plain = normalize("NFKC", typed or "").replace(",", " ").replace("、", " ")
    return list(dict.fromkeys(plain.split()))


def refused(language: Language, problem: Problem) -> Told:
    """What a form is told that the pages refuse by themselves, as if the API had."""
    return Told(problem.status, problem.body(language), None)


def new_key() -> str:
    """Of a form that is shown; it comes back with whatever is sent by it."""
    return str(uuid4())


def fen(typed: str | None) -> int | str | None:
    """Yuan as typed, in fen. What is no amount goes on as it is: the API says what is wrong with it."""
    read = yuan(typed or "")
    if typed is None or read is None:
        return typed
    amount = read * FEN_PER_YUAN
    return int(amount) if amount == amount.to_integral_value() else typed


def number(typed: str | None) -> int | float | str | None:
    """A number as typed; what is none goes on as it is."""
    read = decimal(typed or "")
    return typed if typed is None or read is None else json_number(read)


def instant(typed: str | None) -> str | None:
    """A day or a time by the clocks of China, as browsers send it: `2026-11-29` or `2026-11-29T14:05`."""
    if typed is None:
        return None
    try:
        read = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return (read if read.tzinfo else read.replace(tzinfo=CHINA)).isoformat()


def end_of_day(typed: str | None) -> str | None:
    """The midnight with which that day ends by the clocks of China, for a bound of the API that is not of the span
    itself: what is typed as the last day counts as a whole."""
    try:
        return datetime.combine(date.fromisoformat(typed or "") + timedelta(days=1), time(), CHINA).isoformat()
    except (ValueError, OverflowError):
        return instant(typed)


def given(**members: object) -> dict[str, object]:
    """A body without what was left empty."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
