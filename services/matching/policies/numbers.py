"""A policy from its published JSON, exactly: what the engine's integers can't hold is refused, never rounded.

The bounds keep the engine's own promises. Bonuses and freight a kilogram: its screen holds prices of up to 10^6 fen in
single precision with a margin of half a fen, and the costs of any two rows stay below its guard of 2^62. Speed: hours
are held to 1/16, and its margin is 10 km of road.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.matching.optimiser.policy import HOUR_US, QUARTERS, TEMPERATURE_CLASSES, Policy

BONUS_MAX_FEN_PER_KG = 100_000
LEFT_OUT = ("version", "record")
"""May stand in the JSON, as `duijie policy show` prints them; they are no numbers of the policy."""
SPREAD = "spread_fen_per_kg"
UNKNOWN = "priority_fen_per_kg.unknown"
FINEST = -30  # powers of ten: no number of a policy is that small


class NotAPolicy(ValueError):
    """The text is one sentence that names the field."""


@dataclass(frozen=True, slots=True)
class _Number:
    """One number of the JSON: between these bounds, and a whole number of the engine's units."""

    least: str
    most: str
    units: int = 1

    def read(self, field: str, value: object) -> int:
        number = _number(field, value)
        if not Decimal(self.least) <= number <= Decimal(self.most):
            raise NotAPolicy(f"{field} must be between {self.least} and {self.most}.")
        held = Fraction(number) * self.units if number.adjusted() > FINEST or not number else Fraction(1, 2)
        if held.denominator != 1:
            step = "a whole number" if self.units == 1 else f"a multiple of 1/{self.units}"
            raise NotAPolicy(f"{field} must be {step}: nothing is rounded.")
        return int(held)


_BONUS = _Number("0", str(BONUS_MAX_FEN_PER_KG))
_FACTOR = _Number("0.01", "10", 100)
_NUMBERS: Mapping[str, _Number] = {
    "speed_km_h": _Number("1", "120", 1000),
    "handling_h": _Number("0", "720", HOUR_US),
    "freight.base_fen_per_kg": _BONUS,
    "freight.fen_per_kg_per_km": _Number("0", "1000", 1000),
    **{f"freight.factor.{name}": _FACTOR for name in TEMPERATURE_CLASSES},
    "k": _Number("0", "1", 100),
    "rescue.fen_per_kg": _BONUS,
    "rescue.window_h": _Number("1", "8760"),
    "priority_fen_per_kg.watch_52": _BONUS,
    "priority_fen_per_kg.poverty_832": _BONUS,
}
_FIELDS = (*_NUMBERS, "detour", SPREAD, UNKNOWN)


def policy_from(text: str, version: int = 0) -> Policy:
    """The policy of this JSON, which has the shape of `GET /v1/policy`. Raises NotAPolicy."""
    given = dict(_leaves(_parsed(text)))
    _all_are_there(given)
    held = {field: number.read(field, given[field]) for field, number in _NUMBERS.items()}
    if _number(UNKNOWN, given[UNKNOWN]) != 0:
        raise NotAPolicy(f"{UNKNOWN} must be 0: what nobody knows earns nothing.")
    return Policy(
        version=version,
        detour=_detour(given["detour"]),
        speed_m_per_h=held["speed_km_h"],
        handling_us=held["handling_h"],
        freight_base_fen_per_kg=held["freight.base_fen_per_kg"],
        freight_fen_per_kg_per_1000_km=held["freight.fen_per_kg_per_km"],
        class_percent=(held["freight.factor.ambient"], held["freight.factor.chilled"], held["freight.factor.frozen"]),
        surplus_share_percent=held["k"],
        rescue_fen_per_kg=held["rescue.fen_per_kg"],
        rescue_window_h=held["rescue.window_h"],
        watch_52_fen_per_kg=held["priority_fen_per_kg.watch_52"],
        poverty_832_fen_per_kg=held["priority_fen_per_kg.poverty_832"],
        spread_fen_per_kg=_spread(given[SPREAD]),
    )


def _parsed(text: str) -> dict[str, Any]:
    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        named = dict(pairs)
        if len(named) != len(pairs):
            raise NotAPolicy("A field stands there twice.")
        return named

    def no_number(constant: str) -> None:
        raise NotAPolicy(f"{constant} is no number.")

    try:
        document = json.loads(
            text,
            parse_int=Decimal,
            parse_float=Decimal,
            parse_constant=no_number,
            object_pairs_hook=without_repeats,
        )
    except NotAPolicy:
        raise
    except (ValueError, RecursionError) as error:
        raise NotAPolicy("It is no JSON.") from error
    if not isinstance(document, dict):
        raise NotAPolicy("It is no JSON object.")
    return {name: value for name, value in document.items() if name not in LEFT_OUT}


def _leaves(document: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _all_are_there(given: Mapping[str, object]) -> None:
    for field in given:
        if any(known.startswith(f"{field}.") for known in _FIELDS):
            raise NotAPolicy(f"{field} must be an object.")
        if field not in _FIELDS:
            raise NotAPolicy(f"There is no field {field!r} in a policy.")
    for field in _FIELDS:
        if field not in given:
            raise NotAPolicy(f"{field} is missing.")


def _number(field: str, value: object) -> Decimal:
    if not isinstance(value, Decimal):  # all numbers of the JSON are
        raise NotAPolicy(f"{field} must be a number.")
    return value


def _detour(value: object) -> float:
    """A road is no shorter than the great circle. The engine holds it as the nearest double."""
    number = _number("detour", value)
    if not 1 <= number <= 10:
        raise NotAPolicy("detour must be between 1 and 10.")
    if Decimal(repr(float(number))) != number:
        raise NotAPolicy("detour must have at most 15 digits: nothing is rounded.")
    return float(number)


def _spread(value: object) -> tuple[int, int, int, int]:
    if not isinstance(value, list) or len(value) != QUARTERS:
        raise NotAPolicy(f"{SPREAD} must be a list of {QUARTERS} numbers, one a quarter of the lot.")
    first, second, third, fourth = (_BONUS.read(f"{SPREAD}[{quarter}]", each) for quarter, each in enumerate(value))
    if not first >= second >= third >= fourth:
        raise NotAPolicy(f"{SPREAD} must not rise from quarter to quarter.")
    return first, second, third, fourth
