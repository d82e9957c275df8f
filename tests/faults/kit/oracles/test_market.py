"""Matches, answers and listings that are not what was said are found, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.kit.journal import Journal
from tests.faults.kit.oracles import market
from tests.faults.kit.oracles.samples import evidence


def test_a_yes_is_looked_for_on_the_side_that_gave_it() -> None:
    match = {"producer_id": "p", "buyer_id": "b", "producer_consents": True, "buyer_consents": False}
    assert market.has_consented(match, account_id="p")
    assert not market.has_consented(match, account_id="b")
    assert not market.has_consented(match, account_id="another")


def test_what_an_owner_was_told_stands_as_it_was_told() -> None:
    told_so = {"l": {"produce": "potato", "quantity_kg": 1.5, "version": 2}}
    assert not market.unlike_told(told_so, {"l": {"produce": "potato", "quantity_g": 1500}}, ("produce", "quantity_g"))
    assert market.unlike_told(told_so, {"l": {"produce": "potato", "quantity_g": 1501}}, ("produce", "quantity_g"))
    assert market.unlike_told(told_so, {"l": {"produce": "carrot"}}, ("produce",))


@pytest.mark.parametrize(
    ("version", "quantity_g", "right"), [(2, 1500, True), (3, 900, True), (2, 900, False), (1, 1500, False)]
)
def test_a_change_that_was_acknowledged_and_is_not_there_is_found(version: int, quantity_g: int, right: bool) -> None:
    patched = {"l": {"quantity_kg": 1.5, "version": 2}}
    assert (not market.lost_changes(patched, {"l": {"version": version, "quantity_g": quantity_g}})) == right


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def match(**other: Any) -> dict[str, Any]:
    """Sixty kilometres: five hours with the handling."""
    arrives_at = NOON + timedelta(hours=5)
    dates = {"spoils_at": NOON + timedelta(hours=11), "deliver_by": arrives_at, "min_remaining_life_h": 6}
    sides = {"lot_spoils_at": dates["spoils_at"], "wanted_by": arrives_at, "wanted_life_h": 6}
    moments = {"created_at": NOON, "cleared_at": NOON, "now": NOON + timedelta(minutes=1), "arrives_at": arrives_at}
    parties = {"producer_id": "p", "buyer_id": "b", "listing_id": "l", "order_id": "o"}
    answers = {"producer_consents": True, "buyer_consents": True, "status": "agreed", "reason": None}
    return {"distance_m": 60_000, **dates, **sides, **moments, **parties, **answers, **other}


def later(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    "other",
    [
        {"arrives_at": later(4.9)},
        {"arrives_at": later(5.1)},
        {"lot_spoils_at": later(10)},
        {"spoils_at": later(12)},
        {"spoils_at": later(10), "lot_spoils_at": later(10)},
        {"wanted_life_h": 7},
        {"min_remaining_life_h": 5},
        {"deliver_by": later(9)},
        {"wanted_by": later(4)},
    ],
    ids=str,
)
def test_a_match_that_would_arrive_spoiled_or_says_otherwise_than_its_sides_is_found(other: dict[str, Any]) -> None:
    assert market.is_fresh(match())
    assert not market.is_fresh(match(**other))


def test_a_match_is_made_by_its_round_when_both_had_asked_and_not_tomorrow() -> None:
    assert market.is_timely(match(), later(-1))
    assert not market.is_timely(match(), later(1)), "yesterday's, by the clock of whoever made it"
    assert not market.is_timely(match(now=later(-1)), later(-2)), "tomorrow's"
    assert not market.is_timely(match(cleared_at=later(-0.1)), later(-1))
    journal = Journal(listings={"l": {"created_at": "2026-05-01T11:00:00Z"}})
    assert market.asked(journal.listings, "l") == later(-1)
    assert market.asked(journal.listings, "another") < later(-9999)


BEFOREHAND = {"listings": {"l": {"auto_agree": True}}, "orders": {"o": {"auto_agree": False}}}


@pytest.mark.parametrize(
    ("row", "said", "words"),
    [
        (match(), {"agreed": {("m", "b")}}, ""),
        (match(buyer_consents=False), {"agreed": {("m", "b")}}, "a consent that is not there"),
        (match(), {"agreed": {("m", "b"), ("m", "x")}}, "a consent that is not there"),
        (match(), {}, "a consent that nobody gave: ('m', 'b')"),
        (match(buyer_consents=False), {"declined": {"m"}}, "a no that is not there"),
        (match(buyer_consents=False, status="released", reason="declined"), {"declined": {"m"}}, ""),
        (match(buyer_consents=False, status="released", reason="deadline"), {"declined": {"m"}}, "a no that is not"),
        (match(buyer_consents=False, status="released", reason="declined"), {}, "declined by nobody"),
    ],
    ids=["sound", "lost", "a stranger's", "invented", "a no lost", "a no", "released otherwise", "a no invented"],
)
def test_each_yes_and_each_no_stands_and_no_other(row: dict[str, Any], said: dict[str, Any], words: str) -> None:
    found = evidence(market.answered({"m": row}, Journal(**BEFOREHAND, **said)))
    assert bool(found) == bool(words)
    assert words in found


def test_what_expired_before_it_had_spoiled_is_found() -> None:
    row = {"key": "l", "at": NOON, "spoils_at": later(-0.1)}
    assert not market.early([row])
    assert market.early([row, row | {"spoils_at": later(0.1)}])


def test_dates_are_compared_as_dates() -> None:
    told_so = {"o": {"deliver_by": "2026-05-01T12:00:00Z"}}
    assert not market.unlike_told(told_so, {"o": {"deliver_by": NOON}}, ("deliver_by",))
    assert market.unlike_told(told_so, {"o": {"deliver_by": later(1)}}, ("deliver_by",))
