"""A shipment's verbs, without a database: what may follow what, who may say so, and when it can have been."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import InvalidInput, Problem
from contracts.shipments import ShipmentEvent, ShipmentOpened, ShipmentStatus
from services.logistics.shipments.models import (
    CLOCK_SKEW,
    HANDLING,
    ReportType,
    Shipment,
    ShipmentNotClaimed,
    ShipmentNotOpen,
    WrongShipmentState,
    last_departure,
)

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
US, THEM = uuid4(), uuid4()
STATUSES: tuple[ShipmentStatus, ...] = get_args(ShipmentStatus)


def shipment(status: ShipmentStatus = "open", carrier_id: UUID | None = None, **changes: Any) -> Shipment:
    """Opened an hour before noon, to leave within a day."""
    if carrier_id is None and status not in {"open", "cancelled"}:
        carrier_id = US
    standard: dict[str, Any] = {
        "id": uuid4(),
        "match_id": uuid4(),
        "quantity_g": 300_000,
        "version": 5,
        "opened_at": NOON - HOUR,
        "leave_by": NOON + timedelta(days=1),
        "last_report_at": None,
        "delivered_by_parcels": False,
    }
    return Shipment(status=status, carrier_id=carrier_id, **(standard | changes))


def state_of(one: Shipment) -> tuple[object, ...]:
    return one.status, one.version, one.carrier_id, one.last_report_at, one.delivered_by_parcels


def refusal_of(verb: Callable[[], object]) -> type[Problem] | None:
    try:
        verb()
    except Problem as problem:
        return type(problem)
    return None


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        ("open", None),
        ("failed", None),
        ("claimed", ShipmentNotOpen),
        ("picked_up", ShipmentNotOpen),
        ("delivered", ShipmentNotOpen),
        ("cancelled", ShipmentNotOpen),
    ],
)
def test_only_what_is_open_or_failed_can_be_claimed(status: ShipmentStatus, refused: type[Problem] | None) -> None:
    one = shipment(status)
    before = state_of(one)
    assert refusal_of(lambda: one.claim(THEM, NOON)) is refused
    assert state_of(one) == (before if refused else ("claimed", 6, THEM, None, False))


def test_claiming_what_one_has_is_no_news_and_no_new_version() -> None:
    one = shipment("claimed", US)
    assert one.claim(US, NOON) is False
    assert one.version == 5


def test_what_one_failed_with_oneself_can_be_claimed_again_and_begins_anew() -> None:
    one = shipment("failed", US, last_report_at=NOON)
    assert one.claim(US, NOON) is True
    assert (one.status, one.last_report_at) == ("claimed", None)


def test_it_can_be_claimed_until_the_last_moment_it_can_leave_and_not_at_it() -> None:
    late = shipment()
    assert refusal_of(lambda: late.claim(US, late.leave_by)) is ShipmentNotOpen
    assert late.claim(US, late.leave_by - timedelta(microseconds=1))


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_is_claimed_and_not_picked_up_is_given_back(status: ShipmentStatus) -> None:
    one = shipment(status, US)
    refused = refusal_of(lambda: one.release(US))
    assert refused is (None if status == "claimed" else WrongShipmentState)
    assert (one.status, one.carrier_id) == (("open", None) if status == "claimed" else (status, US))


@pytest.mark.parametrize("status", STATUSES)
def test_another_carrier_neither_gives_it_back_nor_tells_of_it(status: ShipmentStatus) -> None:
    one = shipment(status, US)
    before = state_of(one)
    assert refusal_of(lambda: one.release(THEM)) is ShipmentNotClaimed
    for kind in get_args(ReportType):
        assert refusal_of(lambda kind=kind: one.report(THEM, kind, NOON, NOON)) is ShipmentNotClaimed  # type: ignore[misc]
    assert state_of(one) == before


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", get_args(ReportType))
def test_what_a_carrier_tells_follows_what_was(status: ShipmentStatus, kind: ReportType) -> None:
    may_follow = {
        ("claimed", "picked_up"),
        ("picked_up", "delivered"),
        ("claimed", "failed"),
        ("picked_up", "failed"),
    }
    one = shipment(status, US)
    refused = refusal_of(lambda: one.report(US, kind, NOON, NOON))
    if (status, kind) in may_follow:
        assert refused is None
        assert (one.status, one.version, one.last_report_at) == (kind, 6, NOON)
    else:
        assert refused is WrongShipmentState
        assert (one.status, one.version) == (status, 5)


def test_a_refusal_says_how_it_is_and_what_was_wanted_in_both_languages() -> None:
    with pytest.raises(WrongShipmentState) as caught:
        shipment("open", US).report(US, "delivered", NOON, NOON)
    assert "open" in caught.value.body("en")["detail"]
    assert "delivered" in caught.value.body("en")["detail"]
    assert "open" in caught.value.body("zh-CN")["detail"]
    assert caught.value.body("zh-CN")["title"] == "运单状态不符"


@pytest.mark.parametrize(
    ("at", "is_possible"),
    [
        (NOON + CLOCK_SKEW, True),
        (NOON + CLOCK_SKEW + timedelta(seconds=1), False),
        (NOON - HOUR - CLOCK_SKEW, True),  # just when the match was agreed, by a phone that is slow
        (NOON - HOUR - CLOCK_SKEW - timedelta(seconds=1), False),
    ],
)
def test_a_time_lies_between_the_agreement_and_now_give_or_take_a_phones_clock(at: datetime, is_possible: bool) -> None:
    one = shipment("claimed")
    assert refusal_of(lambda: one.report(US, "picked_up", at, NOON)) is (None if is_possible else InvalidInput)
    assert one.status == ("picked_up" if is_possible else "claimed")


def test_a_time_is_not_before_the_report_before_it() -> None:
    one = shipment("picked_up", last_report_at=NOON)
    assert refusal_of(lambda: one.report(US, "delivered", NOON - timedelta(seconds=1), NOON)) is InvalidInput
    assert one.report(US, "delivered", NOON, NOON)


def test_the_times_of_the_carrier_before_do_not_bind_the_next() -> None:
    one = shipment("failed", US, last_report_at=NOON + MINUTE)
    one.claim(THEM, NOON)
    assert one.report(THEM, "picked_up", NOON - MINUTE, NOON)


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_is_not_on_its_way_is_cancelled(status: ShipmentStatus) -> None:
    one = shipment(status)
    stands = status in {"picked_up", "delivered", "cancelled"}
    assert one.cancel() is not stands
    assert (one.status, one.version) == ((status, 5) if stands else ("cancelled", 6))


@pytest.mark.parametrize("status", STATUSES)
def test_a_fulfilled_match_ends_whatever_has_not_ended(status: ShipmentStatus) -> None:
    one = shipment(status)
    ended = status in {"delivered", "cancelled"}
    assert one.fulfil(one.quantity_g) is not ended
    assert one.delivered_by_parcels is not ended
    assert one.status == (status if ended else "delivered")


def test_what_parcels_delivered_the_carrier_may_still_tell_and_nothing_changes() -> None:
    one = shipment("claimed")
    one.fulfil(one.quantity_g)
    assert one.report(US, "picked_up", NOON, NOON) is False
    assert one.report(US, "delivered", NOON, NOON) is False
    assert (one.status, one.version) == ("delivered", 6)
    assert refusal_of(lambda: one.report(US, "failed", NOON, NOON)) is WrongShipmentState


def test_a_fact_carries_the_state_of_that_moment() -> None:
    one = shipment("claimed")
    fact = one.fact(ShipmentOpened, NOON)
    one.cancel()
    assert (fact.status, fact.version, fact.carrier_id, fact.at) == ("claimed", 5, US, NOON)
    assert (fact.shipment_id, fact.match_id, fact.quantity_g) == (one.id, one.match_id, 300_000)
    assert isinstance(fact, ShipmentEvent)
    assert fact.key == str(one.id)


VERBS: dict[str, Callable[[Shipment, UUID], object]] = {
    "claim": lambda one, who: one.claim(who, NOON),
    "release": lambda one, who: one.release(who),
    "picked_up": lambda one, who: one.report(who, "picked_up", NOON, NOON),
    "delivered": lambda one, who: one.report(who, "delivered", NOON, NOON),
    "failed": lambda one, who: one.report(who, "failed", NOON, NOON),
    "cancel": lambda one, who: one.cancel(),
    "fulfil": lambda one, who: one.fulfil(one.quantity_g),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(VERBS)), st.sampled_from([US, THEM])), max_size=20))
def test_whatever_is_asked_the_versions_count_the_changes_and_an_end_is_an_end(asked: list[tuple[str, UUID]]) -> None:
    one = shipment()
    for verb, who in asked:
        was, version = one.status, one.version
        refused = refusal_of(lambda verb=verb, who=who: VERBS[verb](one, who))  # type: ignore[misc]
        changed = one.status != was
        assert one.version == version + changed
        assert not (refused and changed)
        assert not (changed and was in {"delivered", "cancelled"})
        assert (one.status in {"claimed", "picked_up", "failed"}) <= (one.carrier_id is not None)
        assert (one.status == "open") <= (one.carrier_id is None)


@given(st.integers(0, 10**7), st.integers(0, 1000))
def test_a_longer_way_or_more_life_asked_never_lets_it_leave_later(distance_m: int, life_h: int) -> None:
    leave_by = last_departure(NOON, life_h, distance_m)
    assert last_departure(NOON, life_h, distance_m + 1000) == leave_by - MINUTE
    assert last_departure(NOON, life_h + 1, distance_m) == leave_by - HOUR
    assert last_departure(NOON, 0, 0) == NOON - HANDLING


def test_how_long_it_is_under_way_is_matchings_word_where_it_tells() -> None:
    told = last_departure(NOON, 24, 240_000, under_way_s=6 * 3600)
    assert told == NOON - 30 * HOUR
    assert last_departure(NOON, 24, 240_000) == NOON - 32 * HOUR
