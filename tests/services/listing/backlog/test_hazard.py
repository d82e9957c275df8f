"""The model alone: bands, rates, and what a sparse cell borrows."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.listing.backlog.hazard import (
    ALL,
    BANDS,
    EDGES_H,
    HALF_LIFE_H,
    PRIOR,
    STRENGTH,
    Cell,
    Seen,
    band_of,
    fit,
    hours_by_band,
    rates_for,
    unsold,
)

HOURS = st.floats(0, 2000)
SEEN = st.builds(
    Seen,
    produce=st.sampled_from(["strawberry", "cabbage"]),
    adcode=st.sampled_from(["321323", "321324", "530103"]),
    band=st.integers(0, len(BANDS) - 1),
    exposure_gh=st.floats(0, 1e13),
    sold_g=st.integers(-(10**9), 10**10),
    sales=st.integers(0, 10**5),
)
RICH = Seen("strawberry", "321323", 3, 1e11, 20_000 * 100_000, 20_000)


def test_half_is_left_after_the_half_life_of_the_stated_default() -> None:
    assert unsold(PRIOR, HALF_LIFE_H) == pytest.approx(0.5)
    assert unsold(PRIOR, 0) == 1
    assert unsold(PRIOR, -5) == 1


@given(HOURS, HOURS)
def test_the_hours_of_all_bands_are_the_hours_that_pass(one: float, other: float) -> None:
    first, last = max(one, other), min(one, other)
    assert sum(hours_by_band(first, last)) == pytest.approx(first - last, abs=1e-9)


@given(HOURS)
def test_a_moment_lies_in_the_band_of_its_number(hours: float) -> None:
    low, high = BANDS[band_of(hours)]
    assert low <= hours < high


def test_the_bands_join_from_nothing_to_ever() -> None:
    assert list(BANDS) == list(pairwise(EDGES_H))
    assert (EDGES_H[0], EDGES_H[-1]) == (0, math.inf)


def test_nothing_seen_fits_nothing_and_the_default_holds() -> None:
    assert fit([]) == {}
    assert rates_for({}, "strawberry", "321323") == PRIOR


def test_a_rate_is_that_of_step_two_worked_by_hand() -> None:
    """10 sales of 50 kg in 1,000 lot-hours of 100 kg: y = 10, x = 2,000 hours; the default awaits 2,000 × ln 2 ÷ 72."""
    fitted = fit([Seen("strawberry", "321323", 2, 1000 * 100_000.0, 500_000, 10)])
    awaited = 2000 * PRIOR[2]
    everything = PRIOR[2] * (STRENGTH + 10) / (STRENGTH + awaited)
    assert fitted[Cell(ALL, ALL)][2] == pytest.approx(everything)
    produce = everything * (STRENGTH + 10) / (STRENGTH + 2000 * everything)
    assert fitted[Cell("strawberry", ALL)][2] == pytest.approx(produce)
    assert fitted[Cell("strawberry", ALL)][0] == PRIOR[0], "of a band in which nothing was seen"


def test_much_history_is_believed_and_little_is_borrowed() -> None:
    """A county where much was seen has its own rate; one with a single unsold hour has its province's, nearly."""
    rich = Seen("strawberry", "321323", 3, 1e6 * 1e5, 20_000 * 100_000, 20_000)
    poor = Seen("strawberry", "321324", 3, 30 * 1e5, 0, 0)
    fitted = fit([rich, poor])
    assert fitted[Cell("strawberry", "321323")][3] == pytest.approx(0.02, rel=0.01)
    assert rates_for(fitted, "strawberry", "321324")[3] == pytest.approx(0.02, rel=0.2)
    assert rates_for(fitted, "strawberry", "321324")[3] < 0.02


def test_what_is_alike_everywhere_is_drawn_together_and_what_differs_is_not() -> None:
    """κ follows what was seen: ten counties alike lend a new one their rate, ten that differ lend it less."""

    def of_new(sold: list[int]) -> float:
        seen = [Seen("strawberry", f"3213{n:02}", 2, 2_000 * 1e5, each * 100_000, each) for n, each in enumerate(sold)]
        return rates_for(fit([*seen, Seen("strawberry", "321399", 2, 400 * 1e5, 0, 0)]), "strawberry", "321399")[2]

    alike, unlike = of_new([40] * 10), of_new([1, 160, 2, 100, 5, 60, 10, 50, 4, 8])
    assert unlike < alike * 0.5


def test_a_produce_never_sold_borrows_of_the_others() -> None:
    fitted = fit([Seen("strawberry", "321323", 2, 1e5 * 1e5, 2_000 * 100_000, 2_000)])
    assert rates_for(fitted, "cabbage", "321323") == fitted[Cell(ALL, ALL)]


@given(st.lists(SEEN, max_size=30), HOURS)
@example([RICH, replace(RICH, adcode="321324", exposure_gh=1e-315)], 1.0)
@example([RICH, replace(RICH, adcode="321324", exposure_gh=5e-324)], 1.0)
def test_whatever_was_seen_a_forecast_is_a_share_that_falls_with_time(seen: list[Seen], hours: float) -> None:
    fitted = fit(seen)
    for rates in fitted.values():
        assert all(rate > 0 and math.isfinite(rate) for rate in rates)
        assert 0 <= unsold(rates, hours + 1) <= unsold(rates, hours) <= 1
