"""The backlog's forecast on worlds whose truth is known: fitted on the first weeks, judged on the days that follow.

A seeded world of lots: some produce sell fast and some hardly, some counties better than others, each has its own
hazard in every band of hours left, and in the last day before spoiling hardly anyone buys. A lot sells in sales of
varied size, at the moments of a Poisson process. What production would have noted of the first weeks is noted: grams on
the market, hours, sales. Then each lot of the following days is looked at once, at some moment of its life, and the
share of what was left that will not be sold in time is forecast and compared with what became of it.

Judged by the Brier score, weighted by kilograms: the mean of (forecast share − true share)². Its peers are the naive
guesses: nothing sells (1 for all), and the base rate (the share that was unsold in the first weeks, for all). The
figure is ours ÷ the peer's; below 1 is better. A forecast that knew the true rates would itself have some score, for
sales fall by chance: it is the last peer, and nothing is to be expected much below it.
Calibration: lots in ten groups by their forecast; the mean over the groups, weighted by kilograms, of |mean forecast −
mean truth|. And the total: forecast ÷ true kilograms unsold.

The model is right about that world but for what it has to estimate. In a second one it is wrong, as it is in truth:
each lot has an appeal of its own (its price, its looks), which nobody notes and which makes it sell up to some times
faster or slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from bench.harness import Bar, Outcome, Plan, Side, main
from services.listing.backlog import hazard
from services.listing.backlog.hazard import BANDS, EDGES_H, Rates, Seen, band_of, hours_by_band, unsold

BARS = (
    Bar("backlog", "Brier score of the forecast", "nothing sells", "score", 0.5, 0.3, "less"),
    Bar("backlog_base_rate", "Brier score of the forecast", "base rate", "score", 0.9, 0.75, "less"),
    Bar("backlog_truth", "Brier score of the forecast", "the true rates", "score", 1.1, 1.03, "less"),
    Bar("backlog_calibration", "gap of forecast and truth by decile", None, "share", 0.05, 0.025, "less", True),
    Bar("backlog_total_high", "forecast ÷ true kg unsold, at most", None, "ratio", 1.1, 1.05, "less", True),
    Bar("backlog_total_low", "forecast ÷ true kg unsold, at least", None, "ratio", 0.9, 0.95, "more", True),
    Bar("backlog_appeal", "Brier score where lots differ unseen", "base rate", "score", 0.9, 0.75, "less"),
    Bar("backlog_appeal_calibration", "gap there by decile", None, "share", 0.1, 0.05, "less", True),
)
TRAINING_H: Final = 28 * 24.0
JUDGED_H: Final = 7 * 24.0
PRODUCE: Final = 12
COUNTIES: Final = 60
PROVINCES: Final = 8
SALE_MEAN_G: Final = 80_000
APPEAL: Final = 0.7
"""The spread (of the logarithm) of what makes one lot sell faster than another like it, in the second world."""


@dataclass(frozen=True, slots=True)
class Lot:
    """What one lot was, and what became of it: grams left from each moment on, in hours of its life."""

    produce: str
    adcode: str
    posted_h: float
    life_h: float
    steps: Sequence[tuple[float, int]]

    def left_at(self, age_h: float) -> int:
        return next(grams for since_h, grams in reversed(self.steps) if since_h <= age_h)


@dataclass(frozen=True, slots=True)
class Judged:
    """One forecast, and the truth."""

    kg: float
    truth: float
    ours: float
    of_truth: float


class World:
    """Produce, counties and the true hazard of each pair."""

    def __init__(self, chance: Random, appeal: float) -> None:
        self._chance = chance
        self._appeal = appeal
        self.counties = [f"{10 + number % PROVINCES}{number:04}" for number in range(COUNTIES)]
        self.produce = [f"produce-{number}" for number in range(PRODUCE)]
        in_province = {f"{10 + number}": chance.lognormvariate(0, 0.4) for number in range(PROVINCES)}
        self._county = {each: in_province[each[:2]] * chance.lognormvariate(0, 0.4) for each in self.counties}
        self._rates = {each: self._of_produce() for each in self.produce}
        self._life_h = {each: chance.choice([48.0, 96.0, 168.0, 400.0]) for each in self.produce}

    def _of_produce(self) -> Rates:
        base = self._chance.lognormvariate(-4.2, 0.8)
        shape = [0.1, 0.3, *(self._chance.lognormvariate(0, 0.4) for _ in BANDS[2:])]
        return tuple(base * each for each in shape)

    def rates(self, produce: str, adcode: str) -> Rates:
        return tuple(rate * self._county[adcode] for rate in self._rates[produce])

    def lot(self, posted_h: float) -> Lot:
        """Few counties grow much, most little: cells are as sparse as they are in truth."""
        chance = self._chance
        produce = self.produce[min(int(chance.expovariate(0.35)), PRODUCE - 1)]
        adcode = self.counties[min(int(chance.expovariate(0.06)), COUNTIES - 1)]
        life_h = self._life_h[produce] * chance.uniform(0.5, 1.0)
        left_g = round(min(chance.lognormvariate(12.6, 0.8), 5e6))
        steps = [(0.0, left_g)]
        appeal = chance.lognormvariate(0, self._appeal) if self._appeal else 1.0
        rates = tuple(rate * appeal for rate in self.rates(produce, adcode))
        age_h = 0.0
        while left_g > 0:
            # each gram at its rate, by sales of some size: the more is left, the more often someone buys of it
            size_g = max(1, round(min(chance.expovariate(1 / SALE_MEAN_G), left_g)))
            age_h = _next(chance, rates, left_g / SALE_MEAN_G, age_h, life_h)
            if age_h >= life_h:
                break
            left_g -= size_g
            steps.append((age_h, left_g))
        return Lot(produce, adcode, posted_h, life_h, steps)


def _next(chance: Random, rates: Rates, times: float, age_h: float, life_h: float) -> float:
    """When the next sale is: the hazard, `times` over, used up to an exponential amount."""
    amount, left_h = chance.expovariate(1.0), life_h - age_h
    while left_h > 0:
        band = band_of(left_h - 1e-9)
        low = EDGES_H[band]
        used = rates[band] * times * (left_h - low)
        if used >= amount:
            return life_h - (left_h - amount / (rates[band] * times))
        amount, left_h = amount - used, low
    return life_h


def seen_of(lot: Lot, until_h: float) -> list[Seen]:
    """What production notes of a lot up to an hour of the world."""
    ends_h = min(lot.life_h, until_h - lot.posted_h)
    found = []
    for number, (since_h, left_g) in enumerate(lot.steps):
        if since_h >= ends_h:
            break
        following = lot.steps[number + 1] if number + 1 < len(lot.steps) else None
        to_h = min(ends_h, following[0] if following else ends_h)
        hours = hours_by_band(lot.life_h - since_h, lot.life_h - to_h)
        found += [Seen(lot.produce, lot.adcode, band, left_g * each, 0, 0) for band, each in enumerate(hours) if each]
        if following and following[0] <= ends_h:
            sold_g = left_g - following[1]
            found.append(Seen(lot.produce, lot.adcode, band_of(lot.life_h - to_h), 0.0, sold_g, 1))
    return found


def judged(world: World, fitted: dict[hazard.Cell, Rates], lot: Lot, age_h: float) -> Judged:
    now_g, then_g = lot.left_at(age_h), lot.left_at(lot.life_h)
    left_h = lot.life_h - age_h
    return Judged(
        now_g / 1000,
        then_g / now_g if now_g else 0.0,
        unsold(hazard.rates_for(fitted, lot.produce, lot.adcode), left_h),
        unsold(world.rates(lot.produce, lot.adcode), left_h),
    )


def brier(found: Sequence[Judged], forecast: Callable[[Judged], float]) -> float:
    return sum(each.kg * (forecast(each) - each.truth) ** 2 for each in found) / sum(each.kg for each in found)


def calibration(found: Sequence[Judged]) -> float:
    """The mean gap of ten groups of lots alike in their forecast."""
    by_forecast = sorted(found, key=lambda each: each.ours)
    size = max(1, len(found) // 10)
    gaps = 0.0
    for start in range(0, len(found), size):
        group = by_forecast[start : start + size]
        gaps += abs(sum(each.kg * (each.ours - each.truth) for each in group))
    return gaps / sum(each.kg for each in found)


def backtest(seed: int, lots: int, appeal: float = 0.0) -> tuple[list[Judged], float]:
    """The forecasts of one world, and the share that was unsold in its first weeks."""
    chance = Random(seed)
    world = World(chance, appeal)
    whole_h = TRAINING_H + JUDGED_H
    posted = [world.lot(chance.uniform(0, whole_h)) for _ in range(lots)]
    before = [each for each in posted if each.posted_h < TRAINING_H]
    fitted = hazard.fit([seen for lot in before for seen in seen_of(lot, TRAINING_H)])
    ended = [each for each in before if each.posted_h + each.life_h <= TRAINING_H]
    base = sum(each.left_at(each.life_h) for each in ended) / sum(each.left_at(0) for each in ended)
    looks = [(each, chance.uniform(0, each.life_h)) for each in posted if each.posted_h >= TRAINING_H]
    return [judged(world, fitted, lot, age_h) for lot, age_h in looks if lot.left_at(age_h) > 0], base


async def program(plan: Plan) -> list[Outcome]:
    ours, nothing, base_rate, truth, gap, total = (Side() for _ in range(6))
    unlike, unlike_base, unlike_gap = (Side() for _ in range(3))
    lots = plan.pick(20_000, 4_000)
    for seed in range(plan.pick(5, 2)):
        found, base = backtest(seed, lots)
        ours.add(brier(found, lambda each: each.ours))
        nothing.add(brier(found, lambda _: 1.0))
        base_rate.add(_of_base_rate(found, base))
        truth.add(brier(found, lambda each: each.of_truth))
        gap.add(calibration(found))
        total.add(sum(each.kg * each.ours for each in found) / sum(each.kg * each.truth for each in found))
        found, base = backtest(seed, lots, APPEAL)
        unlike.add(brier(found, lambda each: each.ours))
        unlike_base.add(_of_base_rate(found, base))
        unlike_gap.add(calibration(found))
    measured = [(ours, nothing), (ours, base_rate), (ours, truth), (gap, None), (total, None), (total, None)]
    measured += [(unlike, unlike_base), (unlike_gap, None)]
    return [Outcome(bar, side, peer) for bar, (side, peer) in zip(BARS, measured, strict=True)]


def _of_base_rate(found: Sequence[Judged], base: float) -> float:
    return brier(found, lambda _: base)


if __name__ == "__main__":
    main(program)
