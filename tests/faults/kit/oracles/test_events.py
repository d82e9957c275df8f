"""What is wrong on a topic, in an inbox or among dead letters is found, and nothing else."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.kit.oracles import events
from tests.faults.kit.oracles.samples import evidence, told
from tests.faults.kit.topics import MEDDLED, POISON, REPEAT, Read


def read(
    offset: int, key: str, event_id: str, *, meddled: bool = False, value: bytes = b"{}", partition: int = 0
) -> Read:
    headers = {"ce_type": "x", "ce_subject": key, **({MEDDLED: REPEAT} if meddled else {})}
    return Read("t", partition, offset, key, event_id, hashlib.md5(value).hexdigest(), headers)


COMMITTED = [told(1, "a", "1"), told(2, "b", "2"), told(3, "a", "3")]


def test_a_topic_with_repeats_behind_and_beside_is_sound() -> None:
    there = [
        read(0, "a", "1"),
        read(1, "b", "2"),
        read(2, "a", "1"),
        read(3, "a", "3"),
        read(4, "b", "2", meddled=True),
    ]
    findings = events.on_topics(COMMITTED, there)
    assert not findings.violations
    assert findings.checks["I9"] > 0


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([read(0, "a", "1"), read(1, "a", "3")], "committed, not on its topic"),
        ([read(0, "a", "1"), read(1, "b", "2", meddled=True), read(2, "a", "3")], "committed, not on its topic"),
        ([read(0, "a", "1"), read(1, "b", "2"), read(2, "a", "3"), read(3, "c", "4")], "on its topic, not committed"),
        ([read(0, "a", "3"), read(1, "b", "2"), read(2, "a", "1")], "another order"),
        ([read(0, "a", "1"), read(1, "b", "2", value=b"[]"), read(2, "a", "3")], "other bytes"),
        ([read(0, "a", "1"), read(1, "b", "2"), read(2, "a", "3", partition=1)], "two partitions"),
    ],
    ids=["lost", "only the meddler's copy is there", "invented", "reordered", "changed", "split"],
)
def test_what_is_wrong_on_a_topic_is_found(there: list[Read], words: str) -> None:
    assert words in evidence(events.on_topics(COMMITTED, there))


def test_poison_must_be_among_the_dead_letters_of_each_consumer() -> None:
    value = b"{"
    digest = hashlib.md5(value).hexdigest()
    published = [("matching.matches.v1", value)]
    dead = Read("matching.matches.v1.dlq", 0, 0, "", "", digest, {"dlq_consumer": "logistics"})
    assert not events.poison(published, [dead]).violations
    assert events.poison(published, []).violations
    assert events.poison(published, [Read(*[*_fields(dead)[:-1], {"dlq_consumer": "listing"}])]).violations


def test_a_sound_record_among_the_dead_letters_is_found() -> None:
    poison = told(1, "k", "p", b"{", topic="t.dlq")
    sound = told(2, "k", "s", b"{}", topic="t.dlq")
    written = [Read("t", 0, 0, "k", "p", poison.digest, {MEDDLED: POISON}), read(1, "k", "s")]
    assert not events.buried([poison], written).violations
    assert "a sound record died" in evidence(events.buried([poison, sound], written))


def test_that_a_sound_record_was_repeated_does_not_excuse_its_death() -> None:
    sound = told(1, "k", "s", b"{}", topic="t.dlq")
    written = [read(0, "k", "s"), read(1, "k", "s", meddled=True)]
    assert "a sound record died" in evidence(events.buried([sound], written))


def _fields(each: Read) -> list[Any]:
    return [each.topic, each.partition, each.offset, each.key, each.event_id, each.digest, each.headers]


def test_what_only_a_newer_program_understands_must_not_die_and_what_is_too_large_leaves_a_letter() -> None:
    value = b"{}"
    dead = Read("t.dlq", 0, 0, "", "", hashlib.md5(value).hexdigest(), {"dlq_body_bytes": "9"})
    assert not events.unharmed([("t", value)], []).violations
    assert events.unharmed([("t", value)], [dead]).violations
    assert not events.too_large(1, "t", 9, [dead]).violations
    assert events.too_large(2, "t", 9, [dead]).violations


@pytest.mark.parametrize(("versions", "right"), [((1, 2, 4), True), ((1, 1), False), ((2, 1), False)])
def test_versions_of_one_key_rise_whatever_the_outbox_numbered_them(versions: tuple[int, ...], right: bool) -> None:
    values = [json.dumps({"version": version}).encode() for version in versions]
    committed = [told(n, "a", str(n), value) for n, value in enumerate(values)]
    there = [read(n, "a", str(n), value=value) for n, value in enumerate(values)]
    assert ("do not rise" not in evidence(events.on_topics(committed, there))) == right


def other_headers(each: Read, **headers: str) -> Read:
    return replace(each, headers={**each.headers, **headers})


@pytest.mark.parametrize("header", ["ce_type", "ce_subject"])
def test_another_type_or_subject_than_was_committed_is_found(header: str) -> None:
    sound = [read(0, "a", "1"), read(1, "b", "2"), read(2, "a", "3")]
    there = [*sound[:2], other_headers(sound[2], **{header: "y"})]
    assert "other bytes, type, subject or key" in evidence(events.on_topics(COMMITTED, there))


def test_an_event_under_another_key_is_found() -> None:
    there = [read(0, "a", "1"), read(1, "b", "2"), other_headers(read(2, "c", "3"), ce_subject="a")]
    assert "other bytes, type, subject or key" in evidence(events.on_topics(COMMITTED, there))


@pytest.mark.parametrize(
    ("noted", "words"),
    [({"1", "2"}, ""), ({"1"}, "x has not had"), ({"1", "2", "3"}, "x had what nobody told")],
    ids=["sound", "lost", "invented"],
)
def test_what_a_consumer_noted_is_what_was_told(noted: set[str], words: str) -> None:
    found = evidence(events.had("x", {"1", "2"}, noted))
    assert bool(found) == bool(words)
    assert words in found


def test_what_a_handler_was_given_twice_is_found() -> None:
    assert not events.once("x", [("supply", "l", 1), ("supply", "l", 2), ("shipments", "l", 1)]).violations
    assert "x handled twice (1)" in evidence(events.once("x", [("supply", "l", 1)] * 2 + [("supply", "l", 2)]))


@pytest.mark.parametrize(
    ("match", "shipment", "words"),
    [
        ("agreed", "open", ""),
        ("fulfilled", "delivered", ""),
        ("released", "cancelled", ""),
        ("released", None, ""),
        ("agreed", None, "agreed without a shipment"),
        ("released", "claimed", "its shipment not cancelled"),
        ("agreed", "cancelled", "its match not released"),
        ("fulfilled", "picked_up", "a shipment and its match differ"),
        ("agreed", "delivered", "a shipment and its match differ"),
    ],
)
def test_a_shipment_that_is_not_what_its_match_makes_of_it_is_found(
    match: str, shipment: str | None, words: str
) -> None:
    rows = {} if shipment is None else {"m": {"status": shipment, "quantity_g": 5}}
    found = evidence(events.shipped(rows, {"m"}, {"m": {"status": match, "quantity_g": 5}}))
    assert bool(found) == bool(words)
    assert words in found


def test_a_shipment_of_nothing_and_one_of_another_mass_are_found() -> None:
    newest = {"m": {"status": "agreed", "quantity_g": 5}}
    row = {"status": "open", "quantity_g": 6}
    assert "a shipment and its match differ" in evidence(events.shipped({"m": row}, {"m"}, newest))
    assert "a shipment without agreement" in evidence(events.shipped({"m": row}, set(), newest))


@pytest.mark.parametrize(
    ("counted", "by_shipment", "status", "stands", "words"),
    [
        (4, set(), "agreed", "agreed", ""),
        (4, {"m"}, "fulfilled", "fulfilled", ""),
        (3, set(), "agreed", "agreed", "told and counted"),
        (4, {"m"}, "agreed", "agreed", "delivered, not fulfilled"),
        (4, set(), "agreed", "fulfilled", "a match and its last event differ"),
    ],
)
def test_what_matching_made_of_deliveries_is_counted_again(
    counted: int, by_shipment: set[str], status: str, stands: str, words: str
) -> None:
    parcels = {
        "p": {"match_id": "m", "weight_g": 4, "status": "delivered"},
        "q": {"match_id": "m", "weight_g": 9, "status": "returned"},
    }
    newest = {"m": {"status": status, "quantity_g": 5}}
    found = evidence(events.fulfilled(parcels, {"m": counted}, by_shipment, newest, {"m": stands}))
    assert bool(found) == bool(words)
    assert words in found


@pytest.mark.parametrize(
    ("counted", "status", "words"),
    [
        (5, "fulfilled", ""),
        (0, "fulfilled", ""),
        (0, "released", ""),
        (6, "fulfilled", "delivered grams, told and counted"),
        (0, "agreed", "delivered grams, told and counted"),
    ],
)
def test_what_an_ended_match_was_brought_may_be_forgotten(counted: int, status: str, words: str) -> None:
    parcels = {"p": {"match_id": "m", "weight_g": 5, "status": "delivered"}}
    newest = {"m": {"status": status, "quantity_g": 5}}
    found = evidence(events.fulfilled(parcels, {"m": counted}, set(), newest, {"m": status}))
    assert bool(found) == bool(words)
    assert words in found


@pytest.mark.parametrize(
    ("quantity_g", "by_shipment", "found"), [(9, set(), False), (10, {"m"}, False), (10, set(), True)]
)
def test_nothing_is_fulfilled_that_neither_its_shipment_nor_its_parcels_brought(
    quantity_g: int, by_shipment: set[str], found: bool
) -> None:
    parcels = {
        "p": {"match_id": "m", "weight_g": 4, "status": "delivered"},
        "q": {"match_id": "m", "weight_g": 5, "status": "returned"},
        "r": {"match_id": "m", "weight_g": 6, "status": "lost"},
    }
    newest = {"m": {"status": "fulfilled", "quantity_g": quantity_g}}
    told = evidence(events.fulfilled(parcels, {}, by_shipment, newest, {"m": "fulfilled"}))
    assert ("fulfilled, and not all of it brought" in told) == found


def test_a_match_that_parcels_brought_whole_is_fulfilled_and_each_is_told_of() -> None:
    parcels = {"p": {"match_id": "m", "weight_g": 5, "status": "delivered"}}
    newest = {"m": {"status": "agreed", "quantity_g": 5}}
    found = evidence(events.fulfilled(parcels, {"m": 5}, set(), newest, {"m": "agreed", "n": "proposed"}))
    assert "all of it brought, not fulfilled" in found
    assert "of which nothing was told" in found
