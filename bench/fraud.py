"""Fraud flags on a world with planted fraud of each kind: how much is found, and how many honest are bothered.

A seeded world of statements, most of them honest, as varied as honest ones are: carriers who happen to serve
supported counties alone, parcels packed heavily, scales that err, scans told by clocks that are off, some by a time
zone, parcels that fly, group leaders whose parcels all go to one county. Into some of them one kind of fraud is
planted; a fifth of the cheats are careful, and stay near what is usual. The rules see what they see in production:
counts, weights, scans at county seats, groups of alike parcels. What was fetched, and delivered when, stands in a
database and comes to them through the service's own query: what that leaves out is not found. Found is the share of
planted frauds that their rule flags; false the share of honest statements with a flag of that rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import text

from bench.harness import Bar, Outcome, Plan, Side, main
from bench.servers import postgres
from catalogue import places
from catalogue.geodesy import great_circle_km
from chassis.bulk import copy_in
from chassis.db import Database
from services.logistics.flags import queries, rules
from services.logistics.flags.rules import RECIPIENT_FEWEST, Early, Repeated, Rule, Seen, Share, Weights
from services.logistics.parcels.models import SCANS
from services.logistics.shipments.models import Report, Shipment
from services.logistics.subsidy.models import SUBSIDIES

KINDS: Final[tuple[Rule, ...]] = (
    *("subsidised_share", "declared_weight", "impossible_speed", "repeated_recipient"),
    *("delivered_before_pickup", "never_picked_up"),
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
FORGOTTEN: Final = 0.01
"""The same: nobody told that they were fetched."""
PARCELS_ALONE: Final = 0.005
"""Of the statements: their carriers tell of parcels and of nothing else."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One match's goods: whether it was told that they were fetched, and how many hours after that (or after noon) each
    parcel was delivered."""

    is_fetched: bool
    delivered_after_h: list[float]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the rules are given of one statement, and which fraud was planted in it."""

    planted: Rule | None
    share: Share
    weights: list[Weights]
    scans: dict[str, list[Seen]]
    repeated: list[Repeated]
    trips: list[Trip]

    def flagged(self, early: list[Early]) -> set[Rule]:
        found = [
            *rules.of_share(self.share),
            *rules.of_weights(self.weights),
            *rules.of_speed(self.scans, great_circle_km),
            *rules.of_recipients(self.repeated),
            *rules.of_early(early),
            *rules.of_unfetched(early),
        ]
        return {each.rule for each in found}


def statement(chance: Random, planted: Rule | None) -> Statement:
    return Statement(
        planted,
        _share(chance, planted == "subsidised_share"),
        [_weights(chance, number, planted == "declared_weight") for number in range(6)],
        _scans(chance, planted == "impossible_speed"),
        _repeated(chance, planted == "repeated_recipient"),
        _trips(chance, planted),
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


def _trips(chance: Random, planted: Rule | None) -> list[Trip]:
    """Goods are on the road for hours, and two devices' clocks differ by minutes, a few by the hours of another zone;
    drivers forget to tell. Who cheats tells of deliveries before anything was fetched, who is careful hardly before;
    or never comes for the goods at all, who is careful for those of one match."""
    trips = []
    tells = planted is not None or chance.random() >= PARCELS_ALONE
    never = 0 if planted != "never_picked_up" else 1 if _is_careful(chance) else 6
    for number in range(6):
        hours = chance.uniform(3, 60) + chance.gauss(0, 0.1) - (8 if chance.random() < WRONG_ZONE else 0)
        if planted == "delivered_before_pickup" and number == 0:
            hours = -chance.uniform(0, 2) if _is_careful(chance) else -chance.uniform(2, 72)
        parcels = chance.randint(10, 60) if number < never else chance.randint(1, 8)
        told = tells and number >= never and chance.random() >= FORGOTTEN
        trips.append(Trip(told, [hours, *(hours + chance.uniform(0, 6) for _ in range(parcels - 1))]))
    return trips


def _is_careful(chance: Random) -> bool:
    return chance.random() < CAREFUL


def _counties() -> list[tuple[str, float, float]]:
    located = [(place.adcode, place.point) for place in places.all_places() if place.point is not None]
    return [(adcode, point.lon, point.lat) for adcode, point in located]


COUNTIES: Final = _counties()


@dataclass(slots=True)
class Road:
    """What carriers told of the statements' goods, as it stands in the service's tables."""

    subsidies: list[tuple[object, ...]] = field(default_factory=list)
    scans: list[tuple[object, ...]] = field(default_factory=list)
    shipments: list[tuple[object, ...]] = field(default_factory=list)
    reports: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, settlement_id: UUID, payee_id: UUID, trip: Trip) -> None:
        match_id, shipment_id = uuid4(), uuid4()
        self.shipments.append((shipment_id, match_id, payee_id, *SHIPPED))
        if trip.is_fetched:
            self.reports.append((uuid4(), shipment_id, payee_id, "picked_up", NOON))
        for hours in trip.delivered_after_h:
            parcel_id = uuid4()
            self.subsidies.append((parcel_id, match_id, match_id, "posted", "reserved", 1, payee_id, settlement_id))
            self.scans.append((parcel_id, "delivered", NOON + timedelta(hours=hours), "320102"))

    async def write(self, db: Database) -> None:
        granted = ("subject_id", "match_id", "buyer_id", "status", "first_status", "turn", "payee_id", "settlement_id")
        async with db.transaction() as session:
            await copy_in(session, SUBSIDIES, granted, self.subsidies)
            await copy_in(session, SCANS, ("parcel_id", "type", "at", "adcode"), self.scans)
            shipped = ("id", "match_id", "carrier_id", *SHIPPED_COLUMNS)
            await copy_in(session, Shipment.__table__, shipped, self.shipments)  # type: ignore[arg-type]
            told = ("id", "shipment_id", "carrier_id", "type", "at")
            await copy_in(session, Report.__table__, told, self.reports)  # type: ignore[arg-type]
        async with db.at_once() as connection:
            await connection.execute(text("ANALYZE"))


NOBODY: Final = UUID(int=0)
SHIPMENT: Final[dict[str, object]] = {
    **dict.fromkeys(("listing_id", "order_id", "producer_id", "buyer_id"), NOBODY),
    **{"status": "delivered", "version": 1, "produce": "strawberry", "quantity_g": 1, "temperature_class": "chilled"},
    **{"origin_adcode": "321323", "origin_lon": 118.7, "origin_lat": 33.7, "destination_adcode": "320102"},
    **{"destination_lon": 118.8, "destination_lat": 32.1, "distance_m": 1, "min_remaining_life_h": 1},
    **dict.fromkeys(("ready_at", "deliver_by", "spoils_at", "leave_by"), NOON),
}
SHIPPED_COLUMNS, SHIPPED = tuple(SHIPMENT), tuple(SHIPMENT.values())
"""What no rule looks at."""


async def flagged_in(db: Database, world: list[Statement]) -> list[set[Rule]]:
    """The rules that flag each statement."""
    ids, road = [(uuid4(), uuid4()) for _ in world], Road()
    for (settlement_id, payee_id), statement in zip(ids, world, strict=True):
        for trip in statement.trips:
            road.add(settlement_id, payee_id, trip)
    await road.write(db)
    async with db.reading() as session:
        return [
            statement.flagged(await queries.early_of(session, *each))
            for each, statement in zip(ids, world, strict=True)
        ]


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(5_000, 300)
    chance = Random(1)
    world = [statement(chance, chance.choice(KINDS) if chance.random() < FRAUD else None) for _ in range(count)]
    async with postgres("logistics") as server:
        db = Database(server.url("logistics"), source="/duijie/logistics")
        flagged = list(zip((each.planted for each in world), await flagged_in(db, world), strict=True))
        await db.close()
    guilty = [(planted, rules_of) for planted, rules_of in flagged if planted is not None]
    honest = [rules_of for planted, rules_of in flagged if planted is None]
    found = {kind: [kind in rules_of for planted, rules_of in guilty if planted == kind] for kind in KINDS}
    false = {kind: [kind in rules_of for rules_of in honest] for kind in KINDS}
    shares = [[planted in rules_of for planted, rules_of in guilty], *found.values(), *false.values()]
    return [Outcome(bar, Side([sum(each) / len(each)])) for bar, each in zip(BARS, shares, strict=True)]


if __name__ == "__main__":
    main(program)
