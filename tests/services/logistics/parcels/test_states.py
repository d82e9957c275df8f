"""A parcel's state is a function of the set of its scans."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.parcels.states import SEEN_BY_SCAN, ScanType, Seen, status_of, subsidy_due

scans = st.lists(st.sampled_from(list(SEEN_BY_SCAN)), max_size=6)


def seen_of(told: tuple[ScanType, ...] | list[ScanType]) -> Seen:
    seen = Seen.NOTHING
    for each in told:
        seen |= SEEN_BY_SCAN[each]
    return seen


@given(scans)
def test_any_order_and_any_repetition_end_in_one_state(told: list[ScanType]) -> None:
    ends = {(status_of(seen_of(order)), subsidy_due(seen_of(order))) for order in permutations(told)}
    assert len(ends) == 1
    assert ends == {(status_of(seen_of(told + told)), subsidy_due(seen_of(told + told)))}


@pytest.mark.parametrize(
    ("told", "status", "due"),
    [
        ((), "registered", "reserved"),
        (("accepted",), "accepted", "reserved"),
        (("in_transit", "accepted"), "in_transit", "reserved"),
        (("in_transit", "delivered"), "delivered", "posted"),
        (("accepted", "returned"), "returned", "voided"),
        (("delivered", "returned"), "returned", "reversed"),
        (("in_transit", "lost"), "lost", "voided"),
        (("lost", "delivered"), "delivered", "posted"),
        (("lost", "returned"), "returned", "voided"),
    ],
)
def test_what_weighs_more_comes_first(told: tuple[ScanType, ...], status: str, due: str) -> None:
    assert (status_of(seen_of(told)), subsidy_due(seen_of(told))) == (status, due)


def test_what_nobody_delivered_in_time_is_void_and_earns_nothing_afterwards() -> None:
    assert status_of(Seen.IN_TRANSIT | Seen.EXPIRED) == "void"
    late = Seen.EXPIRED | Seen.DELIVERED
    assert (status_of(late), subsidy_due(late)) == ("delivered", "voided")
