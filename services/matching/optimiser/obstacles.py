"""What stands between the lots and the orders of a market, pair by pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.matching.optimiser.arcs import Instance, arrival_us, road_distance_m
from services.matching.optimiser.market import NO_PIN, BoolArray, among
from services.matching.optimiser.policy import IntArray, freight_fen_per_kg

Obstacle = Literal["grade", "window", "price_gap", "too_far", "spoils_before_arrival", "declined", "min_fill"]


@dataclass(frozen=True, slots=True)
class Obstacles:
    """By pair, in the order that they were asked in."""

    asks: BoolArray  # the order would have this lot as well as any other, or no other
    surplus_fen_per_kg: IntArray  # < 0: floor and freight are more than the order pays
    by_code: Mapping[Obstacle, BoolArray]
    but_for_money: BoolArray  # asks, and has no obstacle but that surplus

    @classmethod
    def of(cls, instance: Instance, listing: IntArray, order: IntArray) -> "Obstacles":
        """All that apply to each of these pairs; there are none exactly where the pair is compatible."""
        lots, bids, policy = instance.market.listings, instance.market.orders, instance.policy
        floor, ceiling = lots.floor_fen_per_kg[listing], bids.ceiling_fen_per_kg[order]
        distance_m = road_distance_m(instance, listing, order)
        freight = freight_fen_per_kg(policy, distance_m, instance.class_percent[listing])
        surplus = ceiling - floor - np.where(bids.delivered[order], freight, 0)
        leaves_us, deliver_by_us = instance.leaves_at_us[listing], bids.deliver_by_us[order]
        arrives_us = arrival_us(instance, listing, order, distance_m)

        gone = leaves_us > lots.available_until_us[listing]
        window = gone | (np.maximum(leaves_us + policy.handling_us, bids.deliver_from_us[order]) > deliver_by_us)
        dear = ceiling < floor
        late = ~window & (arrives_us > deliver_by_us)
        by_code: dict[Obstacle, BoolArray] = {
            "grade": lots.grade[listing] > bids.min_grade[order],
            "window": window,
            "price_gap": dear,
            "too_far": late | (~dear & (surplus < 0)),
            "spoils_before_arrival": lots.spoils_at_us[listing] - arrives_us < bids.min_remaining_life_us[order],
            "declined": among(listing * len(bids.ids) + order, instance.market.excluded),
            "min_fill": ~lots.divisible[listing] & (lots.remaining_g[listing] > bids.wanted_g[order]),
        }
        pin = bids.pin[order]
        asks = (pin == NO_PIN) | (pin == listing)
        but_for_money = asks & ~late
        for code, hindered in by_code.items():
            if code not in {"price_gap", "too_far"}:
                but_for_money &= ~hindered
        return cls(asks, surplus, by_code, but_for_money)

    @property
    def none(self) -> BoolArray:
        """The pairs that could come together."""
        return self.but_for_money & (self.surplus_fen_per_kg >= 0)
