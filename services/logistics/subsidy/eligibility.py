"""Who gets a subsidy, how much, and out of which programme. Pure: the facts come in, a verdict goes out.

The facts are those of the moment the waybill is registered (`courier_parcel`) or the match fulfilled
(`produce_support`); the caller reads them, counts what the caps need, and books the verdict in the ledger.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

ProgrammeKind = Literal["courier_parcel", "produce_support"]
Reason = Literal["place", "status_unknown", "produce", "match_mass", "duplicate_order", "cap"]

LONGEST_WAYBILL: Final = 64


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that are given must hold. The place is the lot's origin, never the recipient's or the carrier's."""

    poverty_832: bool | None = None
    watch_52: bool | None = None
    adcode_prefixes: frozenset[str] = frozenset()
    produce: frozenset[str] = frozenset()


class Caps(NamedTuple):
    """Per Shanghai day; in parcels for `courier_parcel`, in kg for `produce_support`. None is no cap."""

    per_producer_per_day: int | None = None
    per_carrier_per_day: int | None = None


NO_CAPS: Final = Caps()


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a programme's rules. `rate_fen` is per parcel, or per kg for `produce_support`."""

    version: int
    kind: ProgrammeKind
    rate_fen: int
    conditions: Conditions = Conditions()
    caps: Caps = NO_CAPS


class Facts(NamedTuple):
    """What a rule looks at.

    `origin_poverty_832` is None where nobody knows. `mass_g` is that of the parcel, or of the fulfilled match;
    `match_mass_g` is the match's, `match_parcels_g` what its other parcels weigh together. `order_ref_taken`: this
    buyer's order_ref has a subsidy in this programme already. The `today` figures are what this programme has
    granted today, in the unit of its caps (grams for `produce_support`).
    """

    origin_adcode: str
    origin_poverty_832: bool | None
    origin_watch_52: bool | None
    produce: str
    mass_g: int
    match_mass_g: int
    match_parcels_g: int = 0
    order_ref_taken: bool = False
    producer_today: int = 0
    carrier_today: int = 0


class Eligible(NamedTuple):
    amount_fen: int
    rule_version: int


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason


@dataclass(slots=True)
class Programme:
    """A programme at the moment of asking: its rule of that moment and what the fund still has by then."""

    id: str
    ends_at: datetime
    created_at: datetime
    rule: Rule
    available_fen: int


class Grant(NamedTuple):
    programme_id: str
    amount_fen: int
    rule_version: int


@dataclass(frozen=True, slots=True)
class NoGrant:
    """`none`: no programme is active. `not_eligible` has the reason of the programme that came nearest to paying."""

    subsidy: Literal["none", "not_eligible", "fund_exhausted"]
    reason: Reason | None = None
    programme_id: str | None = None


_NEARNESS: Final[Mapping[Reason | None, int]] = {
    "place": 0,
    "status_unknown": 1,
    "produce": 2,
    "match_mass": 3,
    "duplicate_order": 4,
    "cap": 5,
}
"""In the order in which conditions are looked at."""


def decide(rule: Rule, facts: Facts) -> Eligible | Refused:
    """The first condition that fails is the reason; a place that fails for sure comes before one nobody knows."""
    reason = (
        _place_refusal(rule.conditions, facts)
        or _produce_refusal(rule.conditions, facts)
        or _parcel_refusal(rule, facts)
        or _cap_refusal(rule, facts)
    )
    return Refused(reason) if reason else Eligible(amount_fen(rule, facts.mass_g), rule.version)


def amount_fen(rule: Rule, mass_g: int) -> int:
    """rate per parcel, or ⌊rate x kg⌋ from grams, in integers throughout."""
    return rule.rate_fen if rule.kind == "courier_parcel" else rule.rate_fen * mass_g // 1000


def in_order(programmes: Iterable[Programme]) -> list[Programme]:
    """As they are asked: earliest ends_at, then earliest created."""
    return sorted(programmes, key=lambda each: (each.ends_at, each.created_at, each.id))


def choose(programmes: Iterable[Programme], facts: Facts | Mapping[str, Facts]) -> Grant | NoGrant:
    """The first active programme that is eligible and has the money.

    `programmes` are the active ones of one kind, `in_order`: many ask the same ones. What a programme has granted
    differs between them, so `facts` may be given by programme id.
    """
    refusal: NoGrant | None = None
    first_empty: NoGrant | None = None
    for programme in programmes:
        verdict = decide(programme.rule, facts[programme.id] if isinstance(facts, Mapping) else facts)
        if isinstance(verdict, Refused):
            refusal = nearer(refusal, NoGrant("not_eligible", verdict.reason, programme.id))
        elif verdict.amount_fen > programme.available_fen:
            first_empty = first_empty or NoGrant("fund_exhausted", None, programme.id)
        else:
            return Grant(programme.id, verdict.amount_fen, verdict.rule_version)
    return first_empty or refusal or NoGrant("none")


def nearer(one: NoGrant | None, other: NoGrant) -> NoGrant:
    """Of two refusals that of the programme which came nearer to paying: who is told that another county has a
    programme learns nothing of why their own did not pay. Of two alike the first."""
    return one if one is not None and _NEARNESS[one.reason] >= _NEARNESS[other.reason] else other


def waybill_identity(text: str) -> str:
    """One waybill, one identity, however it is written: NFKC, upper case, no blanks.

    Raises ValueError when nothing or more than 64 characters are left, or when one of them is a control, a mark or
    otherwise not seen by itself: a variation selector would make a second waybill that looks like the first.
    """
    if text.isascii() and text.isprintable():  # nearly all there are: the same as below, at a thirtieth of its cost
        return _of_sound_length(text.upper().replace(" ", ""))
    # Upper case can undo NFKC (ŉ gives ʼN), NFKC can uncover blanks (´ is a blank and a mark): three rounds
    # settle every character there is.
    identity = text
    for _ in range(3):
        folded = unicodedata.normalize("NFKC", identity).casefold().upper()
        identity = "".join(c for c in unicodedata.normalize("NFKC", folded) if not _is_blank(c))
    if any(unicodedata.category(c)[0] in "CM" for c in identity):
        raise ValueError("a waybill has no control character, and none that is not seen by itself")
    return _of_sound_length(identity)


def _of_sound_length(identity: str) -> str:
    if not 1 <= len(identity) <= LONGEST_WAYBILL:
        raise ValueError(f"a waybill has 1 to {LONGEST_WAYBILL} characters besides blanks")
    return identity


def _is_blank(character: str) -> bool:
    return character in "\t\n\r" or unicodedata.category(character)[0] == "Z"


def _place_refusal(conditions: Conditions, facts: Facts) -> Reason | None:
    if conditions.adcode_prefixes and not facts.origin_adcode.startswith(tuple(conditions.adcode_prefixes)):
        return "place"
    if conditions.poverty_832 is None and conditions.watch_52 is None:
        return None
    asked = [
        (wanted, known)
        for wanted, known in (
            (conditions.poverty_832, facts.origin_poverty_832),
            (conditions.watch_52, facts.origin_watch_52),
        )
        if wanted is not None
    ]
    if any(known is not None and known != wanted for wanted, known in asked):
        return "place"
    return "status_unknown" if any(known is None for _, known in asked) else None


def _produce_refusal(conditions: Conditions, facts: Facts) -> Reason | None:
    return "produce" if conditions.produce and facts.produce not in conditions.produce else None


def _parcel_refusal(rule: Rule, facts: Facts) -> Reason | None:
    """Σ parcels may weigh 1.1 times the match, no more; an order_ref is subsidised once."""
    if rule.kind != "courier_parcel":
        return None
    if 10 * (facts.match_parcels_g + facts.mass_g) > 11 * facts.match_mass_g:
        return "match_mass"
    return "duplicate_order" if facts.order_ref_taken else None


def _cap_refusal(rule: Rule, facts: Facts) -> Reason | None:
    if rule.caps == NO_CAPS:
        return None
    per_unit, more = (1, 1) if rule.kind == "courier_parcel" else (1000, facts.mass_g)
    granted = (
        (rule.caps.per_producer_per_day, facts.producer_today),
        (rule.caps.per_carrier_per_day, facts.carrier_today),
    )
    over = any(cap is not None and today + more > cap * per_unit for cap, today in granted)
    return "cap" if over else None
