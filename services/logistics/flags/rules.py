"""What looks like fraud in a carrier's statement. Pure: facts in, suspicions out, each with its rule and its evidence.

A suspicion refuses nothing by itself: it holds a payout until an officer has looked. The thresholds are for a world in
which most are honest; `bench/fraud.py` measures how much of planted fraud they find, and how many honest they bother.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal

Rule = Literal[
    "subsidised_share",
    "declared_weight",
    "impossible_speed",
    "repeated_recipient",
    "delivered_before_pickup",
    "never_picked_up",
]

SHARE_FEWEST: Final = 100
SHARE_MOST: Final = 0.98
SHARE_OF_OTHERS_MOST: Final = 0.9
"""Who has (nearly) everything subsidised is looked at where others of the programme have not."""
WEIGHT_MOST: Final = 1.05
"""Parcels are packed: they weigh a little more than the goods did."""
SPEED_MOST_KM_H: Final = 130.0
NEAR_KM: Final = 60.0
"""Two counties' seats may be so much further apart than two doors in them."""
RECIPIENT_FEWEST: Final = 20
"""Parcels of one match and one weight to one county that no order of the buyer's stands for.

Those with an `order_ref` are left out on purpose: a county's citizens who each order the same box through one platform
look exactly so, and are most of what there is. The number is the carrier's word, but it pays once a buyer and order
(`duplicate_order`), the buyer knows which it gave out, and what was made up to get round that still has to weigh
something (`match_mass`, `declared_weight`).
"""
EARLY_MOST: Final = timedelta(hours=1)
"""So much the clock of who delivers may be behind that of who fetched."""
NEVER_FEWEST: Final = 20
"""Of a whole statement, whatever its matches: so many parcels of goods that their carrier never told to have fetched.

A driver may forget to tell of one van; who never comes for the goods at all has to claim for more to live on it.
"""

Point = tuple[float, float]
"""Longitude and latitude."""
Distance = Callable[[float, float, float, float], float]
"""Of a great circle, km: from longitude and latitude to longitude and latitude."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """`subject`: the waybill, match or payee that it is about; `evidence`: the numbers that the rule looked at."""

    rule: Rule
    subject: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """Parcels that the payee registered in the period, and how many of them were subsidised; and of those for which
    others ever asked the programme, how many it granted."""

    payee_id: str
    registered: int
    subsidised: int
    others_asked: int
    others_subsidised: int


@dataclass(frozen=True, slots=True)
class Weights:
    """Of one match: what its parcels weigh by the carrier's word, and what was weighed when the goods were fetched."""

    match_id: str
    declared_g: int
    weighed_g: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One scan of a parcel, at the seat of its county."""

    at: datetime
    adcode: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """So many parcels of one match, all of one weight, went to one county without an order's number."""

    match_id: str
    recipient_adcode: str
    weight_g: int
    parcels: int


@dataclass(frozen=True, slots=True)
class Early:
    """So many parcels of one match were delivered before its goods were fetched, by the carrier's own word; or the
    carrier never told that it fetched them (`fetched_at` None)."""

    match_id: str
    fetched_at: datetime | None
    first_delivered_at: datetime
    parcels: int


def of_share(share: Share) -> list[Suspicion]:
    if share.registered < SHARE_FEWEST or share.subsidised < SHARE_MOST * share.registered:
        return []
    if not share.others_asked or share.others_subsidised > SHARE_OF_OTHERS_MOST * share.others_asked:
        return []
    evidence = {
        "registered": share.registered,
        "subsidised": share.subsidised,
        "others_asked": share.others_asked,
        "others_subsidised": share.others_subsidised,
    }
    return [Suspicion("subsidised_share", share.payee_id, evidence)]


def of_weights(matches: Iterable[Weights]) -> list[Suspicion]:
    return [
        Suspicion("declared_weight", each.match_id, {"declared_g": each.declared_g, "weighed_g": each.weighed_g})
        for each in matches
        if each.declared_g > WEIGHT_MOST * each.weighed_g
    ]


def of_speed(scans: Mapping[str, Sequence[Seen]], distance_km: Distance) -> list[Suspicion]:
    """`scans` by waybill. One suspicion a parcel: the fastest of its ways."""
    found = []
    for waybill, seen in scans.items():
        ways = [_way(one, other, distance_km) for one, other in pairwise(sorted(seen, key=lambda each: each.at))]
        fastest = max(ways, key=lambda way: way["km_h"], default=None)
        if fastest is not None and fastest["km_h"] > SPEED_MOST_KM_H:
            found.append(Suspicion("impossible_speed", waybill, fastest))
    return found


def within_s(one: Point, other: Point, distance_km: Distance) -> float:
    """In fewer seconds than this nobody comes from one county to the other; 0 where they are near."""
    km = max(0.0, distance_km(*one, *other) - NEAR_KM)
    return km / SPEED_MOST_KM_H * 3600


def of_recipients(groups: Iterable[Repeated]) -> list[Suspicion]:
    return [
        Suspicion(
            "repeated_recipient",
            each.match_id,
            {"recipient_adcode": each.recipient_adcode, "weight_g": each.weight_g, "parcels": each.parcels},
        )
        for each in groups
        if each.parcels >= RECIPIENT_FEWEST
    ]


def of_early(matches: Iterable[Early]) -> list[Suspicion]:
    """Scans are taken whatever their time, for clocks may be wrong and it is told in any order; so here it is seen."""
    return [
        Suspicion(
            "delivered_before_pickup",
            each.match_id,
            {
                "fetched_at": each.fetched_at.isoformat(),
                "first_delivered_at": each.first_delivered_at.isoformat(),
                "parcels": each.parcels,
            },
        )
        for each in matches
        if each.fetched_at is not None and each.first_delivered_at < each.fetched_at - EARLY_MOST
    ]


def of_unfetched(matches: Iterable[Early]) -> list[Suspicion]:
    """Of one statement. Nothing else asks for a pickup: parcels alone fulfil their match."""
    never = [each for each in matches if each.fetched_at is None]
    if sum(each.parcels for each in never) < NEVER_FEWEST:
        return []
    return [
        Suspicion(
            "never_picked_up",
            each.match_id,
            {"first_delivered_at": each.first_delivered_at.isoformat(), "parcels": each.parcels},
        )
        for each in never
    ]


def _way(one: Seen, other: Seen, distance_km: Distance) -> dict[str, Any]:
    km = max(0.0, distance_km(one.lon, one.lat, other.lon, other.lat) - NEAR_KM)
    hours = max((other.at - one.at).total_seconds(), 1.0) / 3600
    return {
        "from": one.adcode,
        "to": other.adcode,
        "left_at": one.at.isoformat(),
        "arrived_at": other.at.isoformat(),
        "km_h": round(km / hours, 1),
    }
