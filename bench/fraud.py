"""Fraud flags on a world with planted fraud of each kind: how much is found, and how many honest are bothered.

A seeded world of statements, most of them honest, as varied as honest ones are: carriers who happen to serve
supported counties alone, parcels packed heavily, scales that err, scans told by clocks that are off, some by a time
zone, parcels that fly, group leaders whose parcels all go to one county. Into some of them one kind of fraud is
planted; a fifth of the cheats are careful, and stay near what is usual. The rules see what they see in production:
counts, weights, scans at county seats, groups of alike parcels. Found is the share of planted frauds that their rule
flags; false the share of honest statements with a flag of that rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from bench.harness import Bar, Outcome, Plan, Side, main
from catalogue import places
from catalogue.geodesy import great_circle_km
from services.logistics.flags import rules
from services.logistics.flags.rules import RECIPIENT_FEWEST, Early, Repeated, Rule, Seen, Share, Weights

KINDS: Final[tuple[Rule, ...]] = (
    *("subsidised_share", "declared_weight", "impossible_speed", "repeated_recipient"),
    "delivered_before_pickup",
)
FOUND_BAR, FOUND_AIM, FALSE_BAR, FALSE_AIM = 0.75, 0.9, 0.05, 0.02

BARS = (
    Bar("fraud", "planted fraud found, of all kinds", None, "share", FOUND_BAR, FOUND_AIM, "more", True),
    *(
        Bar(f"fraud_found_{kind}", f"planted `{kind}` found", None, "share", FOUND_BAR, FOUND_AIM, "more", True)
        for kind in KINDS
    ),
    *(
        Bar(f"fraud_false_{kind}", f"honest flagged `{kind}`", None, "share", FALSE_BAR, FALSE_AIM, "less", True)
        for kind in KINDS
    ),
)
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
OTHERS = 100_000
"""Parcels of the programme's other carriers, of which seven in ten were granted."""
FRAUD: Final = 0.2
CAREFUL: Final = 0.2
LORRY_KM_H: Final = (45.0, 85.0)
FLIES: Final = 0.01
ONE_COUNTY: Final = 0.03
SUPPORTED_ALONE: Final = 0.03
WRONG_ZONE: Final = 0.005
"""Of a statement's matches."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the rules are given of one statement, and which fraud was planted in it."""

    planted: Rule | None
    share: Share
    weights: list[Weights]
    scans: dict[str, list[Seen]]
    repeated: list[Repeated]
    early: list[Early]

    def flagged(self) -> set[Rule]:
        found = [
            *rules.of_share(self.share),
            *rules.of_weights(self.weights),
            *rules.of_speed(self.scans, great_circle_km),
            *rules.of_recipients(self.repeated),
            *rules.of_early(self.early),
        ]
        return {each.rule for each in found}


def statement(chance: Random, planted: Rule | None) -> Statement:
    return Statement(
        planted,
        _share(chance, planted == "subsidised_share"),
        [_weights(chance, number, planted == "declared_weight") for number in range(6)],
        _scans(chance, planted == "impossible_speed"),
        _repeated(chance, planted == "repeated_recipient"),
        [_early(chance, planted == "delivered_before_pickup" and number == 0) for number in range(6)],
    )


def _share(chance: Random, planted: bool) -> Share:
    """Honest carriers carry what comes; a few serve supported counties alone. Who cheats declares everything so."""
    registered = chance.randint(150, 5_000)
    usual = 1.0 if chance.random() < SUPPORTED_ALONE else chance.betavariate(14, 6)
    least = 0.9 if _is_careful(chance) else 0.985
    part = chance.uniform(least, 1.0) if planted else usual
    return Share("c", registered, round(registered * part), OTHERS, round(0.7 * OTHERS))


def _weights(chance: Random, number: int, planted: bool) -> Weights:
    """Packing adds some per cent, and scales err; who cheats adds parcels of air."""
    weighed_g = chance.randint(100_000, 3_000_000)
    packing = chance.gauss(0.015, 0.008) + chance.gauss(0, 0.003)
    most = 0.05 if _is_careful(chance) else 0.4
    air = chance.uniform(0.01, most) if planted and number == 0 else 0.0
    return Weights(f"m{number}", round(weighed_g * (1 + packing + air)), weighed_g)


def _scans(chance: Random, planted: bool) -> dict[str, list[Seen]]:
    """By lorry, with clocks that are off by minutes; a few fly. Who cheats has scans where no parcel ever came."""
    found: dict[str, list[Seen]] = {}
    flies = chance.random() < FLIES
    for number in range(40):
        here, there = chance.sample(COUNTIES, 2)
        km = great_circle_km(here[1], here[2], there[1], there[2])
        hours = 1.25 * km / chance.uniform(*LORRY_KM_H) + chance.uniform(0.5, 12)
        if (flies and number == 0) or (planted and number < 3):
            cheated = chance.uniform(80, 140) if _is_careful(chance) else chance.uniform(150, 800)
            hours = km / 700 + 3 if flies else km / cheated
        off = timedelta(minutes=chance.gauss(0, 4))
        found[f"SF{number}"] = [
            Seen(NOON, here[0], here[1], here[2]),
            Seen(NOON + timedelta(hours=hours) + off, there[0], there[1], there[2]),
        ]
    return found


def _repeated(chance: Random, planted: bool) -> list[Repeated]:
    """Most parcels have an order's number; a group leader's may all go to one county without. Who cheats sends to the
    same door again and again."""
    groups = [Repeated("m", "320102", 2500, chance.randint(1, 12)) for _ in range(3)]
    if planted:
        fewest = 5 if _is_careful(chance) else RECIPIENT_FEWEST
        groups.append(Repeated("m", "320102", 2500, chance.randint(fewest, 200 if fewest > 5 else 25)))
    elif chance.random() < ONE_COUNTY:
        groups.append(Repeated("m", "320102", 5000, chance.randint(5, 60)))
    return groups


def _early(chance: Random, planted: bool) -> Early:
    """Goods are on the road for hours, and two devices' clocks differ by minutes, a few by the hours of another zone.
    Who cheats tells of deliveries before anything was fetched; who is careful, hardly before."""
    hours = chance.uniform(3, 60) + chance.gauss(0, 0.1) - (8 if chance.random() < WRONG_ZONE else 0)
    if planted:
        hours = -chance.uniform(0, 2) if _is_careful(chance) else -chance.uniform(2, 72)
    return Early("m", NOON, NOON + timedelta(hours=hours), 1)


def _is_careful(chance: Random) -> bool:
    return chance.random() < CAREFUL


def _counties() -> list[tuple[str, float, float]]:
    located = [(place.adcode, place.point) for place in places.all_places() if place.point is not None]
    return [(adcode, point.lon, point.lat) for adcode, point in located]


COUNTIES: Final = _counties()


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(5_000, 300)
    chance = Random(1)
    world = [statement(chance, chance.choice(KINDS) if chance.random() < FRAUD else None) for _ in range(count)]
    flagged = [(each.planted, each.flagged()) for each in world]
    guilty = [(planted, rules_of) for planted, rules_of in flagged if planted is not None]
    honest = [rules_of for planted, rules_of in flagged if planted is None]
    found = {kind: [kind in rules_of for planted, rules_of in guilty if planted == kind] for kind in KINDS}
    false = {kind: [kind in rules_of for rules_of in honest] for kind in KINDS}
    shares = [[planted in rules_of for planted, rules_of in guilty], *found.values(), *false.values()]
    return [Outcome(bar, Side([sum(each) / len(each)])) for bar, each in zip(BARS, shares, strict=True)]


if __name__ == "__main__":
    main(program)
