"""Ordering from one lot: what was typed, what it will cost there, the code to the phone, and the order itself."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chassis.db import Database
from chassis.problems import Language, Text
from gateway.accounts.service import SignIn
from gateway.limits import ProofBrake
from gateway.pages.asking import Api
from gateway.pages.board.texts import TEXTS
from gateway.pages.board.views import Lot
from gateway.pages.ordering import (
    LIFE_H,
    NO_NUMBER,
    NO_PRICE,
    Typed,
    Way,
    Where,
    faults_of,
    fen_typed,
    key_of,
    kg_typed,
    problem_of,
    way,
    where,
)
from gateway.pages.reader import Reader
from gateway.pages.shown import kg, yuan
from gateway.pages.signing import service as signing
from gateway.pages.signing.service import Asked, Step
from gateway.sessions.service import Granted

SECONDS_PER_HOUR = 3600
CENTURY_ENDS_S = 4_102_444_800
MORE_THAN_LEFT = Text("只剩 {left} 公斤。", "Only {left} kg are left.")
SPOILS_BEFORE = TEXTS["board.order.spoils"]


@dataclass(frozen=True, slots=True)
class Offer:
    """The order form of a lot as it stands. `way` is known once the place is; `arrives_h` from now on."""

    typed: Typed
    where: Where = field(default_factory=Where)
    way: Way | None = None
    arrives_h: float = 0
    life_h: float = 0
    fresh_h: int = 0
    """What is asked of its life at arrival."""
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: Any = None
    status: int = 200

    @property
    def is_soon_over(self) -> bool:
        """Whether less life is asked for than an order asks where nobody says how much."""
        return self.way is not None and self.life_h > 0 and self.fresh_h < LIFE_H

    @property
    def most_fen(self) -> int | None:
        """What all of it costs at the highest price, rounded up; None while a number is missing."""
        quantity_kg, ceiling_fen_per_kg = kg_typed(self.typed.quantity), fen_typed(self.typed.ceiling)
        if quantity_kg is None or ceiling_fen_per_kg is None:
            return None
        return -(-round(quantity_kg * 1000) * ceiling_fen_per_kg // 1000)


@dataclass(frozen=True, slots=True)
class Signing:
    """What it takes to let somebody in by a code, and to ask in their name at once."""

    db: Database
    desk: SignIn
    brake: ProofBrake
    api_of: Callable[[str], Api]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An order was placed, or the form is shown again: with a code to be typed, or with what is wrong."""

    offer: Offer
    order_id: str = ""
    code: Step | None = None
    granted: Granted | None = None

    @property
    def status(self) -> int:
        return self.code.status if self.code and self.code.problem else self.offer.status


async def offer_of(api: Api, lot: Lot, typed: Typed) -> Offer:
    """The form before anything is wrong with it: where the place is known the ceiling is one at which it comes."""
    found = where(typed.to, typed.adcode)
    if found.place is None:
        return Offer(typed, found)
    there = await way(api, lot.adcode, found.place.adcode, lot.temperature_class)
    now = datetime.now(UTC)
    arrives_h = _hours(now, _leaves_at(lot, now)) + there.takes_h
    life_h = lot.hours_left - arrives_h
    drawn = _moment(typed.drawn) or now
    asked_h = _fresh_h(lot, there, drawn)
    priced = yuan(there.ceiling_fen_per_kg(lot.floor_fen_per_kg))
    ceiling = typed.ceiling if typed.ceiling not in {"", typed.priced} else priced
    typed = replace(typed, ceiling=ceiling, priced=priced, to=found.place.full_name, adcode=found.place.adcode)
    return Offer(typed, found, there, arrives_h, life_h, asked_h if asked_h <= life_h else _fresh_h(lot, there, now))


def _fresh_h(lot: Lot, there: Way, at: datetime) -> int:
    """What to ask of its life at arrival, of what leaves as soon as it may from `at` on: a day, or nearly all that it
    can still have. By the moment when the form was drawn, an order that is sent twice asks the same."""
    life_h = _hours(_leaves_at(lot, at), datetime.fromisoformat(lot.spoils_at)) - there.takes_h
    return max(0, min(LIFE_H, math.floor(life_h) - 1))


def _leaves_at(lot: Lot, at: datetime) -> datetime:
    return max(at, datetime.fromisoformat(lot.available_from))


def _hours(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / SECONDS_PER_HOUR


def _moment(typed: str) -> datetime | None:
    """A moment in seconds since 1970; None for what is none of this century."""
    seconds = float(typed) if typed.isdecimal() else math.inf
    return datetime.fromtimestamp(seconds, UTC) if seconds < CENTURY_ENDS_S else None


def _judged(offer: Offer, lot: Lot, language: Language) -> Offer:
    """With what is wrong before the API is asked."""
    faults: dict[str, str] = {}
    quantity = kg_typed(offer.typed.quantity)
    if quantity is None:
        faults["quantity"] = NO_NUMBER.in_language(language)
    elif quantity > lot.remaining_kg:
        faults["quantity"] = MORE_THAN_LEFT.in_language(language, {"left": kg(lot.remaining_kg)})
    if offer.where.place is None:
        faults["to"] = offer.where.fault(language) or ""
    elif offer.life_h <= 0:
        faults["to"] = SPOILS_BEFORE.in_language(language)
    if offer.way and fen_typed(offer.typed.ceiling) is None:
        faults["ceiling"] = NO_PRICE.in_language(language)
    return replace(offer, faults=faults, status=422 if faults else 200)


async def order(reader: Reader, lot: Lot, typed: Typed, proof: Signing, phone: str, code: str | None) -> Outcome:
    """Order, when all is said; else ask for what is missing: a fault, the price that has been worked out, the code.

    `code` is None until one was asked for.
    """
    offer = _judged(await offer_of(reader.api, lot, typed), lot, reader.language)
    if offer.faults or offer.typed.ceiling != typed.ceiling:
        return Outcome(offer)
    if reader.caller is not None:
        return await _placed(reader.api, lot, offer)
    asked = Asked(phone, (code or "").strip(), "citizen")
    if code is None:
        step = await signing.ask_for_code(proof.db, proof.desk, proof.brake, asked, reader.language)
    else:
        step = await signing.prove(proof.db, proof.desk, proof.brake, asked)
    if step.granted is None:
        return Outcome(offer, code=step)
    return replace(await _placed(proof.api_of(step.granted.token), lot, offer), granted=step.granted)


async def _placed(api: Api, lot: Lot, offer: Offer) -> Outcome:
    place = offer.where.place
    assert place is not None, "who has no fault has a place"
    body = {
        "produce": lot.produce,
        "quantity_kg": kg_typed(offer.typed.quantity),
        "max_price_fen_per_kg": fen_typed(offer.typed.ceiling),
        "destination": {"adcode": place.adcode},
        "min_remaining_life_h": offer.fresh_h,
        "listing_id": lot.id,
    }
    told = await api.send("POST", "/v1/orders", body, key=key_of(offer.typed))
    if told.ok:
        return Outcome(offer, order_id=told.said["id"])
    return Outcome(replace(offer, faults=faults_of(told), problem=problem_of(told), status=told.status))
