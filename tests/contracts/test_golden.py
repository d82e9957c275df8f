"""What was once told can be read for ever: one golden JSON for each event and version, byte for byte.

A test here that fails on an edit of an event says that consumers in the field would read something else. A new
optional field changes the bytes: keep the old file beside the new one, as `<type>.<version>.<n>.json`; it must still
be read. Anything else needs a new topic.
"""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.event import Event
from tests.contracts.support import EVENTS, GOLDEN, golden, golden_of, goldens_of

PERSONAL = {"phone", "name", "village", "story", "waybill", "recipient_adcode", "order_ref", "address", "reference"}


def test_every_event_has_its_golden_file_and_no_file_is_left_over() -> None:
    assert {file for kind in EVENTS for file in goldens_of(kind)} == set(GOLDEN.iterdir())


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_what_was_told_before_a_field_was_added_is_still_read(kind: type[Event]) -> None:
    for file in goldens_of(kind):
        kind.model_validate_json(file.read_bytes())


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_an_event_reads_and_writes_its_golden_json_byte_for_byte(kind: type[Event]) -> None:
    told = golden_of(kind).read_bytes()
    assert kind.model_validate_json(told).model_dump_json().encode() == told


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_field_that_a_newer_producer_adds_is_passed_over(kind: type[Event]) -> None:
    newer = {"from_tomorrow": {"a": [1]}, **json.loads(golden_of(kind).read_bytes())}
    assert kind.model_validate_json(json.dumps(newer)) == golden(kind)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_field_that_is_missing_is_named(kind: type[Event]) -> None:
    told = json.loads(golden_of(kind).read_bytes())
    for name in told:
        less = {other: value for other, value in told.items() if other != name}
        if kind.model_fields[name].is_required():
            with pytest.raises(ValidationError) as caught:
                kind.model_validate_json(json.dumps(less))
            assert [error["loc"] for error in caught.value.errors()] == [(name,)]
        else:
            assert getattr(kind.model_validate_json(json.dumps(less)), name) is None


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_no_event_has_a_place_for_personal_data(kind: type[Event]) -> None:
    assert names_in(json.loads(golden_of(kind).read_bytes())).isdisjoint(PERSONAL)


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names_in(each) for each in value.values()))
    return set()


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_quantities_and_money_are_integers_with_their_unit_last(kind: type[Event]) -> None:
    for name, field in kind.model_fields.items():
        if name.endswith(("_g", "_fen", "_m", "_per_kg")):
            assert field.annotation in {int, int | None}, name
        assert not name.endswith(("_kg", "_yuan", "_km")) or name.endswith("_per_kg"), name


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_time_without_its_offset_is_refused(kind: type[Event]) -> None:
    told = json.loads(golden_of(kind).read_bytes())
    for name in [name for name, value in told.items() if isinstance(value, str) and value.endswith("Z")]:
        with pytest.raises(ValidationError, match="timezone"):
            kind.model_validate({**told, name: "2026-11-23T00:00:00"})


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_word_outside_the_vocabulary_is_refused(kind: type[Event]) -> None:
    told = json.loads(golden_of(kind).read_bytes())
    for name in told.keys() & {"status", "role", "grade", "temperature_class", "kind", "subsidy"}:
        with pytest.raises(ValidationError, match="literal_error"):
            kind.model_validate({**told, name: "unheard-of"})


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_fact_cannot_be_changed_afterwards(kind: type[Event]) -> None:
    event = golden(kind)
    for name in kind.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(event, name, None)
