"""What values mean on the wire: exact integers, moments with their offset, and nothing guessed."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.event import Event
from contracts.listings import ListingPublished, Place
from contracts.programmes import ProgrammeOpened
from contracts.rounds import RoundCleared
from contracts.shipments import ShipmentDelivered, ShipmentOpened
from tests.contracts.support import EVENTS, golden


@given(st.integers(2**53, 2**63))
def test_money_is_exact_beyond_what_a_float_can_hold(budget_fen: int) -> None:
    event = golden(ProgrammeOpened).model_copy(update={"budget_fen": budget_fen})
    assert ProgrammeOpened.model_validate_json(event.model_dump_json()) == event
    assert f'"budget_fen":{budget_fen},' in event.model_dump_json()


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_fraction_of_a_whole_thing_is_refused(kind: type[Event]) -> None:
    told = golden(kind).model_dump(mode="json")
    for name in [name for name in told if name.endswith(("_g", "_fen", "version"))]:
        with pytest.raises(ValidationError, match=name):
            kind.model_validate({**told, name: 0.5})


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_keeps_its_microseconds_and_says_that_it_is_utc(at: datetime) -> None:
    event = golden(ShipmentDelivered).model_copy(update={"at": at})
    told = json.loads(event.model_dump_json())["at"]
    assert told.endswith("Z")
    assert datetime.fromisoformat(told) == at


def test_a_moment_told_with_another_offset_is_the_same_moment() -> None:
    told = golden(ShipmentDelivered).model_dump(mode="json")
    beijing = ShipmentDelivered.model_validate({**told, "at": "2026-11-23T16:00:00+08:00"})
    assert beijing.at == golden(ShipmentDelivered).model_dump()["at"]


def test_an_id_is_one_id_however_it_is_written() -> None:
    told = golden(ListingPublished).model_dump(mode="json")
    shouted = ListingPublished.model_validate({**told, "listing_id": told["listing_id"].upper()})
    assert shouted == golden(ListingPublished)
    assert shouted.key == str(UUID(told["listing_id"]))


def test_a_place_may_have_no_point() -> None:
    assert Place(adcode="321323") == Place.model_validate_json('{"adcode": "321323", "lon": null, "lat": null}')


def test_a_shipment_that_nobody_has_claimed_says_so() -> None:
    assert json.loads(golden(ShipmentOpened).model_dump_json())["carrier_id"] is None


def test_a_proven_round_has_a_gap_of_nothing_and_goes_by_its_produce() -> None:
    cleared = golden(RoundCleared)
    assert json.loads(cleared.model_dump_json())["certified_gap"] == 0.0
    assert cleared.key == "strawberry"


@given(st.floats(0, 1, allow_nan=False))
def test_a_gap_comes_back_to_the_last_bit(gap: float) -> None:
    event = golden(RoundCleared).model_copy(update={"certified_gap": gap})
    again = RoundCleared.model_validate_json(event.model_dump_json())
    assert again.certified_gap == gap
