"""A lot as a farmer writes it: what the form holds, and what the API is asked for it."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogue import places, produce
from chassis.problems import Language
from gateway.pages.farm.texts import TEXTS
from gateway.pages.forms import fen, instant, number
from gateway.pages.names import produce_name
from gateway.pages.numbers import json_number, kg

CHOICES = 8
NAMED = ("produce", "place")
"""Fields that name something of the catalogue."""
FIELD_BY_POINTER: Mapping[str, str] = {
    "producer_id": "producer",
    "produce": "produce",
    "origin": "place",
    "origin.adcode": "place",
    "origin.village": "village",
    "quantity_kg": "quantity",
    "min_price_fen_per_kg": "price",
    "harvested_at": "harvested",
    "best_before": "best_before",
    "available_from": "harvested",
    "temperature_class": "temperature_class",
}
"""Where the API's pointer is not the field's own name."""
FIELDS_IN_MORE = ("harvested", "story", "variety", "village", "temperature_class", "best_before", "households")
"""Those that the form has folded away."""
FIELDS = frozenset({"producer", "produce", "place", "quantity", "price", "grade", *FIELDS_IN_MORE})
"""Those that say beside them what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody may have meant: sent as `value`, shown as `label`."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The fields as they were typed, by their names in the form; what is missing is empty."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    @property
    def key(self) -> str:
        return self["key"]

    def body(self) -> dict[str, Any]:
        """What to post. What can't be read goes as it was typed, so that the API says what is wrong with it."""
        village = {"village": self["village"]} if self["village"] else {}
        asked = {
            "producer_id": self["producer"],
            "produce": self._slug(),
            "variety": self["variety"],
            "grade": self["grade"],
            "quantity_kg": mass(self["quantity"]),
            "min_price_fen_per_kg": fen(self["price"]),
            "origin": {"adcode": self._adcode(), **village},
            "harvested_at": instant(self["harvested"]),
            "best_before": instant(self["best_before"]),
            "available_from": self["filled_at"],
            "temperature_class": self["temperature_class"],
            "households": number(self["households"]),
            "story": self["story"],
        }
        said = {name: value for name, value in asked.items() if value != ""}
        return said | {"divisible": not self["whole"], "auto_agree": not self["ask_me"]}

    def faults(self, by_pointer: Mapping[str, str], language: Language) -> dict[str, str]:
        """The API's faults, by the fields of the form. Of a name that was typed it speaks to programs, so we say it."""
        told = {FIELD_BY_POINTER.get(pointer, pointer): text for pointer, text in by_pointer.items()}
        ours = {name: TEXTS[f"farm.{name}.{self._wrong(name)}"].in_language(language) for name in NAMED if self[name]}
        return {name: ours.get(name, text) for name, text in told.items()}

    def _wrong(self, name: str) -> str:
        """Whether a name names nothing, or several; of produce whether there is any that it may mean."""
        if name == "produce":
            return "fault" if self.produce_choices("zh-CN") else "unknown"
        return "several" if places.search(self[name], 1) else "fault"

    def unfolds(self, faults: Container[str]) -> bool:
        """Whether what is folded away must be seen: something was typed there, or is wrong. The village does not count,
        for it stands there from the last lot.
        """
        typed = any(self[name] for name in (*FIELDS_IN_MORE, "whole", "ask_me") if name != "village")
        return typed or any(name in faults for name in FIELDS_IN_MORE)

    def choices(self, language: Language) -> dict[str, list[str]]:
        """What may have been meant, by the field, where a name names nothing or several."""
        found = {"produce": self.produce_choices(language), "place": self.place_choices()}
        return {name: [each.value for each in choices] for name, choices in found.items() if choices}

    def produce_choices(self, language: Language) -> Sequence[Choice]:
        """Kinds that answer to what was typed, where it names none."""
        typed = self["produce"]
        found = () if not typed or _produce_named(typed) else produce.search(typed, CHOICES)
        return [Choice(produce_name(each.slug, language), produce_name(each.slug, language)) for each in found]

    def place_choices(self) -> Sequence[Choice]:
        """Counties that answer to what was typed, where it names none or several."""
        typed = self["place"]
        if not typed or places.resolve(typed):
            return ()
        found = places.search(typed, CHOICES) or places.spelt_like(typed, CHOICES)
        return [Choice(each.full_name, each.full_name) for each in found]

    def _slug(self) -> str:
        chosen = self["produce_choice"]
        if chosen and any(each.value == chosen for each in self._candidates()):
            return _produce_named(chosen) or chosen
        return _produce_named(self["produce"]) or self["produce"]

    def _candidates(self) -> Sequence[Choice]:
        return [*self.produce_choices("zh-CN"), *self.produce_choices("en")]

    def _adcode(self) -> str:
        chosen = self["place_choice"]
        if chosen and any(each.value == chosen for each in self.place_choices()):
            return _adcode_named(chosen)
        return _adcode_named(self["place"])


def _produce_named(typed: str) -> str | None:
    """The slug of the one kind of exactly that name; None where there is none."""
    best = produce.search(typed, 1)
    names = (best[0].slug, best[0].name_zh, best[0].name_en, *best[0].aliases) if best else ()
    return best[0].slug if any(name and name.casefold() == typed.casefold() for name in names) else None


def _adcode_named(typed: str) -> str:
    found = places.resolve(typed) if typed else None
    return found.adcode if found else typed


def mass(typed: str) -> float | int | str:
    """`300公斤` in kg; what is none stays as it is, for the API to refuse."""
    read = kg(typed)
    return typed if read is None else json_number(read)
