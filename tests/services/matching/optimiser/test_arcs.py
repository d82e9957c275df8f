import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.geodesy import great_circle_km
from services.matching.optimiser.market import Listing, Order, among
from services.matching.optimiser.policy import HOUR_US
from tests.services.matching.optimiser.factories import KG, NANJING, NOW_US, SIYANG, every_arc, instance, listing, order


def compatible(lot: Listing, bid: Order, excluded: tuple[tuple[str, str], ...] = ()) -> bool:
    return len(every_arc(instance(lot, bid, excluded=excluded))) == 1


def test_strawberries_from_siyang_to_nanjing_as_reckoned_by_hand() -> None:
    # 186 km as the crow flies, × 1.3 = 242 km; (20 + 0.06 × 242) × 1.5 = 51.8 → 52 fen; 2600 − 52 − 1600 = 948.
    arcs = every_arc(instance(listing(watch_52=True, spoils_at_us=NOW_US + 60 * HOUR_US), order()))
    expected_m = 1300 * great_circle_km(*SIYANG, *NANJING)
    assert arcs.distance_m.tolist() == [round(expected_m)]
    assert arcs.distance_m[0] == pytest.approx(241_700, abs=300)
    assert arcs.freight_fen_per_kg.tolist() == [52]
    assert arcs.surplus_fen_per_kg.tolist() == [948]
    # Rescue ⌊200 × 12 ÷ 72⌋ = 33 at 60 hours of life, and 100 for a county under supervision.
    assert arcs.value_fen_per_kg.tolist() == [948 + 33 + 100]
    # Four hours of handling, and 242 km at 60 km/h.
    assert arcs.arrives_at_us[0] == NOW_US + 4 * HOUR_US + arcs.distance_m[0] * 60_000


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))
def test_the_distance_is_the_great_circle_with_its_detour(lon: float, lat: float, lon2: float, lat2: float) -> None:
    far = NOW_US + 10_000 * HOUR_US
    lot = listing(lon=lon, lat=lat, spoils_at_us=far, floor_fen_per_kg=0)
    bid = order(lon=lon2, lat=lat2, deliver_by_us=far, ceiling_fen_per_kg=10**6)
    distance_m = every_arc(instance(lot, bid)).distance_m.tolist()[0]
    # At the antipodes the arc sine is steep: there a rounding of 1e-16 is worth a tenth of a metre.
    assert distance_m == pytest.approx(1300 * great_circle_km(lon, lat, lon2, lat2), abs=1.5)


@pytest.mark.parametrize(
    ("grade", "min_grade", "meets"),
    [("A", "C", True), ("B", "B", True), ("B", "A", False), ("C", "B", False)],
)
def test_the_grade_must_be_at_least_the_orders(grade: str, min_grade: str, meets: bool) -> None:
    assert compatible(listing(grade=grade), order(min_grade=min_grade)) is meets


def test_the_surplus_may_be_nothing_but_not_less() -> None:
    assert compatible(listing(floor_fen_per_kg=2548), order())
    assert not compatible(listing(floor_fen_per_kg=2549), order())


def test_at_the_farm_gate_the_freight_does_not_count_but_is_told() -> None:
    lot, bid = listing(floor_fen_per_kg=2600), order(price_basis="farm_gate")
    arcs = every_arc(instance(lot, bid))
    assert arcs.surplus_fen_per_kg.tolist() == [0]
    assert arcs.freight_fen_per_kg.tolist() == [52]
    assert not compatible(listing(floor_fen_per_kg=2601), bid)


def test_freshness_is_judged_on_arrival() -> None:
    arrival = int(every_arc(instance(listing(), order())).arrives_at_us[0])
    last = arrival + 24 * HOUR_US
    assert compatible(listing(spoils_at_us=last), order())
    assert not compatible(listing(spoils_at_us=last - 1), order())


def test_a_lot_that_is_early_waits_for_the_window_and_ages() -> None:
    opens = NOW_US + 30 * HOUR_US
    arcs = every_arc(instance(listing(), order(deliver_from_us=opens)))
    assert arcs.arrives_at_us.tolist() == [opens]
    assert not compatible(listing(spoils_at_us=opens + 23 * HOUR_US), order(deliver_from_us=opens))


def test_it_must_arrive_by_the_end_of_the_window() -> None:
    arrival = int(every_arc(instance(listing(), order())).arrives_at_us[0])
    assert compatible(listing(), order(deliver_by_us=arrival))
    assert not compatible(listing(), order(deliver_by_us=arrival - 1))


def test_a_lot_available_later_leaves_later() -> None:
    later = listing(available_from_us=NOW_US + 10 * HOUR_US)
    earlier = listing(available_from_us=NOW_US - 10 * HOUR_US)
    arrival = [int(every_arc(instance(lot, order())).arrives_at_us[0]) for lot in (later, earlier, listing())]
    assert arrival[0] - arrival[2] == 10 * HOUR_US
    assert arrival[1] == arrival[2]


def test_a_lot_no_longer_available_cannot_leave() -> None:
    assert compatible(listing(available_until_us=NOW_US), order())
    assert not compatible(listing(available_until_us=NOW_US - 1), order())


def test_a_pinned_order_takes_its_listing_alone() -> None:
    arcs = every_arc(instance(listing("L1"), listing("L2"), order("O1", listing_id="L2"), order("O2", listing_id="L9")))
    assert list(zip(arcs.listing.tolist(), arcs.order.tolist(), strict=True)) == [(1, 0)]


def test_a_pair_that_said_no_is_left_out_and_no_other() -> None:
    rows = (listing("L1"), listing("L2"), order("O1"), order("O2"))
    arcs = every_arc(instance(*rows, excluded=(("L1", "O2"), ("L9", "O1"))))
    assert list(zip(arcs.listing.tolist(), arcs.order.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1)]


def test_an_indivisible_lot_needs_an_order_that_can_take_it_whole() -> None:
    assert compatible(listing(kg=500, divisible=False), order(kg=500))
    assert not compatible(listing(kg=501, divisible=False), order(kg=500))
    assert compatible(listing(kg=501), order(kg=500))


def test_the_temperature_class_makes_the_freight_dearer() -> None:
    freight = [
        int(every_arc(instance(listing(temperature_class=name), order())).freight_fen_per_kg[0])
        for name in ("ambient", "chilled", "frozen")
    ]
    assert freight == [35, 52, 70]


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_membership_in_a_sorted_array(values: list[int], members: list[int]) -> None:
    found = among(np.array(values, dtype=np.int64), np.array(sorted(members), dtype=np.int64))
    assert found.tolist() == [value in members for value in values]


def test_quantities_do_not_bear_on_compatibility() -> None:
    assert compatible(listing(kg=0.001), order(wanted_g=10**7 * KG))
