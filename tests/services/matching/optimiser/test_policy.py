from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.policy import (
    HOUR_US,
    POLICY_1,
    amount_fen,
    farm_gate_price,
    freight_fen_per_kg,
    priority_fen_per_kg,
    rescue_fen_per_kg,
    travel_us,
)


@given(distance_m=st.integers(0, 30_000_000), percent=st.sampled_from([100, 150, 200]))
def test_freight_is_the_published_formula_rounded_up_exactly(distance_m: int, percent: int) -> None:
    exact = (20 + Fraction(6, 100) * Fraction(distance_m, 1000)) * Fraction(percent, 100)
    assert freight_fen_per_kg(POLICY_1, distance_m, percent) == ceil(exact)


def test_freight_of_a_round_figure_is_not_lifted_by_noise() -> None:
    # (20 + 0.06 × 350) × 2 is 82 exactly; in doubles 0.06 × 350 is not 21.
    assert freight_fen_per_kg(POLICY_1, 350_000, 200) == 82
    assert freight_fen_per_kg(POLICY_1, 350_001, 200) == 83


def test_arrays_and_numbers_cost_the_same() -> None:
    distances = np.arange(0, 3_000_000, 12_345)
    by_array = freight_fen_per_kg(POLICY_1, distances, np.full_like(distances, 150))
    assert by_array.tolist() == [freight_fen_per_kg(POLICY_1, int(m), 150) for m in distances]


def test_sixty_km_take_an_hour_and_a_metre_is_never_free() -> None:
    assert travel_us(POLICY_1, 60_000) == HOUR_US
    assert travel_us(POLICY_1, 1) == 60_000
    assert travel_us(replace(POLICY_1, speed_m_per_h=70_000), 1) == 51_429


@given(life_us=st.integers(-HOUR_US, 100 * HOUR_US))
def test_rescue_grows_as_life_runs_out(life_us: int) -> None:
    hours_left = max(Fraction(life_us, HOUR_US), Fraction(0))
    expected = floor(200 * max(Fraction(0), 72 - hours_left) / 72)
    assert rescue_fen_per_kg(POLICY_1, np.array([life_us])).tolist() == [expected]


def test_the_two_origin_bonuses_add_up_and_unknown_earns_nothing() -> None:
    watch = np.array([1, 1, 0, 0, -1])
    poverty = np.array([1, 0, 1, -1, -1])
    assert priority_fen_per_kg(POLICY_1, watch, poverty).tolist() == [150, 100, 50, 0, 0]


def test_half_of_the_surplus_goes_to_the_producer_rounded_down() -> None:
    assert farm_gate_price(POLICY_1, 1600, 948) == 2074
    assert farm_gate_price(POLICY_1, 1600, 949) == 2074
    assert farm_gate_price(POLICY_1, 1600, 0) == 1600


@pytest.mark.parametrize(
    ("quantity_g", "price", "fen"),
    [(500, 1, 0), (1500, 1, 2), (2500, 1, 2), (2501, 1, 3), (1, 499, 0), (1, 501, 1), (10**10, 10**6, 10**13)],
)
def test_an_amount_is_rounded_half_to_even(quantity_g: int, price: int, fen: int) -> None:
    assert amount_fen(quantity_g, price) == fen


def test_a_spread_that_is_not_concave_is_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        replace(POLICY_1, spread_fen_per_kg=(10, 20, 5, 0))
    with pytest.raises(ValueError, match="negative"):
        replace(POLICY_1, spread_fen_per_kg=(10, 5, 0, -1))
