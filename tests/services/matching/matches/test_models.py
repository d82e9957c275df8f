"""A match by itself: which verb is taken in which state, and what it tells."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.matches import MatchAgreed, MatchEvent, MatchFulfilled, MatchProposed, MatchReleased
from services.matching.matches.models import Match, MatchNotOpen
from services.matching.matches.schemas import shown
from services.matching.optimiser.policy import amount_fen

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FARMER, SHOP = UUID(int=1), UUID(int=2)


def match(**changes: Any) -> Match:
    row = {
        "id": uuid4(),
        "version": 1,
        "status": "proposed",
        "reason": None,
        "words": None,
        "round_id": uuid4(),
        "listing_id": uuid4(),
        "order_id": uuid4(),
        "producer_id": FARMER,
        "buyer_id": SHOP,
        "produce": "strawberry",
        "quantity_g": 500_500,
        "price_fen_per_kg": 1800,
        "freight_fen_per_kg": 57,
        "amount_fen": amount_fen(500_500, 1800),
        "distance_m": 241_234,
        "temperature_class": "chilled",
        "origin_adcode": "321323",
        "origin_lon": 118.69,
        "origin_lat": 33.72,
        "destination_adcode": "320102",
        "destination_lon": 118.79,
        "destination_lat": 32.05,
        "ready_at": NOW,
        "arrives_at": NOW + timedelta(hours=8),
        "deliver_by": NOW + timedelta(days=7),
        "spoils_at": NOW + timedelta(hours=72, minutes=20),
        "min_remaining_life_h": 24,
        "producer_consents": False,
        "buyer_consents": False,
        "agree_by": NOW + timedelta(minutes=30),
        "created_at": NOW,
    }
    return Match(**(row | changes))


def test_the_last_of_two_yeses_makes_it_agreed() -> None:
    it = match()
    assert it.agree("buyer", NOW)
    assert (it.status, it.version) == ("proposed", 2)
    assert it.agree("producer", NOW)
    assert (it.status, it.version) == ("agreed", 3)


def test_a_yes_counts_until_the_deadline_itself_and_not_a_moment_longer() -> None:
    deadline = NOW + timedelta(minutes=30)
    assert match().agree("buyer", deadline)
    late = match()
    with pytest.raises(MatchNotOpen):
        late.agree("buyer", deadline + timedelta(microseconds=1))
    assert (late.buyer_consents, late.version) == (False, 1)


def test_who_had_said_yes_in_time_is_not_refused_for_asking_again_later() -> None:
    it = match(producer_consents=True)
    assert not it.agree("producer", NOW + timedelta(days=1))
    assert it.version == 1


@pytest.mark.parametrize("status", ["agreed", "fulfilled"])
def test_a_yes_to_what_is_agreed_or_delivered_is_the_same_yes(status: str) -> None:
    it = match(status=status, producer_consents=True, buyer_consents=True)
    assert not it.agree("buyer", NOW)
    assert (it.status, it.version) == (status, 1)


def test_no_yes_revives_what_was_released() -> None:
    with pytest.raises(MatchNotOpen):
        match(status="released", reason="declined", buyer_consents=True).agree("buyer", NOW)


@pytest.mark.parametrize("status", ["agreed", "released", "fulfilled"])
def test_only_what_is_proposed_can_be_declined(status: str) -> None:
    it = match(status=status)
    with pytest.raises(MatchNotOpen):
        it.decline("no")
    assert (it.status, it.words, it.version) == (status, None, 1)


@pytest.mark.parametrize(
    ("status", "released", "fulfilled"),
    [("proposed", True, False), ("agreed", True, True), ("released", False, False), ("fulfilled", False, False)],
)
def test_what_ends_a_match_ends_it_once(status: str, released: bool, fulfilled: bool) -> None:
    let_go, delivered = match(status=status), match(status=status)
    assert let_go.release("expired") is released
    assert let_go.version == 1 + released
    assert delivered.fulfil() is fulfilled
    assert delivered.version == 1 + fulfilled


def test_a_release_keeps_its_first_reason() -> None:
    it = match()
    it.release("deadline")
    it.release("expired")
    assert it.reason == "deadline"


_VERBS = st.sampled_from(["agree producer", "agree buyer", "decline", "release", "fulfil"])


@given(st.lists(_VERBS, max_size=12), st.booleans())
def test_whatever_happens_the_version_counts_it_and_an_end_is_an_end(verbs: list[str], seller_agrees: bool) -> None:
    it = match(producer_consents=seller_agrees)
    for verb in verbs:
        before, version = it.status, it.version
        changed = True
        try:
            match verb.split():
                case ["agree", side]:
                    changed = it.agree("producer" if side == "producer" else "buyer", NOW)
                case ["decline"]:
                    it.decline(None)
                case ["release"]:
                    changed = it.release("expired")
                case _:
                    changed = it.fulfil()
        except MatchNotOpen:
            changed = False
        assert it.version == version + changed
        assert changed or it.status == before
        if before in {"released", "fulfilled"}:
            assert it.status == before
        assert (it.reason is None) == (it.status != "released")
        if it.status in {"agreed", "fulfilled"}:
            assert it.producer_consents
            assert it.buyer_consents


@pytest.mark.parametrize(
    ("status", "kind"),
    [("proposed", MatchProposed), ("agreed", MatchAgreed), ("released", MatchReleased), ("fulfilled", MatchFulfilled)],
)
def test_each_status_is_told_as_its_fact_with_the_whole_state(status: str, kind: type[MatchEvent]) -> None:
    yes = status in {"agreed", "fulfilled"}
    reason = "declined" if status == "released" else None
    it = match(status=status, version=7, reason=reason, producer_consents=yes, buyer_consents=yes)
    fact = it.fact()
    assert type(fact) is kind
    assert (fact.key, fact.version, fact.status, fact.reason) == (str(it.id), 7, status, it.reason)
    for name in ("producer_id", "buyer_id", "quantity_g", "amount_fen", "ready_at", "spoils_at", "round_id"):
        assert getattr(fact, name) == getattr(it, name)
    assert (fact.origin.adcode, fact.destination.adcode) == ("321323", "320102")
    assert (fact.destination.lat == 32.05) == yes, "else its county's point"


def test_a_fact_holds_nothing_that_a_side_wrote() -> None:
    """Words may hold anything, a phone number too: they are for the other side's eyes alone."""
    it = match()
    it.decline("13800138000")
    assert "13800138000" not in it.fact().model_dump_json()


def test_each_account_is_its_side_and_a_stranger_none() -> None:
    it = match()
    assert (it.side_of(FARMER), it.side_of(SHOP), it.side_of(uuid4())) == ("producer", "buyer", None)
    assert it.accounts == (FARMER, SHOP)


def test_the_public_form_has_the_fields_of_the_surface_in_its_units() -> None:
    told = shown(match()).model_dump(mode="json")
    assert (told["quantity_kg"], told["distance_km"], told["remaining_life_h"]) == (500.5, 241.234, 64.33)
    assert (told["price_fen_per_kg"], told["freight_fen_per_kg"], told["delivered_price_fen_per_kg"]) == (
        1800,
        57,
        1857,
    )
    assert told["amount_fen"] == 900_900
    assert told["consents"] == {"producer": False, "buyer": False}
    assert told["agree_by"] == "2026-11-23T00:30:00Z"
    promised = {
        "id listing_id order_id produce quantity_kg price_fen_per_kg freight_fen_per_kg delivered_price_fen_per_kg",
        "amount_fen distance_km arrives_at remaining_life_h status consents agree_by round_id origin destination",
        "version created_at",
    }
    assert {name for line in promised for name in line.split()} <= set(told)
    assert shown(match(agree_by=None)).agree_by is None
