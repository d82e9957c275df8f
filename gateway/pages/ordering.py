"""What the forms that order have in common: what was typed is read, a place found by its name, the way to it priced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Form

from catalogue import places
from catalogue.places import Place
from chassis.problems import Language, Text
from gateway.pages.asking import Api, Told
from gateway.pages.forms import new_key
from gateway.pages.numbers import decimals, kg, yuan

BUYERS = frozenset({"citizen", "group_leader", "platform", "admin"})
CHOICES_MAX = 12
LIFE_H = 24
"""What an order asks of a lot's life at its arrival, where nothing speaks against it."""
MARGIN_FEN = 10
"""Freight is told from seat to seat: a lot may lie a little farther from where it goes."""
STEP_FEN = 10

Line = Annotated[str, Form(max_length=200)]

NO_NUMBER = Text("请填写大于 0 的数字。", "Give a number above 0.")
NO_PRICE = Text("请填写价格（元），至多两位小数。", "Give a price in CNY, with at most two decimals.")
NO_PLACE = Text(
    "没有找到这个地方，请写区县的名称。", "There is no such place; give the Chinese name of a district or county."
)
SPELT_LIKE = Text("没有叫这个名称的地方，是下面的一个吗？", "No place goes by that name; is it one of these?")
WHICH_PLACE = Text("有几个地方叫这个名称，请选一个。", "Several places go by that name; choose one.")


@dataclass(frozen=True, slots=True)
class Typed:
    """What every order form holds, as it was typed. `adcode` is the place that was chosen of several; `key` the form's
    own, so that sending it twice orders once; `priced` the ceiling that was suggested before; `drawn` when the form was
    first shown, in seconds since 1970, for what must not change with the clock from one sending to the next."""

    quantity: str = ""
    ceiling: str = ""
    to: str = ""
    adcode: str = ""
    key: str = ""
    priced: str = ""
    drawn: str = ""


def _typed(
    quantity: Line = "",
    ceiling: Line = "",
    to: Line = "",
    adcode: Line = "",
    key: Line = "",
    priced: Line = "",
    drawn: Line = "",
) -> Typed:
    return Typed(quantity.strip(), ceiling.strip(), to.strip(), adcode.strip(), key or new_key(), priced, drawn)


def key_of(typed: Typed, *more: str) -> str:
    """The Idempotency-Key of what was typed: the same when it is sent twice, another when somebody comes back to the
    form and orders something else."""
    return key_for(typed.key, typed.quantity, typed.ceiling, typed.adcode, typed.to, *more)


def key_for(form_key: str, *told: str) -> str:
    """The same: of a form's own key, and what was told by it."""
    return f"{form_key}-{sha256(chr(10).join(told).encode()).hexdigest()[:16]}"


TypedHere = Annotated[Typed, Depends(_typed)]


@dataclass(frozen=True, slots=True)
class Where:
    """The place that was meant, or those that it may be."""

    place: Place | None = None
    choices: Sequence[Place] = ()
    guessed: bool = False
    """Whether nothing is called so, and the choices are what is spelt like it."""

    @property
    def why(self) -> Text | None:
        """What is wrong with the name; None where it is a place's."""
        if self.place is not None:
            return None
        several = SPELT_LIKE if self.guessed else WHICH_PLACE
        return several if self.choices else NO_PLACE

    def fault(self, language: Language) -> str | None:
        """What to say beside the field; None where the place is known."""
        return self.why and self.why.in_language(language)


def where(to: str, adcode: str = "") -> Where:
    """The district of that name, or the one of `adcode` among those of that name."""
    found = places.search(to, limit=CHOICES_MAX) if to else ()
    if to and not found:
        alike = places.spelt_like(to, limit=CHOICES_MAX)
        return Where(next((each for each in alike if adcode == each.adcode), None), alike, guessed=True)
    chosen = [each for each in found if adcode == each.adcode or to == each.full_name] or found
    if len(chosen) == 1:
        return Where(chosen[0], found if len(found) > 1 else ())
    return Where(choices=found)


def kg_typed(text: str) -> float | None:
    """The mass, kg, with at most three decimals; None for what is none."""
    number = kg(text)
    return None if number is None or number <= 0 or decimals(number) > 3 else float(number)


def fen_typed(text: str) -> int | None:
    """Yuan as fen, exactly; None for what is no amount of money above 0."""
    number = yuan(text)
    return None if number is None or number <= 0 or decimals(number) > 2 else int(number * 100)


@dataclass(frozen=True, slots=True)
class Way:
    """From one county to another, by the policy in force."""

    distance_km: float
    freight_fen_per_kg: int
    takes_h: float

    def ceiling_fen_per_kg(self, floor_fen_per_kg: int) -> int:
        """The least round price, delivered, at which a lot of that floor comes for sure."""
        least = floor_fen_per_kg + self.freight_fen_per_kg + MARGIN_FEN
        return -(-least // STEP_FEN) * STEP_FEN


async def way(api: Api, origin: str, destination: str, temperature_class: str) -> Way:
    """Raises Refused, ServiceUnavailable."""
    told = await api.get(
        "/v1/policy/freight", origin=origin, destination=destination, temperature_class=temperature_class
    )
    return Way(told["distance_km"], told["freight_fen_per_kg"], told["takes_h"])


FIELD_OF: Mapping[str, str] = {
    "quantity_kg": "quantity",
    "max_price_fen_per_kg": "ceiling",
    "destination": "to",
    "destination.adcode": "to",
    "produce": "what",
    "deliver_by": "by",
    "min_grade": "grade",
    "price_basis": "basis",
}
"""The field of the form that a member of the order comes from."""


def faults_of(told: Told) -> dict[str, str]:
    """What the API found wrong, by the fields of the form."""
    return {FIELD_OF.get(name, name): fault for name, fault in told.faults().items()}


def problem_of(told: Told) -> Any:
    """What is to be said above the form: nothing where every fault has a field to stand beside."""
    stands = bool(told.faults()) and set(faults_of(told)) <= set(FIELD_OF.values())
    return None if told.ok or stands else told.said
