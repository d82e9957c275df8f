"""How fast lots sell, and so what of them will not before it spoils. Data in, data out.

The piecewise exponential survival model (Holford, Biometrics 32, 1976; Friedman, Annals of Statistics 10, 1982), made
steady by gamma-Poisson shrinkage (Clayton and Kaldor, Biometrics 43, 1987). Each gram on the market is sold at a rate
that depends on its produce, its place and its hours left, and is constant within a band of these.

1. Of a cell (produce, area, band) were seen d grams sold in e gram-hours on the market. Grams are sold by the sale, not
   each for itself: with φ, the mean grams of a sale of that produce, there were y = d ÷ φ sales, in x = e ÷ φ.
2. y ~ Poisson(λ x), and before anything is seen λ ~ Gamma(κ, κ ÷ μ), whose mean μ is the wider cell's rate. Then its
   mean is λ = μ (κ + y) ÷ (κ + μ x): a cell with little of its own says what the wider one does.
   Wider are, in turn: the produce in the province, the produce, all produce, and `PRIOR_PER_H`.
3. κ, how much cells of one level resemble each other, is the one of `STRENGTHS` that makes what was seen most likely:
   y is then negative binomial with mean μ x and shape κ. With few sales it is `STRENGTH`.
4. What a lot sells in its first hour it sells to orders that waited for it, which will not come at that rate again:
   neither that hour nor its sales count.
5. Of what has h hours left, the share exp(−Σ λ × hours in the band) is not expected to be sold in them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

EDGES_H: Final = (0.0, 12.0, 24.0, 48.0, 96.0, 240.0, math.inf)
"""Most orders want a day of life left at arrival, so the last day is another market than the one before."""
BANDS: Final = tuple(pairwise(EDGES_H))

NEW_H: Final = 1.0
NEW: Final = -1
"""What is seen of a lot in its first hour stands apart, in no band (step 4)."""

HALF_LIFE_H: Final = 72.0
PRIOR_PER_H: Final = math.log(2) / HALF_LIFE_H
"""Before there is any history: half of what stands is sold in three days. A stated guess, and called so."""
SALE_G: Final = 100_000.0
"""The size of a sale while none was seen."""

STRENGTH: Final = 4.0
STRENGTHS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SALES_TO_JUDGE: Final = 30
"""Fewer say nothing of how much cells resemble each other."""
PAIRS_TO_JUDGE: Final = 5_000
"""More cells and bands than that would say it no better, and take longer."""
SALES_TO_COUNT: Final = 0.25
"""Sales seen and expected, below which a cell has nothing to say of its own."""

ALL: Final = ""
PROVINCE_DIGITS: Final = 2
WIDTHS: Final = (0, PROVINCE_DIGITS, 6)
"""Digits of the adcode by which the cells of a produce are told apart, from wide to narrow."""

Rates = tuple[float, ...]
"""Per hour, by band."""
PRIOR: Final[Rates] = (PRIOR_PER_H,) * len(BANDS)


class Cell(NamedTuple):
    """A produce in an area: `adcode` is the beginning of its counties'. `ALL` stands for every one."""

    produce: str
    adcode: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a produce in a county while it had so many hours left: on the market, and sold of it."""

    produce: str
    adcode: str
    band: int
    exposure_gh: float
    sold_g: float
    sales: int


class Counted(NamedTuple):
    """Sales seen, and the hours in which there was one to be made, by band."""

    sales: list[float]
    sale_hours: list[float]

    @classmethod
    def nothing(cls) -> "Counted":
        return cls([0.0] * len(BANDS), [0.0] * len(BANDS))


Wider = Callable[[Cell], Rates]
"""The rates of the cell around this one."""


def band_of(hours_left: float) -> int:
    return next(band for band, (_, high) in enumerate(BANDS) if hours_left < high)


def hours_by_band(first_h: float, last_h: float = 0.0) -> list[float]:
    """The hours that pass in each band while the hours left fall from `first_h` to `last_h`."""
    return [max(0.0, min(first_h, high) - max(last_h, low)) for low, high in BANDS]


def unsold(rates: Rates, hours_left: float) -> float:
    """The share that is not expected to be sold in the hours left (step 5)."""
    return math.exp(-sum(rate * hours for rate, hours in zip(rates, hours_by_band(hours_left), strict=True)))


def rates_for(fitted: Mapping[Cell, Rates], produce: str, adcode: str) -> Rates:
    """Those of the narrowest cell that has something to say."""
    cells = [*(Cell(produce, adcode[:digits]) for digits in reversed(WIDTHS)), Cell(ALL, ALL)]
    return next((fitted[cell] for cell in cells if cell in fitted), PRIOR)


def fit(seen: Sequence[Seen]) -> dict[Cell, Rates]:
    """The rates of every cell that has something to say of its own; nothing when nothing was seen."""
    counties = _counted(seen)
    fitted = dict(_narrowed(_widened(counties, lambda _: Cell(ALL, ALL)), lambda _: PRIOR, STRENGTH))
    for digits in WIDTHS:
        counted = _widened(counties, lambda cell, digits=digits: Cell(cell.produce, cell.adcode[:digits]))  # type: ignore[misc]
        known = dict(fitted)  # of the wider levels alone

        def wider(cell: Cell, known: Mapping[Cell, Rates] = known) -> Rates:
            return rates_for(known, cell.produce, cell.adcode)

        fitted.update(_narrowed(counted, wider, _strength(counted, wider)))
    return fitted


def _sale_sizes(seen: Sequence[Seen]) -> dict[str, float]:
    """φ of each produce (step 1); of one that was never sold, that of all."""
    sold: dict[str, list[float]] = {}
    for each in seen:
        for produce in (each.produce, ALL):
            sums = sold.setdefault(produce, [0.0, 0.0])
            sums[0] += max(0.0, each.sold_g)
            sums[1] += each.sales
    overall_g, sales = sold.get(ALL, (0.0, 0))
    usual_g = overall_g / sales if overall_g and sales else SALE_G
    return {produce: grams / number if grams and number else usual_g for produce, (grams, number) in sold.items()}


def _counted(seen: Sequence[Seen]) -> dict[Cell, Counted]:
    """y and x of each produce in each county (step 1)."""
    sizes = _sale_sizes(seen)
    found: dict[Cell, Counted] = {}
    for each in seen:
        counted = found.setdefault(Cell(each.produce, each.adcode), Counted.nothing())
        counted.sales[each.band] += max(0.0, each.sold_g) / sizes[each.produce]
        counted.sale_hours[each.band] += each.exposure_gh / sizes[each.produce]
    return found


def _widened(counties: Mapping[Cell, Counted], cell_of: Callable[[Cell], Cell]) -> dict[Cell, Counted]:
    """The same of wider cells."""
    found: dict[Cell, Counted] = {}
    for county, of_county in counties.items():
        counted = found.setdefault(cell_of(county), Counted.nothing())
        for band in range(len(BANDS)):
            counted.sales[band] += of_county.sales[band]
            counted.sale_hours[band] += of_county.sale_hours[band]
    return found


def _narrowed(counted: Mapping[Cell, Counted], wider: Wider, strength: float) -> Iterator[tuple[Cell, Rates]]:
    """λ of each cell (step 2)."""
    for cell, (sales, sale_hours) in counted.items():
        means = wider(cell)
        expected = [mean * hours for mean, hours in zip(means, sale_hours, strict=True)]
        if sum(sales) + sum(expected) >= SALES_TO_COUNT:
            yield (
                cell,
                tuple(
                    mean * (strength + y) / (strength + awaited)
                    for mean, y, awaited in zip(means, sales, expected, strict=True)
                ),
            )


def _strength(counted: Mapping[Cell, Counted], wider: Wider) -> float:
    """κ of a level (step 3)."""
    pairs = [
        (y, mean * hours)
        for cell, (sales, sale_hours) in counted.items()
        for y, mean, hours in zip(sales, wider(cell), sale_hours, strict=True)
        if mean * hours > 0
    ]
    if sum(y for y, _ in pairs) < SALES_TO_JUDGE:
        return STRENGTH
    pairs = pairs[:: 1 + len(pairs) // PAIRS_TO_JUDGE]
    return max(STRENGTHS, key=lambda strength: sum(_log_likelihood(strength, y, mean) for y, mean in pairs))


def _log_likelihood(shape: float, y: float, mean: float) -> float:
    """Of y under the negative binomial with this mean and shape, but for what no shape changes."""
    of_mean = y * (math.log(mean) - math.log(shape + mean)) if y else 0.0  # their quotient may be 0
    return math.lgamma(shape + y) - math.lgamma(shape) + shape * math.log(shape / (shape + mean)) + of_mean
