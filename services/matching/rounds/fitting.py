"""What of a plan still fits when it is written: the market may have moved while it was solved."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.matching.optimiser.plan import Match as Planned
from services.matching.optimiser.policy import HOUR_US, Policy, travel_us
from services.matching.rounds.snapshot import instant_of, us_of

ANSWER_WITHIN = timedelta(minutes=30)

Row = Any
"""A locked row of supply or of orders."""


@dataclass(frozen=True, slots=True)
class Journey:
    """When a lot can leave, when it would be there, and the last moment to leave and still be in time and fresh.

    `under_way_s`: from leaving until it is there, rounded up.
    """

    ready_at: datetime
    arrives_at: datetime
    last_departure: datetime
    under_way_s: int

    @classmethod
    def of(cls, lot: Row, bid: Row, distance_m: int, policy: Policy, now: datetime) -> "Journey":
        under_way_us = policy.handling_us + travel_us(policy, distance_m)
        ready_us = max(us_of(lot.available_from), us_of(now))
        arrives_us = max(ready_us + under_way_us, us_of(bid.deliver_from))
        due_us = min(us_of(bid.deliver_by), us_of(lot.spoils_at) - bid.min_remaining_life_h * HOUR_US)
        last_us = due_us - under_way_us
        if lot.available_until is not None:
            last_us = min(last_us, us_of(lot.available_until))
        return cls(
            instant_of(ready_us), instant_of(arrives_us), instant_of(last_us), -(-int(under_way_us) // 1_000_000)
        )

    def in_time_for(self, lot: Row, bid: Row) -> bool:
        """Within both windows, and fresh on arrival."""
        fresh_until = lot.spoils_at - timedelta(hours=bid.min_remaining_life_h)
        in_season = lot.available_until is None or self.ready_at <= lot.available_until
        return bool(in_season and self.arrives_at <= min(bid.deliver_by, fresh_until))

    def agree_by(self, now: datetime) -> datetime:
        """30 minutes to answer, never after the last moment the lot can still leave."""
        return min(now + ANSWER_WITHIN, self.last_departure)


@dataclass(frozen=True, slots=True)
class Fitting:
    """A planned match with its sides as they are now."""

    planned: Planned
    lot: Row
    bid: Row
    journey: Journey

    @property
    def agreed(self) -> bool:
        """Both have said yes beforehand, by their floor and their ceiling."""
        return bool(self.lot.auto_agree and self.bid.auto_agree)


@dataclass(frozen=True, slots=True)
class Sides:
    """The locked rows by id, the terms that the plan was made for, and the pairs that have said no meanwhile."""

    lots: Mapping[str, Row]
    bids: Mapping[str, Row]
    terms: Mapping[str, int]
    refused: Collection[tuple[str, str]] = ()


def fitting(planned: Iterable[Planned], sides: Sides, policy: Policy, now: datetime) -> list[Fitting]:
    """Those of these matches that can be made now, in their order."""
    free_g = {
        id_: row.quantity_g - row.held_g - row.agreed_g for id_, row in [*sides.lots.items(), *sides.bids.items()]
    }
    found: list[Fitting] = []
    for match in planned:
        lot, bid = sides.lots.get(match.listing_id), sides.bids.get(match.order_id)
        if lot is None or bid is None or not _unchanged(match, lot, bid, sides):
            continue
        journey = Journey.of(lot, bid, match.distance_m, policy, now)
        enough = match.quantity_g <= min(free_g[match.listing_id], free_g[match.order_id])
        whole = lot.divisible or match.quantity_g == free_g[match.listing_id]
        if enough and whole and journey.in_time_for(lot, bid):
            free_g[match.listing_id] -= match.quantity_g
            free_g[match.order_id] -= match.quantity_g
            found.append(Fitting(match, lot, bid, journey))
    return _filled(found)


def _unchanged(match: Planned, lot: Row, bid: Row, sides: Sides) -> bool:
    is_open = lot.status == "open" and bid.lifecycle == "open"
    same_terms = sides.terms[match.listing_id] == lot.terms and sides.terms[match.order_id] == bid.terms
    return bool(is_open and same_terms and (match.listing_id, match.order_id) not in sides.refused)


def _filled(found: list[Fitting]) -> list[Fitting]:
    """Without the orders that would now get less than their least fill."""
    by_order = totals(found, lambda each: each.planned.order_id)
    return [
        each
        for each in found
        if each.bid.held_g + each.bid.agreed_g + by_order[each.planned.order_id] >= each.bid.min_fill_g
    ]


def totals(found: Iterable[Fitting], key: Callable[[Fitting], str]) -> dict[str, int]:
    """Grams by listing or by order."""
    total_g: dict[str, int] = defaultdict(int)
    for each in found:
        total_g[key(each)] += each.planned.quantity_g
    return total_g
