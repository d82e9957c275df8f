"""The oracles can fail: on rows made up for it, each finds what is wrong and nothing else."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.oracles import events, ledger, market, people, shipments
from tests.faults.kit.spy import Told
from tests.faults.kit.topics import MEDDLED, POISON, REPEAT, Read

PROGRAMME = "0192aa00-0000-7000-8000-000000000001"


def chain(*moves: tuple[str, int]) -> list[dict[str, Any]]:
    """A sound chain, its hashes made with another implementation of RFC 8785."""
    made: list[dict[str, Any]] = []
    prev = PROGRAMME
    for seq, (kind, amount_fen) in enumerate(moves, 1):
        debit, credit = ledger.FROM_AND_TO[kind]
        rest = {"seq": seq, "kind": kind, "debit": debit, "credit": credit, "amount_fen": amount_fen, "note": "é\u2028"}
        digest = hashlib.sha256(prev.encode() + rfc8785.dumps(rest)).hexdigest()
        made.append({**rest, "prev": prev, "hash": digest})
        prev = digest
    return made


SOUND = chain(("fund", 300), ("reserve", 100), ("reserve", 200), ("post", 100), ("void", 200), ("reverse", 100))


def test_a_sound_chain_is_sound() -> None:
    assert ledger.broken_at(PROGRAMME, SOUND) is None
    assert ledger.overdraws_at(SOUND) is None


@pytest.mark.parametrize("field", ["amount_fen", "kind", "hash", "prev", "seq"])
def test_a_changed_field_is_found_where_it_stands(field: str) -> None:
    other = {"amount_fen": 101, "kind": "void", "hash": "0" * 64, "prev": "0" * 64, "seq": 9}[field]
    assert ledger.broken_at(PROGRAMME, [*SOUND[:2], {**SOUND[2], field: other}, *SOUND[3:]]) == 3


def test_a_missing_transfer_and_another_programme_are_found() -> None:
    assert ledger.broken_at(PROGRAMME, [*SOUND[:2], *SOUND[3:]]) == 3
    assert ledger.broken_at("another", SOUND) == 1


@pytest.mark.parametrize(
    "moves",
    [
        (("fund", 100), ("reserve", 60), ("reserve", 60)),
        (("fund", 100), ("reserve", 60), ("post", 60), ("post", 60)),
        (("fund", 100), ("reserve", 60), ("void", 60), ("void", 60)),
    ],
    ids=["more than there is", "posted twice", "given back twice"],
)
def test_a_prefix_that_overdraws_is_found(moves: tuple[tuple[str, int], ...]) -> None:
    assert ledger.overdraws_at(chain(*moves)) == len(moves)


@pytest.mark.parametrize("written", ["sf12 34", "SF1234", "\uff33\uff26\uff11\uff12\uff13\uff14", " sf1234\u3000"])
def test_one_waybill_has_one_identity_however_it_is_written(written: str) -> None:
    assert ledger.identity(written) == "SF1234"


def told(number: int, key: str, event_id: str, value: bytes = b"{}", topic: str = "t") -> Told:
    return Told(number, topic, key, event_id, "x", hashlib.md5(value).hexdigest(), value)


def read(
    offset: int, key: str, event_id: str, *, meddled: bool = False, value: bytes = b"{}", partition: int = 0
) -> Read:
    headers = {"ce_type": "x", **({MEDDLED: REPEAT} if meddled else {})}
    return Read("t", partition, offset, key, event_id, hashlib.md5(value).hexdigest(), headers)


COMMITTED = [told(1, "a", "1"), told(2, "b", "2"), told(3, "a", "3")]


def evidence(findings: Findings) -> str:
    return "\n".join(findings.violations)


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


@pytest.mark.parametrize(
    ("there", "opened", "perhaps", "words"),
    [
        ({"load", "a"}, ["load", "a"], 0, ""),
        ({"load", "a", "b"}, ["load", "a", "b"], 1, ""),
        ({"load"}, ["load"], 0, "an account that is not there"),
        ({"load", "a", "b"}, ["load", "a", "b"], 0, "of whom nobody was told"),
        ({"load", "a"}, ["load"], 0, "were told of"),
    ],
    ids=["sound", "its answer was lost", "lost", "invented", "not told"],
)
def test_what_is_wrong_with_accounts_is_found(there: set[str], opened: list[str], perhaps: int, words: str) -> None:
    found = evidence(people.compared(there, opened, Journal(accounts={"a"}, perhaps_accounts=perhaps), {"x": "load"}))
    assert bool(found) == bool(words)
    assert words in found


def _fields(each: Read) -> list[Any]:
    return [each.topic, each.partition, each.offset, each.key, each.event_id, each.digest, each.headers]


@pytest.mark.parametrize(
    "kinds",
    [
        ["reserve"],
        ["reserve", "void"],
        ["reserve", "post", "reverse"],
        ["reserve", "void", "reserve", "post", "reverse"],
        ["reserve", "post", "payout", "clawback"],
    ],
    ids=" ".join,
)
def test_one_subsidy_is_one(kinds: list[str]) -> None:
    assert ledger.is_one_life(kinds)


@pytest.mark.parametrize(
    "kinds",
    [
        ["reserve", "reserve", "post"],
        ["reserve", "post", "post"],
        ["reserve", "post", "reverse", "post"],
        ["reserve", "post", "void"],
        ["reserve", "void", "reserve", "void", "reserve"],
        ["post"],
    ],
    ids=" ".join,
)
def test_more_than_one_subsidy_is_found(kinds: list[str]) -> None:
    assert not ledger.is_one_life(kinds)


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ({"accepted"}, "reserved"),
        ({"accepted", "delivered"}, "posted"),
        ({"accepted", "delivered", "returned"}, "reversed"),
        ({"accepted", "returned"}, "voided"),
    ],
)
def test_what_is_due_to_a_parcel_is_told_by_its_scans(scans: set[str], status: str) -> None:
    assert ledger.due(scans) == status


def test_a_yes_is_looked_for_on_the_side_that_gave_it() -> None:
    match = {"producer_id": "p", "buyer_id": "b", "producer_consents": True, "buyer_consents": False}
    assert market.has_consented(match, account_id="p")
    assert not market.has_consented(match, account_id="b")
    assert not market.has_consented(match, account_id="another")


@pytest.mark.parametrize("field", ["note", "amount_fen", "hash"])
def test_any_flipped_byte_of_a_transfer_is_found(field: str) -> None:
    for place, transfer in enumerate(SOUND):
        text = json.dumps(transfer[field])
        for at in [at for at, c in enumerate(text) if c.isdigit() or c in "abcdef"]:
            other = json.loads(text[:at] + ("2" if text[at] == "1" else "1") + text[at + 1 :])
            if other != transfer[field]:
                changed = [*SOUND[:place], {**transfer, field: other}, *SOUND[place + 1 :]]
                assert ledger.broken_at(PROGRAMME, changed) == place + 1


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


@pytest.mark.parametrize(
    ("status", "carrier", "right"),
    [("delivered", "c", True), ("claimed", "c", False), ("delivered", "d", False), ("open", None, False)],
)
def test_a_claim_and_a_delivery_that_were_acknowledged_are_looked_for(
    status: str, carrier: str | None, right: bool
) -> None:
    journal = Journal(claims={"s": "c"}, delivered_shipments={"s"})
    findings = shipments.compared({"s": {"status": status, "carrier_id": carrier}}, journal)
    assert (not findings.violations) == right
