"""What of a plan is still made when it is written: each condition at its edge, without a database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.plan import Match as Planned
from services.matching.optimiser.plan import Worth
from services.matching.optimiser.policy import POLICY_1
from services.matching.rounds.fitting import Fitting, Journey, Sides, fitting, totals
from services.matching.rounds.snapshot import instant_of, us_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR, US = timedelta(hours=1), timedelta(microseconds=1)
KM_60 = 60_000
WORTH = Worth(True, 1620, 1600, 0, 0, 0, 0)
UNDER_WAY = 5 * HOUR  # 4 h of handling and 60 km at 60 km/h


def lot(**changes: Any) -> SimpleNamespace:
    row = {
        "status": "open",
        "terms": 1,
        "quantity_g": 1000,
        "held_g": 0,
        "agreed_g": 0,
        "divisible": True,
        "auto_agree": True,
        "available_from": NOW - HOUR,
        "available_until": None,
        "spoils_at": NOW + 100 * HOUR,
    }
    return SimpleNamespace(**(row | changes))


def bid(**changes: Any) -> SimpleNamespace:
    row = {
        "lifecycle": "open",
        "terms": 1,
        "quantity_g": 1000,
        "held_g": 0,
        "agreed_g": 0,
        "min_fill_g": 0,
        "auto_agree": True,
        "deliver_from": NOW - HOUR,
        "deliver_by": NOW + 100 * HOUR,
        "min_remaining_life_h": 24,
    }
    return SimpleNamespace(**(row | changes))


def planned(quantity_g: int = 1000, listing_id: str = "L", order_id: str = "O", distance_m: int = KM_60) -> Planned:
    return Planned(listing_id, order_id, quantity_g, 1600, 20, 0, 0, distance_m, 0, 0, WORTH)


def made(
    plan: Sequence[Planned],
    lots: dict[str, Any] | None = None,
    bids: dict[str, Any] | None = None,
    **sides: Any,
) -> list[Fitting]:
    lots, bids = lots or {"L": lot()}, bids or {"O": bid()}
    terms = dict.fromkeys([*lots, *bids], 1)
    return fitting(plan, Sides(lots, bids, **({"terms": terms} | sides)), POLICY_1, NOW)


def fits(of: SimpleNamespace, to: SimpleNamespace, **sides: Any) -> bool:
    return bool(made([planned()], {"L": of}, {"O": to}, **sides))


def test_what_has_not_changed_fits_to_the_last_gram() -> None:
    assert fits(lot(), bid())
    assert not fits(lot(quantity_g=999), bid())
    assert not fits(lot(), bid(quantity_g=999))


@pytest.mark.parametrize("promise", ["held_g", "agreed_g"])
def test_what_was_promised_meanwhile_is_not_free(promise: str) -> None:
    assert not fits(lot(**{promise: 1}), bid())
    assert not fits(lot(), bid(**{promise: 1}))
    assert fits(lot(quantity_g=1001, **{promise: 1}), bid(quantity_g=1001, **{promise: 1}))


@pytest.mark.parametrize("status", ["withdrawn", "expired"])
def test_a_lot_that_is_closed_is_left_alone(status: str) -> None:
    assert not fits(lot(status=status), bid())


@pytest.mark.parametrize("lifecycle", ["cancelled", "expired"])
def test_an_order_that_is_closed_is_left_alone(lifecycle: str) -> None:
    assert not fits(lot(), bid(lifecycle=lifecycle))


def test_new_terms_on_either_side_call_for_a_new_plan() -> None:
    assert not fits(lot(terms=2), bid())
    assert not fits(lot(), bid(terms=2))


def test_a_pair_that_said_no_meanwhile_is_not_made_and_no_other() -> None:
    assert not fits(lot(), bid(), refused={("L", "O")})
    assert fits(lot(), bid(), refused={("L", "other"), ("other", "O"), ("O", "L")})


def test_a_side_that_is_gone_takes_its_matches_with_it() -> None:
    assert made([planned(listing_id="gone")]) == []
    assert made([planned(order_id="gone")]) == []


def test_it_must_arrive_by_the_end_of_the_window_to_the_microsecond() -> None:
    assert fits(lot(), bid(deliver_by=NOW + UNDER_WAY))
    assert not fits(lot(), bid(deliver_by=NOW + UNDER_WAY - US))


def test_it_must_be_fresh_on_arrival_to_the_microsecond() -> None:
    assert fits(lot(spoils_at=NOW + UNDER_WAY + 24 * HOUR), bid())
    assert not fits(lot(spoils_at=NOW + UNDER_WAY + 24 * HOUR - US), bid())


def test_what_waits_for_the_window_ages_until_it_begins() -> None:
    begins = NOW + 50 * HOUR
    assert fits(lot(spoils_at=begins + 24 * HOUR), bid(deliver_from=begins))
    assert not fits(lot(spoils_at=begins + 24 * HOUR - US), bid(deliver_from=begins))


def test_a_lot_must_still_be_available_to_the_microsecond() -> None:
    assert fits(lot(available_until=NOW), bid())
    assert not fits(lot(available_until=NOW - US), bid())


def test_a_lot_available_later_leaves_and_arrives_later() -> None:
    journey = Journey.of(lot(available_from=NOW + 3 * HOUR), bid(), KM_60, POLICY_1, NOW)
    assert (journey.ready_at, journey.arrives_at) == (NOW + 3 * HOUR, NOW + 8 * HOUR)


def test_an_indivisible_lot_goes_whole_or_not_at_all() -> None:
    whole = lot(divisible=False)
    assert made([planned(999)], {"L": whole}) == []
    assert made([planned(1000)], {"L": whole}) != []
    part_promised = lot(divisible=False, quantity_g=1400, agreed_g=400)
    assert made([planned(1000)], {"L": part_promised}) != []


def test_two_matches_share_what_is_free_in_the_order_of_the_plan() -> None:
    bids = {"O": bid(), "P": bid()}
    both = [planned(600, order_id="O"), planned(600, order_id="P")]
    assert [each.planned for each in made(both, bids=bids)] == both[:1]
    assert [each.planned for each in made(both, {"L": lot(quantity_g=1200)}, bids)] == both


def test_a_least_fill_counts_what_is_held_agreed_and_made_now() -> None:
    for promised, quantity_g, fitted in (
        ({}, 400, False),
        ({}, 500, True),
        ({"held_g": 50, "agreed_g": 50}, 399, False),
        ({"held_g": 50, "agreed_g": 50}, 400, True),
    ):
        assert bool(made([planned(quantity_g)], bids={"O": bid(min_fill_g=500, **promised)})) is fitted, promised


def test_an_order_that_loses_one_part_of_its_least_fill_gets_no_part() -> None:
    lots = {"L": lot(), "M": lot(status="withdrawn")}
    plan = [planned(300, "L"), planned(300, "M"), planned(100, "L", "P")]
    bids = {"O": bid(min_fill_g=500), "P": bid()}
    assert [each.planned.order_id for each in made(plan, lots, bids)] == ["P"]


@pytest.mark.parametrize(("seller", "buyer"), [(True, True), (True, False), (False, True), (False, False)])
def test_it_is_agreed_at_birth_where_both_had_said_yes(seller: bool, buyer: bool) -> None:
    (each,) = made([planned()], {"L": lot(auto_agree=seller)}, {"O": bid(auto_agree=buyer)})
    assert each.agreed is (seller and buyer)


def test_half_an_hour_to_answer_where_nothing_presses() -> None:
    assert Journey.of(lot(), bid(), KM_60, POLICY_1, NOW).agree_by(NOW) == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("of", "to"),
    [
        (lot(available_until=NOW + US), bid()),
        (lot(), bid(deliver_by=NOW + UNDER_WAY + US)),
        (lot(spoils_at=NOW + UNDER_WAY + 24 * HOUR + US), bid()),
    ],
    ids=["closing", "due", "spoiling"],
)
def test_never_later_to_answer_than_the_lot_can_leave(of: SimpleNamespace, to: SimpleNamespace) -> None:
    assert Journey.of(of, to, KM_60, POLICY_1, NOW).agree_by(NOW) == NOW + US


_hours = st.integers(-30, 200).map(lambda hours: NOW + hours * HOUR)


@given(_hours, _hours, _hours, _hours, st.none() | _hours, st.integers(0, 100), st.integers(0, 3_000_000))
def test_whoever_answers_in_time_still_gets_it_fresh_and_in_time(
    available_from: datetime,
    spoils_at: datetime,
    deliver_from: datetime,
    deliver_by: datetime,
    available_until: datetime | None,
    min_remaining_life_h: int,
    distance_m: int,
) -> None:
    of = lot(available_from=available_from, spoils_at=spoils_at, available_until=available_until)
    to = bid(deliver_from=deliver_from, deliver_by=deliver_by, min_remaining_life_h=min_remaining_life_h)
    journey = Journey.of(of, to, distance_m, POLICY_1, NOW)
    if not journey.in_time_for(of, to):
        return
    last = journey.agree_by(NOW)
    assert NOW <= last <= NOW + timedelta(minutes=30)
    assert available_until is None or last <= available_until
    later = Journey.of(of, to, distance_m, POLICY_1, last)
    assert later.in_time_for(of, to)
    if last < NOW + timedelta(minutes=30) and available_from <= last:
        assert not Journey.of(of, to, distance_m, POLICY_1, last + US).in_time_for(of, to)


def test_distances_take_the_time_of_60_km_an_hour_and_4_hours_of_handling() -> None:
    for distance_m, hours in ((0, 4), (30_000, 4.5), (600_000, 14)):
        journey = Journey.of(lot(), bid(), distance_m, POLICY_1, NOW)
        assert journey.arrives_at - NOW == hours * HOUR


_matches = st.lists(
    st.tuples(st.integers(1, 500), st.sampled_from("LMN"), st.sampled_from("OPQ")), unique_by=lambda each: each[1:]
)


@given(_matches, st.integers(0, 600), st.integers(0, 600), st.sampled_from([0, 1, 300, 900]))
def test_whatever_the_plan_no_side_promises_more_than_it_has(
    plan: list[tuple[int, str, str]], held_g: int, agreed_g: int, min_fill_g: int
) -> None:
    lots = {id_: lot(quantity_g=1200, held_g=held_g, agreed_g=agreed_g) for id_ in "LMN"}
    bids = {id_: bid(quantity_g=1300, held_g=agreed_g, agreed_g=held_g, min_fill_g=min_fill_g) for id_ in "OPQ"}
    found = made([planned(*each) for each in plan], lots, bids)
    for rows, of in ((lots, "listing_id"), (bids, "order_id")):
        for id_, total_g in totals(found, lambda each, of=of: getattr(each.planned, of)).items():
            assert total_g <= rows[id_].quantity_g - held_g - agreed_g
    for id_, total_g in totals(found, lambda each: each.planned.order_id).items():
        assert total_g + held_g + agreed_g >= bids[id_].min_fill_g
    kept = [each.planned for each in found]
    assert kept == [each for each in (planned(*one) for one in plan) if each in kept], "in the order of the plan"


@given(st.integers(0, 4_000_000_000_000_000))
def test_microseconds_and_instants_are_the_same_moment(at_us: int) -> None:
    assert us_of(instant_of(at_us)) == at_us


def test_the_same_instant_in_another_zone_is_the_same_microsecond() -> None:
    shanghai = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+08:00").tzinfo)
    assert us_of(shanghai) == us_of(NOW)
    assert instant_of(us_of(NOW) + 1) == NOW + US
    assert replace(planned(), quantity_g=1).amount_fen == 2  # 1.6 fen
