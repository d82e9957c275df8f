"""Packed headers are the mapping that was packed, and go onto the wire as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.transport.headers import PackedHeaders, encoded

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1d\x1f"), max_size=20)
HEADERS = st.dictionaries(TEXTS, TEXTS, max_size=6)


@given(HEADERS)
def test_what_was_packed_comes_out_again(headers: dict[str, str]) -> None:
    packed = PackedHeaders(PackedHeaders.of(headers).packed)
    assert packed == headers
    assert list(packed.items()) == list(headers.items())
    assert len(packed) == len(headers)


@given(HEADERS)
def test_both_ways_of_holding_headers_give_the_same_wire_form(headers: dict[str, str]) -> None:
    assert encoded(PackedHeaders.of(headers)) == encoded(headers)


@given(HEADERS)
def test_each_text_is_found_by_its_name_alone(headers: dict[str, str]) -> None:
    packed = PackedHeaders.of(headers)
    assert {name: packed[name] for name in headers} == headers
    assert packed.get("\x1f") is None


def test_a_name_that_is_not_there_is_missing_as_in_any_mapping() -> None:
    for headers in (PackedHeaders.of({}), PackedHeaders.of({"ce_id": "1"})):
        assert "traceparent" not in headers
        with pytest.raises(KeyError, match="traceparent"):
            headers["traceparent"]


def test_what_would_end_a_name_or_a_text_too_early_is_replaced() -> None:
    packed = PackedHeaders.of({"a\x1d\x1fb": "c\x1fd", "e": "f\x1dg"})
    assert packed == {"a\ufffd\ufffdb": "c\ufffdd", "e": "f\x1dg"}


def test_packed_headers_are_not_packed_again() -> None:
    packed = PackedHeaders.of({"a": "b"})
    assert PackedHeaders.of(packed) is packed


def test_packed_headers_show_what_they_hold() -> None:
    assert repr(PackedHeaders.of({"a": "b"})) == "{'a': 'b'}"
