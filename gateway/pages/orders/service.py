"""What a buyer does on their pages: ask for produce, change and cancel that, say yes or no to a match."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from catalogue import produce
from catalogue.days import CHINA
from catalogue.produce import Produce
from chassis.problems import Text
from gateway.pages.asking import Api, Told
from gateway.pages.ordering import (
    NO_NUMBER,
    NO_PRICE,
    Typed,
    Where,
    faults_of,
    fen_typed,
    key_for,
    key_of,
    kg_typed,
    problem_of,
    where,
)
from gateway.pages.reader import Reader

NO_PRODUCE = Text("目录里没有这个，请从列表里选。", "There is no such produce; choose one from the list.")
NO_DAY = Text("请选择日期。", "Choose a day.")
DAYS = 7


@dataclass(frozen=True, slots=True)
class Wish:
    """A new order as it is typed. `by` is the last day, `basis` what the ceiling is of."""

    typed: Typed
    what: str = ""
    by: str = ""
    basis: str = "delivered"
    grade: str = "C"


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a new order as it stands; with `order_id` it was placed."""

    wish: Wish
    where: Where = field(default_factory=Where)
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: Any = None
    status: int = 200
    order_id: str = ""


def last_day(today: date) -> str:
    """Until when a new order asks by itself, as a field of a form takes a day."""
    return (today + timedelta(days=DAYS)).isoformat()


def today() -> date:
    return datetime.now(CHINA).date()


def kind_of(what: str) -> Produce | None:
    """The produce of that slug or name."""
    text = what.strip()
    exact = [each for each in produce.search(text, limit=2) if text]
    names = {(each.slug, each.name_zh, each.name_en.lower()): each for each in exact}
    named = [each for keys, each in names.items() if text in keys or text.lower() in keys]
    return named[0] if named else exact[0] if len(exact) == 1 else None


async def place(reader: Reader, wish: Wish) -> Form:
    """Place the order, or say what is wrong with it."""
    kind, found, by = kind_of(wish.what), where(wish.typed.to, wish.typed.adcode), _end_of(wish.by)
    quantity, ceiling = kg_typed(wish.typed.quantity), fen_typed(wish.typed.ceiling)
    wrong = {
        "what": NO_PRODUCE if kind is None else None,
        "quantity": NO_NUMBER if quantity is None else None,
        "ceiling": NO_PRICE if ceiling is None else None,
        "by": NO_DAY if by is None else None,
    }
    faults = {name: fault.in_language(reader.language) for name, fault in wrong.items() if fault}
    if found.place is None:
        faults["to"] = found.fault(reader.language) or ""
    if faults or kind is None or found.place is None or by is None:
        return Form(wish, found, faults, status=422)
    body = {
        "produce": kind.slug,
        "quantity_kg": quantity,
        "max_price_fen_per_kg": ceiling,
        "price_basis": wish.basis,
        "min_grade": wish.grade,
        "destination": {"adcode": found.place.adcode},
        "deliver_by": by,
    }
    key = key_of(wish.typed, kind.slug, wish.basis, wish.grade, by)
    told = await reader.api.send("POST", "/v1/orders", body, key=key)
    if told.ok:
        return Form(wish, found, order_id=told.said["id"])
    return Form(wish, found, faults_of(told), problem_of(told), told.status)


def _end_of(day: str) -> str | None:
    """The end of that day by the clocks of China, as an instant."""
    try:
        return datetime.combine(date.fromisoformat(day.strip()), time(23, 59, 59), CHINA).isoformat()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to an order from its page. `match_id` where it is said of a match."""

    name: str
    quantity: str = ""
    ceiling: str = ""
    version: str = ""
    key: str = ""
    match_id: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    faults: Mapping[str, str] = field(default_factory=dict)
    problem: Any = None
    status: int = 200

    @property
    def ok(self) -> bool:
        return self.status < 400


async def act(reader: Reader, order_id: object, wanted: Act) -> Done:
    """Do it by the API, whose word is the last."""
    path = f"/v1/orders/{order_id}"
    if wanted.name == "change":
        return await _change(reader, path, wanted)
    if wanted.name == "cancel":
        return _done(await reader.api.send("POST", f"{path}/cancel", key=wanted.key))
    return _done(await _answer(reader.api, wanted))


async def _answer(api: Api, wanted: Act) -> Told:
    path, key = f"/v1/matches/{wanted.match_id}", key_for(wanted.key, wanted.name, wanted.words)
    if wanted.name == "agree":
        return await api.send("POST", f"{path}/agree", key=key)
    return await api.send("POST", f"{path}/decline", {"reason": wanted.words or None}, key=key)


async def _change(reader: Reader, path: str, wanted: Act) -> Done:
    quantity, ceiling = kg_typed(wanted.quantity), fen_typed(wanted.ceiling)
    wrong = {
        "quantity": NO_NUMBER if quantity is None else None,
        "ceiling": NO_PRICE if ceiling is None else None,
    }
    faults = {name: fault.in_language(reader.language) for name, fault in wrong.items() if fault}
    if faults:
        return Done(faults, status=422)
    body = {"quantity_kg": quantity, "max_price_fen_per_kg": ceiling}
    return _done(await reader.api.send("PATCH", path, body, version=wanted.version))


def _done(told: Told) -> Done:
    return Done() if told.ok else Done(faults_of(told), problem_of(told), told.status)
