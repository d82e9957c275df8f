"""Two policies side by side: what every weight of the policy buys, and what it costs."""

from dataclasses import replace
from math import sqrt

import pytest

from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import POLICY_1, Policy
from services.matching.policies.comparing import Compared, Line, compare, interval, of_one_round, price_of
from services.matching.policies.worlds import CLASSES, Size
from tests.services.matching.optimiser.factories import NOW_US, listing, order

FLOORS = {"strawberry": (1200, 2000), "spinach": (220, 420), "tomato": (180, 380), "tangerine": (220, 420)}
SMALL = Size(lots=60, orders=30, days=3)
WITHOUT_PRIORITY = replace(POLICY_1, watch_52_fen_per_kg=0, poverty_832_fen_per_kg=0)
WITHOUT_SPREAD = replace(POLICY_1, spread_fen_per_kg=(0, 0, 0, 0))
WITHOUT_RESCUE = replace(POLICY_1, rescue_fen_per_kg=0)
FULL = pytest.param(Size(), 5, marks=(pytest.mark.long, pytest.mark.timeout(600)))
at_both_sizes = pytest.mark.parametrize(("size", "seeds"), [pytest.param(SMALL, 3), FULL])
"""Small in `make test`; `make long` compares over whole weeks of the usual size."""
SURPLUS_ALONE = replace(WITHOUT_PRIORITY, spread_fen_per_kg=(0, 0, 0, 0), rescue_fen_per_kg=0)


def compared(a: Policy, b: Policy, size: Size = SMALL, seeds: int = 3) -> dict[str, Line]:
    return {line.measure.name: line for line in compare(a, b, seeds, size, FLOORS).lines()}


def test_a_policy_differs_from_itself_in_nothing() -> None:
    lines = compared(POLICY_1, POLICY_1)
    assert len(lines) == 8 + len(CLASSES)
    assert {(line.difference, line.interval) for line in lines.values()} == {(0.0, (0.0, 0.0))}
    price = price_of(list(lines.values()))
    assert (price.surplus_fen, price.share, price.sold_kg, price.saved_kg) == (0, 0, 0, 0)


def test_the_same_seeds_give_the_same_comparison() -> None:
    size = Size(lots=40, orders=20, days=2)
    assert compare(POLICY_1, SURPLUS_ALONE, 2, size, FLOORS) == compare(POLICY_1, SURPLUS_ALONE, 2, size, FLOORS)


@at_both_sizes
def test_with_priority_counties_under_supervision_sell_more_of_what_they_have(size: Size, seeds: int) -> None:
    lines = compared(WITHOUT_PRIORITY, POLICY_1, size, seeds)
    assert lines["sold of watch_52"].difference > 0


@at_both_sizes
def test_without_spread_neighbours_are_farther_apart(size: Size, seeds: int) -> None:
    assert compared(POLICY_1, WITHOUT_SPREAD, size, seeds)["neighbours apart"].difference > 0


@at_both_sizes
def test_with_rescue_more_is_saved_and_less_spoils(size: Size, seeds: int) -> None:
    lines = compared(WITHOUT_RESCUE, POLICY_1, size, seeds)
    assert lines["saved"].difference > 0
    assert lines["spoiled"].difference < 0


@at_both_sizes
def test_fairness_has_its_price_in_surplus(size: Size, seeds: int) -> None:
    lines = compared(SURPLUS_ALONE, POLICY_1, size, seeds)
    price = price_of(list(lines.values()))
    assert price.surplus_fen == -lines["surplus"].difference > 0
    assert price.share == price.surplus_fen / lines["surplus"].a
    assert (price.sold_kg, price.saved_kg) == (-lines["sold"].difference, -lines["saved"].difference)


def test_both_are_measured_by_the_freight_of_a() -> None:
    """B believes in dearer freight; where both sell the same, it is the same freight."""
    dearer = replace(POLICY_1, freight_base_fen_per_kg=21)
    market = Market.of([listing(kg=100)], [order(kg=100)])
    lines = {line.measure.name: line for line in of_one_round(market, NOW_US, POLICY_1, dearer).lines()}
    assert (lines["freight"].difference, lines["surplus"].difference) == (0, 0)
    assert lines["own value"].difference < 0


def test_one_round_tells_nothing_of_what_spoils_of_neighbours_and_of_classes_that_offer_nothing() -> None:
    market = Market.of([listing(kg=100)], [order(kg=100)])
    names = [line.measure.name for line in of_one_round(market, NOW_US, POLICY_1, POLICY_1).lines()]
    assert names == ["surplus", "own value", "sold", "saved", "sold of neither", "freight", "freight a kg"]


def test_a_market_of_nothing_has_a_price_of_nothing() -> None:
    lines = of_one_round(Market.of([], []), NOW_US, POLICY_1, WITHOUT_SPREAD).lines()
    price = price_of(lines)
    assert (price.surplus_fen, price.share, price.sold_kg) == (0, None, 0)


def test_worlds_are_compared_in_pairs() -> None:
    """Of two worlds that differ by far, both of which B changes alike, the difference is sure."""
    figures = {
        seed: of_one_round(_market(kg), NOW_US, POLICY_1, POLICY_1).a[1] for seed, kg in enumerate((10, 500, 90))
    }
    poorer = {seed: replace(each, surplus_mfen=each.surplus_mfen - 7000) for seed, each in figures.items()}
    surplus = Compared(figures, poorer).lines()[0]
    assert (surplus.difference, surplus.interval) == (-7, (-7, -7))


def test_the_interval_is_students_and_there_is_none_of_two() -> None:
    low, high = interval([1.0, 2.0, 3.0]) or (0, 0)
    assert (low, high) == (pytest.approx(2 - 4.302653 / sqrt(3)), pytest.approx(2 + 4.302653 / sqrt(3)))
    assert interval([1.0, 2.0]) is None


def _market(kg: float) -> Market:
    return Market.of([listing(kg=kg)], [order(kg=kg)])
