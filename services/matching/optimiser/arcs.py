"""Which listing may serve which order, and what a kilogram of it is worth: the arcs of the market.

Exact and elementwise, so that a pair gets the same figures wherever and in whatever company it is looked at.
"""

from dataclasses import dataclass

import numpy as np

from catalogue.geodesy import MEAN_EARTH_RADIUS_KM
from services.matching.optimiser.market import NO_PIN, BoolArray, Market, among
from services.matching.optimiser.policy import (
    IntArray,
    Policy,
    freight_fen_per_kg,
    priority_fen_per_kg,
    rescue_fen_per_kg,
    travel_us,
)

MEAN_EARTH_RADIUS_M = MEAN_EARTH_RADIUS_KM * 1000


@dataclass(frozen=True, slots=True)
class Instance:
    """A market under a policy at an instant: everything a round is decided by."""

    market: Market
    policy: Policy
    now_us: int
    leaves_at_us: IntArray  # by listing: the earliest it can leave
    bonus_fen_per_kg: IntArray  # by listing: rescue + priority
    class_percent: IntArray  # by listing: of the ambient freight

    @classmethod
    def of(cls, market: Market, policy: Policy, now_us: int) -> "Instance":
        """The instance of this market under this policy at this instant."""
        listings = market.listings
        leaves_at_us = np.maximum(listings.available_from_us, now_us)
        rescue = rescue_fen_per_kg(policy, listings.spoils_at_us - leaves_at_us)
        bonus = rescue + priority_fen_per_kg(policy, listings.watch_52, listings.poverty_832)
        percent = np.array(policy.class_percent, dtype=np.int64)[listings.temperature_class]
        return cls(market, policy, now_us, leaves_at_us, bonus, percent)

    def part(self, listings: IntArray, orders: IntArray) -> "Instance":
        """The instance of these rows alone, each ascending."""
        return Instance.of(self.market.part(listings, orders), self.policy, self.now_us)


@dataclass(frozen=True, slots=True)
class Arcs:
    """Compatible pairs, in columns."""

    listing: IntArray
    order: IntArray
    surplus_fen_per_kg: IntArray
    value_fen_per_kg: IntArray  # surplus + rescue + priority; the spread depends on how much is sold
    freight_fen_per_kg: IntArray
    distance_m: IntArray
    arrives_at_us: IntArray

    def __len__(self) -> int:
        return len(self.listing)

    def select(self, rows: IntArray | BoolArray) -> "Arcs":
        """These arcs only."""
        return Arcs(*(getattr(self, name)[rows] for name in Arcs.__slots__))


def road_distance_m(instance: Instance, listing: IntArray, order: IntArray) -> IntArray:
    """Whole metres by road, as measured; where nobody has, great circle × detour, half to even.

    That by the chord between unit vectors, which keeps its precision at short distances where the cosine loses it.
    """
    a = instance.market.listings.unit_vector[listing]
    b = instance.market.orders.unit_vector[order]
    x, y, z = (a - b).T
    chord = np.sqrt(x * x + y * y + z * z)
    arc_m = 2 * MEAN_EARTH_RADIUS_M * np.arcsin(np.minimum(chord / 2, 1.0))
    distance_m: IntArray = np.rint(arc_m * instance.policy.detour).astype(np.int64)
    if instance.market.roads is None:
        return distance_m
    measured_m = instance.market.roads.between(listing, order)
    return np.where(measured_m >= 0, measured_m, distance_m)


def compatible_arcs(instance: Instance, listing: IntArray, order: IntArray) -> Arcs:
    """The arcs of those of these pairs that are compatible."""
    allowed = _may_meet(instance, listing, order)
    listing, order = listing[allowed], order[allowed]
    lots, bids, policy = instance.market.listings, instance.market.orders, instance.policy

    distance_m = road_distance_m(instance, listing, order)
    freight = freight_fen_per_kg(policy, distance_m, instance.class_percent[listing])
    arrives_at_us = arrival_us(instance, listing, order, distance_m)
    surplus = bids.ceiling_fen_per_kg[order] - lots.floor_fen_per_kg[listing]
    surplus -= np.where(bids.delivered[order], freight, 0)
    arcs = Arcs(
        listing,
        order,
        surplus,
        surplus + instance.bonus_fen_per_kg[listing],
        freight,
        distance_m,
        arrives_at_us,
    )
    fresh = lots.spoils_at_us[listing] - arrives_at_us >= bids.min_remaining_life_us[order]
    in_time = arrives_at_us <= bids.deliver_by_us[order]
    return arcs.select((surplus >= 0) & fresh & in_time)


def arrival_us(instance: Instance, listing: IntArray, order: IntArray, distance_m: IntArray) -> IntArray:
    """When the lot would reach the buyer; one that is there before ``deliver_from`` waits for it."""
    policy = instance.policy
    under_way = instance.leaves_at_us[listing] + policy.handling_us + travel_us(policy, distance_m)
    arrival: IntArray = np.maximum(under_way, instance.market.orders.deliver_from_us[order])
    return arrival


def _may_meet(instance: Instance, listing: IntArray, order: IntArray) -> BoolArray:
    """Everything about compatibility that needs no distance."""
    market = instance.market
    lots, bids = market.listings, market.orders
    pin = bids.pin[order]
    allowed: BoolArray = (pin == NO_PIN) | (pin == listing)
    allowed &= lots.grade[listing] <= bids.min_grade[order]
    allowed &= instance.leaves_at_us[listing] <= lots.available_until_us[listing]
    allowed &= lots.divisible[listing] | (lots.remaining_g[listing] <= bids.wanted_g[order])
    if len(market.excluded):
        allowed &= ~among(listing * len(bids.ids) + order, market.excluded)
    return allowed
