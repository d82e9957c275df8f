"""The base of every event, and the envelope it travels in: CloudEvents 1.0, Kafka's binary mode."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.event import Envelope, Event
from tests.contracts.support import EVENTS, any_of

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"

TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
ENVELOPES = st.builds(
    Envelope,
    id=st.uuids(),
    source=TEXT,
    type=TEXT,
    subject=TEXT,
    time=st.datetimes(
        datetime(1970, 1, 1),
        datetime(2200, 1, 1),
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ),
    traceparent=st.none() | st.just(TRACE),
)


def envelope(traceparent: str | None = None) -> Envelope:
    return Envelope(
        id=UUID("01900000-0000-7000-8000-000000000001"),
        source="/duijie/listing",
        type="duijie.listing.published",
        subject="1",
        time=datetime(2026, 11, 23, tzinfo=UTC),
        traceparent=traceparent,
    )


@given(ENVELOPES)
def test_an_envelope_comes_back_from_its_headers(sent: Envelope) -> None:
    assert Envelope.from_headers(sent.headers()) == sent


def test_the_headers_are_those_of_the_binding() -> None:
    assert envelope().headers() == {
        "ce_specversion": "1.0",
        "ce_id": "01900000-0000-7000-8000-000000000001",
        "ce_source": "/duijie/listing",
        "ce_type": "duijie.listing.published",
        "ce_subject": "1",
        "ce_time": "2026-11-23T00:00:00+00:00",
        "content-type": "application/json",
    }


def test_the_trace_rides_along_only_where_there_is_one() -> None:
    assert envelope(TRACE).headers()["traceparent"] == TRACE
    assert "traceparent" not in envelope().headers()


def test_headers_of_others_are_passed_over() -> None:
    headers = envelope().headers() | {"dlq_error": "x", "ce_dataschema": "y"}
    assert Envelope.from_headers(headers) == envelope()


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"])
def test_an_envelope_without_one_of_its_attributes_is_refused(name: str) -> None:
    headers = {other: value for other, value in envelope().headers().items() if other != name}
    with pytest.raises(KeyError, match=name):
        Envelope.from_headers(headers)


@pytest.mark.parametrize(
    ("name", "value"), [("ce_id", "x"), ("ce_time", "yesterday"), ("ce_time", "2026-11-23T00:00:00")]
)
def test_an_attribute_that_is_malformed_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Envelope.from_headers(envelope().headers() | {name: value})


def test_an_envelope_cannot_be_readdressed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        envelope().subject = "2"  # type: ignore[misc]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
@settings(max_examples=20)
@given(data=st.data())
def test_whatever_an_event_holds_comes_back_from_the_wire(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(any_of(kind))
    assert kind.model_validate_json(event.model_dump_json()) == event
    assert event.key


def test_an_event_without_a_key_of_its_own_has_none() -> None:
    class Keyless(Event):
        pass

    with pytest.raises(NotImplementedError):
        _ = Keyless().key


def test_only_an_event_that_names_its_type_is_known() -> None:
    class Base(Event):
        TOPIC = "test.things.v1"

    class Happened(Base):
        TYPE = "duijie.test.happened_once"

    assert Event.known()["duijie.test.happened_once"] is Happened
    assert Base not in Event.known().values()
    del Event.known()["duijie.test.happened_once"]  # type: ignore[attr-defined]


def test_ids_of_envelopes_may_be_any_uuid() -> None:
    given_id = uuid4()
    assert Envelope.from_headers(envelope().headers() | {"ce_id": str(given_id)}).id == given_id
