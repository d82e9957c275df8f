"""Two policies side by side over the same worlds, and the price of fairness.

The price is what the sum of all gains loses to a fairer division: D. Bertsimas, V. Farias and N. Trichakis, The Price
of Fairness, Operations Research 59 (2011), 17-31. Theirs is relative; here it is told in kg and fen as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import Policy
from services.matching.policies.replay import Figures, of_market, replay
from services.matching.policies.worlds import CLASSES, CountyClass, Size, world_of

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the comparison. `of` is None where it has no meaning, such as a share of nothing."""

    name: str
    unit: str
    of: Callable[[Figures], float | None]


def _share_sold(county_class: CountyClass) -> Callable[[Figures], float | None]:
    def share(figures: Figures) -> float | None:
        offered_g = figures.offered_g[county_class]
        return 100 * figures.sold_of_class_g[county_class] / offered_g if offered_g else None

    return share


def _apart(figures: Figures) -> float | None:
    return None if figures.neighbours_apart is None else 100 * figures.neighbours_apart


MEASURES = (
    Measure("surplus", "fen", lambda of: of.surplus_mfen / 1000),
    Measure("own value", "fen", lambda of: of.value_mfen / 1000),
    Measure("sold", "kg", lambda of: of.sold_g / 1000),
    Measure("saved", "kg", lambda of: of.saved_g / 1000),
    Measure("spoiled", "kg", lambda of: None if of.spoiled_g is None else of.spoiled_g / 1000),
    *(Measure(f"sold of {each}", "%", _share_sold(each)) for each in CLASSES),
    Measure("neighbours apart", "% points", _apart),
    Measure("freight", "fen", lambda of: of.freight_mfen / 1000),
    Measure("freight a kg", "fen/kg", lambda of: of.freight_mfen / of.sold_g if of.sold_g else None),
)
SURPLUS, SOLD, SAVED = "surplus", "sold", "saved"


@dataclass(frozen=True, slots=True)
class Line:
    """A measure over all worlds: both means, the mean difference B − A, and its interval from three worlds on."""

    measure: Measure
    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The figures of every world, by its seed."""

    a: Mapping[int, Figures]
    b: Mapping[int, Figures]

    def lines(self) -> list[Line]:
        """One a measure, but for those that have no meaning in some of the worlds."""
        found = (self._line(measure) for measure in MEASURES)
        return [line for line in found if line is not None]

    def _line(self, measure: Measure) -> Line | None:
        of_a, of_b = ([measure.of(each) for each in side.values()] for side in (self.a, self.b))
        pairs = [(a, b) for a, b in zip(of_a, of_b, strict=True) if a is not None and b is not None]
        if not pairs:
            return None
        differences = [b - a for a, b in pairs]
        return Line(
            measure,
            fmean(a for a, _ in pairs),
            fmean(b for _, b in pairs),
            fmean(differences),
            interval(differences),
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What B gives up against A, on average over the worlds; negative is what it gains. `share`: of A's surplus."""

    surplus_fen: float
    share: float | None
    sold_kg: float
    saved_kg: float


def compare(a: Policy, b: Policy, seeds: int, size: Size, floors_fen_per_kg: Mapping[str, tuple[int, int]]) -> Compared:
    """Both over the worlds of the seeds 1 to `seeds`, measured by the freight, roads and rescue window of A."""
    worlds = {seed: world_of(seed, size, floors_fen_per_kg) for seed in range(1, seeds + 1)}
    return Compared(
        {seed: replay(world, a, yardstick=a) for seed, world in worlds.items()},
        {seed: replay(world, b, yardstick=a) for seed, world in worlds.items()},
    )


def of_one_round(market: Market, now_us: int, a: Policy, b: Policy) -> Compared:
    """Both over one round of this market, measured likewise."""
    figures = [of_market(market, now_us, policy, yardstick=a) for policy in (a, b)]
    return Compared({1: figures[0]}, {1: figures[1]})


def price_of(lines: Sequence[Line]) -> Price:
    """The price of fairness, when B is the fairer."""
    by_name = {line.measure.name: line for line in lines}
    surplus = by_name[SURPLUS]
    return Price(
        surplus_fen=-surplus.difference,
        share=-surplus.difference / surplus.a if surplus.a else None,
        sold_kg=-by_name[SOLD].difference,
        saved_kg=-by_name[SAVED].difference,
    )


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean by Student's t, for the worlds are drawn alike, each by itself.

    None for fewer than three: they tell next to nothing of how far such differences lie apart.
    """
    if len(differences) < 3:
        return None
    from scipy.special import stdtrit  # the inverse of Student's distribution

    mean, error = fmean(differences), stdev(differences) / sqrt(len(differences))
    reach = float(stdtrit(len(differences) - 1, (1 + CONFIDENCE) / 2)) * error
    return mean - reach, mean + reach
