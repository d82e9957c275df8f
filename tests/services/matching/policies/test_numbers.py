"""A policy from its JSON: exactly what the engine holds, or one sentence that names the field."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import HOUR_US, POLICY_1, Policy, freight_fen_per_kg, rescue_fen_per_kg
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG, MAX_QUANTITY_G
from services.matching.optimiser.transport import fits
from services.matching.policies.numbers import BONUS_MAX_FEN_PER_KG, NotAPolicy, policy_from
from services.matching.policies.schemas import PolicyOut
from tests.services.matching.optimiser.factories import NOW_US, listing, order

bonuses = st.integers(0, BONUS_MAX_FEN_PER_KG)
percents = st.integers(1, 1000)
THOUSANDTH = "a multiple of 1/1000: nothing is rounded."


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that its JSON can tell."""
    spread = sorted((draw(bonuses) for _ in range(4)), reverse=True)
    return Policy(
        version=draw(st.integers(0, 1000)),
        detour=draw(st.decimals("1", "10", places=3).map(float)),
        speed_m_per_h=draw(st.integers(1000, 120_000)),
        handling_us=draw(st.integers(0, 720 * 1000)) * HOUR_US // 1000,
        freight_base_fen_per_kg=draw(bonuses),
        freight_fen_per_kg_per_1000_km=draw(st.integers(0, 1_000_000)),
        class_percent=(draw(percents), draw(percents), draw(percents)),
        surplus_share_percent=draw(st.integers(0, 100)),
        rescue_fen_per_kg=draw(bonuses),
        rescue_window_h=draw(st.integers(1, 8760)),
        watch_52_fen_per_kg=draw(bonuses),
        poverty_832_fen_per_kg=draw(bonuses),
        spread_fen_per_kg=(spread[0], spread[1], spread[2], spread[3]),
    )


def shown(policy: Policy = POLICY_1) -> dict[str, Any]:
    return PolicyOut.of(policy).model_dump(mode="json")


@given(policy=policies())
def test_what_is_shown_is_read_back_without_loss(policy: Policy) -> None:
    assert policy_from(json.dumps(shown(policy)), policy.version) == policy


def test_the_version_and_the_record_are_no_numbers_of_it() -> None:
    told = shown() | {"version": 9, "record": {"why": "w"}}
    assert policy_from(json.dumps(told)) == replace(POLICY_1, version=0)


def changed(field: str, value: object) -> str:
    """The JSON of policy 1 with one field changed, or without it for `...`."""
    told = shown()
    *path, last = field.split(".")
    inner = told
    for name in path:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(told)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("k", ..., "k is missing."),
        ("freight", ..., "freight.base_fen_per_kg is missing."),
        ("freight.factor.frozen", ..., "freight.factor.frozen is missing."),
        ("colour", 1, "There is no field 'colour' in a policy."),
        ("freight.colour", 1, "There is no field 'freight.colour' in a policy."),
        ("freight.factor.warm", 1, "There is no field 'freight.factor.warm' in a policy."),
        ("freight", 5, "freight must be an object."),
        ("k", "0.5", "k must be a number."),
        ("k", True, "k must be a number."),
        ("k", None, "k must be a number."),
        ("k", 1.01, "k must be between 0 and 1."),
        ("k", -0.01, "k must be between 0 and 1."),
        ("k", 0.555, "k must be a multiple of 1/100: nothing is rounded."),
        ("k", 1e-30, "k must be a multiple of 1/100: nothing is rounded."),
        ("detour", 0.99, "detour must be between 1 and 10."),
        ("detour", "far", "detour must be a number."),
        ("speed_km_h", 0, "speed_km_h must be between 1 and 120."),
        ("speed_km_h", -60, "speed_km_h must be between 1 and 120."),
        ("speed_km_h", 60.0005, f"speed_km_h must be {THOUSANDTH}"),
        ("handling_h", -1, "handling_h must be between 0 and 720."),
        ("freight.base_fen_per_kg", -1, "freight.base_fen_per_kg must be between 0 and 100000."),
        ("freight.base_fen_per_kg", 20.5, "freight.base_fen_per_kg must be a whole number: nothing is rounded."),
        ("freight.fen_per_kg_per_km", 0.0605, f"freight.fen_per_kg_per_km must be {THOUSANDTH}"),
        ("freight.factor.ambient", 0, "freight.factor.ambient must be between 0.01 and 10."),
        ("rescue.fen_per_kg", 10**6, "rescue.fen_per_kg must be between 0 and 100000."),
        ("rescue.window_h", 0, "rescue.window_h must be between 1 and 8760."),
        ("priority_fen_per_kg.watch_52", -1, "priority_fen_per_kg.watch_52 must be between 0 and 100000."),
        ("priority_fen_per_kg.unknown", 5, "priority_fen_per_kg.unknown must be 0: what nobody knows earns nothing."),
        ("spread_fen_per_kg", 4, "spread_fen_per_kg must be a list of 4 numbers, one a quarter of the lot."),
        ("spread_fen_per_kg", [1, 1, 1], "spread_fen_per_kg must be a list of 4 numbers, one a quarter of the lot."),
        ("spread_fen_per_kg", [10, 20, 5, 0], "spread_fen_per_kg must not rise from quarter to quarter."),
        ("spread_fen_per_kg", [10, 5, 0, -1], "spread_fen_per_kg[3] must be between 0 and 100000."),
        ("spread_fen_per_kg", [10, "5", 0, 0], "spread_fen_per_kg[1] must be a number."),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_the_field(field: str, value: object, said: str) -> None:
    with pytest.raises(NotAPolicy) as refused:
        policy_from(changed(field, value))
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace("0.5", "0.5000000000000000000000000000000000001"), "k must be a multiple of 1/100"),
        (lambda text: text.replace("0.5", "1e-999999999"), "k must be a multiple of 1/100"),
        (lambda text: text.replace("0.5", "1e999999999"), "k must be between 0 and 1"),
        (lambda text: text.replace("1.3", "1.30000000000000000001"), "detour must have at most 15 digits"),
        (lambda text: text.replace("0.5", "NaN"), "NaN is no number"),
        (lambda text: text.replace("{", '{"k": 0.4, ', 1), "A field stands there twice"),
        (lambda text: text[:-1], "It is no JSON"),
        (lambda text: "[" * 100_000, "It is no JSON"),
        (lambda text: "[1]", "It is no JSON object"),
    ],
)
def test_text_that_means_something_else_is_refused(spoil: Callable[[str], str], said: str) -> None:
    with pytest.raises(NotAPolicy, match=said):
        policy_from(spoil(json.dumps(shown())))


DEAREST = policy_from(
    json.dumps(
        shown()
        | {
            "detour": 10,
            "freight": {
                "base_fen_per_kg": BONUS_MAX_FEN_PER_KG,
                "fen_per_kg_per_km": 1000,
                "factor": dict.fromkeys(("ambient", "chilled", "frozen"), 10),
            },
            "rescue": {"fen_per_kg": BONUS_MAX_FEN_PER_KG, "window_h": 8760},
            "priority_fen_per_kg": {
                "watch_52": BONUS_MAX_FEN_PER_KG,
                "poverty_832": BONUS_MAX_FEN_PER_KG,
                "unknown": 0,
            },
            "spread_fen_per_kg": [BONUS_MAX_FEN_PER_KG] * 4,
        }
    )
)


def test_the_dearest_policy_stays_below_the_engines_guard_for_the_largest_pair_in_odd_grams() -> None:
    lot = listing(
        quantity_g=MAX_QUANTITY_G - 1,
        remaining_g=MAX_QUANTITY_G - 1,
        spoils_at_us=NOW_US + 1,
        watch_52=True,
        poverty_832=True,
    )
    bid = order(wanted_g=MAX_QUANTITY_G, ceiling_fen_per_kg=MAX_PRICE_FEN_PER_KG)
    instance = Instance.of(Market.of([lot], [bid]), DEAREST, NOW_US)
    one = np.zeros(1, dtype=np.int64)
    assert instance.bonus_fen_per_kg.tolist() == [3 * BONUS_MAX_FEN_PER_KG - 1]
    assert fits(instance, one, one)


def test_the_dearest_freight_and_the_longest_rescue_do_not_overflow() -> None:
    round_the_globe_m = 10 * 20_100_000
    exact = (BONUS_MAX_FEN_PER_KG + 1000 * round_the_globe_m // 1000) * 10
    for distance_m in (round_the_globe_m, np.array([round_the_globe_m])):
        assert np.all(freight_fen_per_kg(DEAREST, distance_m, 1000) == exact)
    assert rescue_fen_per_kg(DEAREST, np.array([0, 8760 * HOUR_US])).tolist() == [BONUS_MAX_FEN_PER_KG, 0]
