"""What a round decided: matches with their prices, the proof, and the price of a place on either side."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import SetAside
from services.matching.optimiser.policy import (
    IntArray,
    amount_fen,
    farm_gate_price,
    listed_fen_per_kg,
    rescue_fen_per_kg,
)
from services.matching.optimiser.transport import spread_by_listing_mfen


@dataclass(frozen=True, slots=True)
class Worth:
    """What the value of one match is made of, but for its freight: what both sides and the policy said in that round.

    surplus = ceiling − freight − floor where the ceiling is a delivered one, else ceiling − floor; the value of a
    kilogram = surplus + rescue + both lists' bonuses; and to that comes the match's share of the spread.
    """

    delivered: bool  # the ceiling includes the freight
    ceiling_fen_per_kg: int
    floor_fen_per_kg: int
    rescue_fen_per_kg: int
    watch_52_fen_per_kg: int | None  # None: nobody knows whether the county is on that list, which counts as 0
    poverty_832_fen_per_kg: int | None
    spread_mfen: int  # of all its grams


@dataclass(frozen=True, slots=True)
class Match:
    """So many grams of one listing for one order. The distance shows the freight, the freight the price."""

    listing_id: str
    order_id: str
    quantity_g: int
    price_fen_per_kg: int  # at the farm gate
    freight_fen_per_kg: int
    surplus_fen_per_kg: int
    value_fen_per_kg: int  # surplus + rescue + priority, without the spread
    distance_m: int
    arrives_at_us: int
    remaining_life_us: int  # on arrival
    worth: Worth

    @property
    def value_mfen(self) -> int:
        """What it adds to the value of the round: over all matches they are the round's, exactly."""
        return self.value_fen_per_kg * self.quantity_g + self.worth.spread_mfen

    @property
    def delivered_price_fen_per_kg(self) -> int:
        """Farm gate and freight."""
        return self.price_fen_per_kg + self.freight_fen_per_kg

    @property
    def amount_fen(self) -> int:
        """Quantity × farm-gate price, half to even."""
        return amount_fen(self.quantity_g, self.price_fen_per_kg)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One round's outcome. Values are in thousandths of a fen: fen per kg × grams."""

    matches: tuple[Match, ...]  # by listing, then order
    value_mfen: int
    bound_mfen: int  # no plan for this market is worth more
    certified_gap: float  # (bound − value) ÷ value; 0: proven optimal
    greedy_value_mfen: int
    listing_ids: tuple[str, ...]  # those the prices are of, in their order
    listing_price_fen_per_kg: IntArray  # the best value over all orders, less the order's price; < 0: unsold
    order_ids: tuple[str, ...]
    order_price_fen_per_kg: IntArray  # what one more kg wanted would add
    set_aside: tuple[SetAside, ...]
    priority_unknown: tuple[str, ...]  # listings whose bonus is 0 for want of knowledge
    arcs: int
    solves: int
    policy: int
    now_us: int
    stopped_early: bool  # by a limit, or by a cut between parts: the next round may find more
    seconds: float = field(compare=False)

    @property
    def matched_g(self) -> int:
        """All that was matched."""
        return sum(match.quantity_g for match in self.matches)


def matches_of(instance: Instance, arcs: Arcs, flow_g: IntArray) -> tuple[Match, ...]:
    """The arcs that carry something, as matches."""
    rows = np.flatnonzero(flow_g)
    rows = rows[np.lexsort((arcs.order[rows], arcs.listing[rows]))]
    used, lots = arcs.select(rows), instance.market.listings
    floor, spoils = lots.floor_fen_per_kg[used.listing], lots.spoils_at_us[used.listing]
    columns = (
        used.listing,
        used.order,
        flow_g[rows],
        farm_gate_price(instance.policy, floor, used.surplus_fen_per_kg),
        used.freight_fen_per_kg,
        used.surplus_fen_per_kg,
        used.value_fen_per_kg,
        used.distance_m,
        used.arrives_at_us,
        spoils - used.arrives_at_us,
    )
    order_ids = instance.market.orders.ids
    worths = _worths(instance, used, flow_g[rows])
    pairs = zip(zip(*(column.tolist() for column in columns), strict=True), worths, strict=True)
    rows_of_matches: Iterator[list[Any]] = (
        [lots.ids[listing], order_ids[order], *figures, worth] for (listing, order, *figures), worth in pairs
    )
    return tuple(Match(*row) for row in rows_of_matches)


def _worths(instance: Instance, used: Arcs, quantity_g: IntArray) -> list[Worth]:
    """Of these matches, which stand by listing."""
    lots, bids, policy = instance.market.listings, instance.market.orders, instance.policy
    rescue = rescue_fen_per_kg(policy, lots.spoils_at_us - instance.leaves_at_us)
    columns = (
        bids.delivered[used.order],
        bids.ceiling_fen_per_kg[used.order],
        lots.floor_fen_per_kg[used.listing],
        rescue[used.listing],
    )
    figures = zip(
        zip(*(column.tolist() for column in columns), strict=True),
        _bonuses(policy.watch_52_fen_per_kg, lots.watch_52[used.listing]),
        _bonuses(policy.poverty_832_fen_per_kg, lots.poverty_832[used.listing]),
        _spread_shares(instance, used.listing, quantity_g),
        strict=True,
    )
    rows: Iterator[list[Any]] = ([*said, *bonuses_and_share] for said, *bonuses_and_share in figures)
    return [Worth(*row) for row in rows]


def _bonuses(bonus_fen_per_kg: int, flag: IntArray) -> list[int | None]:
    bonuses = zip(listed_fen_per_kg(bonus_fen_per_kg, flag).tolist(), flag.tolist(), strict=True)
    return [None if known < 0 else bonus for bonus, known in bonuses]


def _spread_shares(instance: Instance, listing: IntArray, quantity_g: IntArray) -> list[int]:
    """What each lot earns of the spread, shared among its matches by their grams, for which gram was sold first nobody
    can say. To a thousandth of a fen: each share is the difference of two running totals, so that all are the whole."""
    by_listing_g = np.zeros(len(instance.market.listings.ids), dtype=np.int64)
    np.add.at(by_listing_g, listing, quantity_g)
    earned_mfen = spread_by_listing_mfen(instance, by_listing_g).tolist()
    shares, running_g, shared_mfen = [], 0, 0
    for row, grams, first in zip(listing.tolist(), quantity_g.tolist(), _first_of_its_listing(listing), strict=True):
        if first:
            running_g = shared_mfen = 0
        running_g += grams
        total_mfen = earned_mfen[row] * running_g // int(by_listing_g[row])
        shares.append(total_mfen - shared_mfen)
        shared_mfen = total_mfen
    return shares


def _first_of_its_listing(listing: IntArray) -> list[bool]:
    first = np.ones(len(listing), dtype=bool)
    first[1:] = listing[1:] != listing[:-1]
    return first.tolist()
