"""What a change of what is known of a parcel means for its subsidy, without a database."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.parcels import ParcelRegistered, ParcelStatus, SubsidyStatus
from services.logistics.parcels.models import DELIVERY_DEADLINE, NO_SUBSIDY, Parcel, Subsidy, fact
from services.logistics.parcels.queries import Goods
from services.logistics.parcels.settling import (
    ORDER_HELD,
    STEPS,
    Change,
    claim_of,
    subsidy_columns,
)
from services.logistics.parcels.states import ENDS, SEEN_BY_SCAN, Seen, status_of, subsidy_due
from services.logistics.subsidy.eligibility import waybill_identity
from services.logistics.subsidy.ledger import of_turn, transfer_id

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
MARKS = list(Seen)


def union(marks: Iterable[Seen]) -> Seen:
    whole = Seen.NOTHING
    for mark in marks:
        whole |= mark
    return whole


seen_sets = st.sets(st.sampled_from(MARKS)).map(union)


def parcel(seen: Seen = Seen.NOTHING, **changes: Any) -> Parcel:
    standard: dict[str, Any] = {
        "id": uuid4(),
        "identity": "SF1",
        "waybill": "sf 1",
        "carrier_id": uuid4(),
        "match_id": uuid4(),
        "weight_g": 1000,
        "counted_g": 1000,
        "recipient_adcode": "320102",
        "order_ref": "A-1",
        "registered_at": NOON,
        "deadline_at": NOON + DELIVERY_DEADLINE,
        "version": 1,
    }
    return Parcel(seen=seen, **(standard | changes))


def subsidy(status: SubsidyStatus, turn: int = 1) -> Subsidy:
    if status == "none":
        return NO_SUBSIDY
    if status in {"fund_exhausted", "not_eligible"}:
        return Subsidy(status, status, refused_by=uuid4())
    return Subsidy(status, "reserved", programme_id=uuid4(), amount_fen=200, rule_version=3, turn=turn)


def change(before: Seen, after: Seen, status: SubsidyStatus, turn: int = 1) -> Change:
    was = parcel(before)
    return Change(was, parcel(before | after, id=was.id), subsidy(status, turn))


@pytest.mark.parametrize(
    ("before", "news", "status", "asks"),
    [
        (Seen.NOTHING, Seen.DELIVERED, "fund_exhausted", True),
        (Seen.IN_TRANSIT, Seen.DELIVERED, "fund_exhausted", True),
        (Seen.LOST, Seen.DELIVERED, "fund_exhausted", True),
        (Seen.DELIVERED, Seen.IN_TRANSIT, "fund_exhausted", False),  # it has asked
        (Seen.DELIVERED, Seen.LOST, "fund_exhausted", False),
        (Seen.RETURNED, Seen.DELIVERED, "fund_exhausted", False),  # it came back
        (Seen.EXPIRED, Seen.DELIVERED, "fund_exhausted", False),  # too late
        (Seen.NOTHING, Seen.LOST, "fund_exhausted", False),
        (Seen.LOST, Seen.DELIVERED, "voided", True),
        (Seen.RETURNED, Seen.DELIVERED, "voided", True),  # to be posted and reversed, as it happened
        (Seen.LOST, Seen.RETURNED, "voided", False),
        (Seen.EXPIRED, Seen.DELIVERED, "voided", False),
        (Seen.NOTHING, Seen.DELIVERED, "reserved", False),  # it has its money
        (Seen.NOTHING, Seen.DELIVERED, "not_eligible", False),
        (Seen.NOTHING, Seen.DELIVERED, "none", False),
    ],
)
def test_only_a_delivery_that_is_news_asks_for_money_that_is_not_there(
    before: Seen, news: Seen, status: SubsidyStatus, asks: bool
) -> None:
    assert change(before, news, status).asks is asks


@given(seen_sets, seen_sets, st.sampled_from(["not_eligible", "none"]))
def test_what_got_nothing_for_a_reason_never_moves_money(before: Seen, news: Seen, status: SubsidyStatus) -> None:
    assert not change(before, news, status).moves


@given(seen_sets, seen_sets)
def test_a_parcel_asks_at_most_once_in_its_life(first: Seen, then: Seen) -> None:
    one = change(first, then, "fund_exhausted")
    if one.asks:
        for more in MARKS:
            assert not change(one.after.seen, more, "fund_exhausted").asks


@given(seen_sets, seen_sets)
def test_nothing_posted_is_ever_voided_nor_anything_reversed_moved_again(before: Seen, news: Seen) -> None:
    """A posted subsidy belongs to a delivery, and a delivery is never unlearned."""
    posted = change(before | Seen.DELIVERED, news & ~Seen.EXPIRED, "posted")
    if not before & Seen.EXPIRED:
        assert posted.due in {"posted", "reversed"}
        assert posted.moves == (posted.due == "reversed")
    assert not change(before, news, "reversed").moves


def test_for_every_status_and_what_is_due_the_steps_lead_there_or_there_are_none() -> None:
    leads_to = {"post": "posted", "void": "voided", "reverse": "reversed"}
    for (status, due), steps in STEPS.items():
        assert {status, due} <= {*get_args(SubsidyStatus)}
        assert status != due
        assert leads_to[steps[-1].__name__] == due
    assert ("reversed", "posted") not in STEPS
    assert ("posted", "voided") not in STEPS


def test_everything_that_can_be_seen_has_one_status_and_one_end() -> None:
    for size in range(len(MARKS) + 1):
        for marks in combinations(MARKS, size):
            seen = union(marks)
            assert status_of(seen) in get_args(ParcelStatus)
            assert subsidy_due(seen) in {"reserved", "posted", "voided", "reversed"}
            if subsidy_due(seen) == "reserved":
                assert not seen & ENDS, "what has ended holds no money back"
            if subsidy_due(seen) == "posted":
                assert status_of(seen) == "delivered"


@given(st.lists(st.sampled_from(sorted(SEEN_BY_SCAN)), max_size=10))
def test_without_the_deadline_money_follows_the_scans_alone(told: list[str]) -> None:
    seen = union(SEEN_BY_SCAN[each] for each in told)  # type: ignore[index]
    assert (subsidy_due(seen) == "posted") == ("delivered" in told and "returned" not in told)
    assert (subsidy_due(seen) == "reserved") == (not {"delivered", "returned", "lost"} & set(told))


def test_a_second_reservation_is_another_fact_of_the_ledger_and_nobodys_first() -> None:
    programme_id = str(uuid4())
    ids = {transfer_id(programme_id, "reserve", of_turn("SF1", turn)) for turn in (1, 2, 3)}
    assert len(ids) == 3
    assert of_turn("SF1", 1) == "SF1"
    assert waybill_identity(of_turn("SF1", 2)) == "SF12", "no waybill is called so: it would have no blank"


@pytest.mark.parametrize(
    ("status", "turn", "following"), [("voided", 1, 2), ("voided", 2, 3), ("fund_exhausted", 1, 1)]
)
def test_only_after_a_void_does_another_turn_begin(status: SubsidyStatus, turn: int, following: int) -> None:
    assert change(Seen.LOST, Seen.DELIVERED, status, turn).next_turn == (following if status == "voided" else 1)


@pytest.mark.parametrize("status", get_args(SubsidyStatus))
def test_an_order_is_held_only_while_its_parcel_has_the_subsidy(status: SubsidyStatus) -> None:
    columns = subsidy_columns(parcel(), subsidy(status))
    assert columns["order_ref"] == ("A-1" if status in {"reserved", "posted"} else None)
    assert (status in ORDER_HELD) == (columns["order_ref"] is not None)
    assert columns["status"] == status


def test_a_claim_tells_of_the_lot_and_of_the_moment_of_registration() -> None:
    one = parcel()
    goods = Goods(
        one.match_id, one.carrier_id, "claimed", uuid4(), uuid4(), "apple", "610423", 300_000, NOON + timedelta(days=9)
    )
    asked = claim_of(one, goods, turn=2, match_parcels_g=5)
    assert (asked.subject, asked.moment, asked.parcel_id) == ("SF1 2", NOON, one.id)
    assert (asked.producer_id, asked.buyer_id, asked.carrier_id) == (goods.producer_id, goods.buyer_id, one.carrier_id)
    assert (asked.origin_adcode, asked.produce, asked.order_ref) == ("610423", "apple", "A-1")
    assert (asked.mass_g, asked.match_mass_g, asked.match_parcels_g) == (1000, 300_000, 5)


@pytest.mark.parametrize(
    ("status", "carrier_is_ours", "claimed"),
    [
        ("claimed", True, True),
        ("picked_up", True, True),
        ("delivered", True, True),
        ("failed", True, True),
        ("cancelled", True, False),
        ("claimed", False, False),
    ],
)
def test_parcels_are_those_of_the_carrier_that_claimed_what_was_not_cancelled(
    status: Any, carrier_is_ours: bool, claimed: bool
) -> None:
    ours = uuid4()
    carrier_id = ours if carrier_is_ours else uuid4()
    goods = Goods(uuid4(), carrier_id, status, uuid4(), uuid4(), "apple", "610423", 1, NOON)
    assert goods.claimed_by(ours) is claimed
    assert goods.claimed_by(None) is (status != "cancelled"), "an admin acts for whoever claimed it"


def test_what_nobody_claimed_is_nobodys_to_send() -> None:
    goods = Goods(uuid4(), None, "open", uuid4(), uuid4(), "apple", "610423", 1, NOON)
    assert not goods.claimed_by(uuid4())
    assert not goods.claimed_by(None)


def test_a_fact_shows_the_parcel_and_its_subsidy_and_no_waybill() -> None:
    one, money = parcel(Seen.DELIVERED, version=4), subsidy("posted")
    event = fact(ParcelRegistered, one, money, NOON)
    assert (event.parcel_id, event.version, event.status, event.subsidy) == (one.id, 4, "delivered", "posted")
    assert (event.programme_id, event.subsidy_fen, event.weight_g) == (money.programme_id, 200, 1000)
    assert "sf 1" not in event.model_dump_json().lower()
