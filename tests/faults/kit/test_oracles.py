"""The oracles can fail: on rows made up for it, each finds what is wrong and nothing else."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import RATE_FEN, SCARCE_PRODUCE
from tests.faults.kit.oracles import events, feed, ledger, market, people, shipments
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
    headers = {"ce_type": "x", "ce_subject": key, **({MEDDLED: REPEAT} if meddled else {})}
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
    row = {"status": status, "carrier_id": carrier, "delivered_by_parcels": False}
    assert (not shipments.compared({"s": row}, journal).violations) == right


def test_a_claim_and_a_delivery_of_nobody_are_found() -> None:
    row = {"status": "delivered", "carrier_id": "c", "delivered_by_parcels": True}
    journal = Journal(claims={"s": "c"})
    assert not shipments.compared({"s": row}, journal).violations
    assert "by nobody's word" in evidence(shipments.compared({"s": row | {"delivered_by_parcels": False}}, journal))
    assert "a claim and its shipment differ" in evidence(shipments.compared({"s": row}, Journal()))


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


def test_a_match_that_parcels_brought_whole_is_fulfilled_and_each_is_told_of() -> None:
    parcels = {"p": {"match_id": "m", "weight_g": 5, "status": "delivered"}}
    newest = {"m": {"status": "agreed", "quantity_g": 5}}
    found = evidence(events.fulfilled(parcels, {"m": 5}, set(), newest, {"m": "agreed", "n": "proposed"}))
    assert "all of it brought, not fulfilled" in found
    assert "of which nothing was told" in found


def item(seq: int, match_id: str, kind: str, version: int) -> tuple[int, dict[str, Any]]:
    return seq, {"seq": seq, "type": kind, "match": {"id": match_id, "version": version}}


TOLD_TO_A = [("m", "match.proposed", 1), ("n", "match.proposed", 1), ("m", "match.agreed", 2)]
FEED_OF_A = [item(seq, *named) for seq, named in enumerate(TOLD_TO_A, 1)]


def test_a_feed_is_made_of_the_match_events_of_both_sides() -> None:
    match = json.dumps({"producer_id": "a", "buyer_id": "b", "version": 1}).encode()
    proposed = replace(told(1, "m", "1", match, "matching.matches.v1"), type="duijie.match.proposed")
    assert feed.committed([proposed, told(2, "l", "2")]) == {key: [("m", "match.proposed", 1)] for key in "ab"}


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (FEED_OF_A, ""),
        ([item(1, *TOLD_TO_A[1]), item(2, *TOLD_TO_A[0]), item(3, *TOLD_TO_A[2])], ""),
        (FEED_OF_A[:2], "missing [('m', 'match.agreed', 2)]"),
        ([*FEED_OF_A, item(4, *TOLD_TO_A[2])], "4 items, 3 committed"),
        ([*FEED_OF_A[:2], item(4, *TOLD_TO_A[2])], "gaps or repeats"),
        ([item(1, *TOLD_TO_A[2]), item(2, *TOLD_TO_A[1]), item(3, *TOLD_TO_A[0])], "3 items, 3 committed"),
        ([*FEED_OF_A[:2], (3, item(9, *TOLD_TO_A[2])[1])], "another number"),
    ],
    ids=["sound", "two matches the other way round", "lost", "repeated", "gap", "one match backwards", "misnumbered"],
)
def test_what_is_wrong_with_a_feed_is_found(kept: list[tuple[int, dict[str, Any]]], words: str) -> None:
    found = evidence(feed.stored({"a": kept}, {"a": TOLD_TO_A}))
    assert bool(found) == bool(words)
    assert words in found


def test_a_feed_of_nothing_and_a_lost_feed_are_found() -> None:
    assert "a feed of nothing" in evidence(feed.stored({"a": FEED_OF_A}, {}))
    assert "0 items, 3 committed" in evidence(feed.stored({}, {"a": TOLD_TO_A}))


def test_what_was_shown_is_the_beginning_of_what_is_kept() -> None:
    pages = [shown for _, shown in FEED_OF_A]
    assert not feed.shown({"a": pages[:2]}, {"a": FEED_OF_A}).violations
    assert not feed.shown({}, {"a": FEED_OF_A}).violations
    assert "other items" in evidence(feed.shown({"a": pages[1:]}, {"a": FEED_OF_A}))
    assert "other items" in evidence(feed.shown({"a": [*pages, pages[2]]}, {"a": FEED_OF_A}))
    many = [item(seq, "m", "match.proposed", 1) for seq in range(1, feed.UNREAD + 2)]
    assert "was shown none of 51" in evidence(feed.shown({}, {"a": many}))


PROGRAMMES = {
    "scarce": {"id": "S", "budget_fen": 2 * RATE_FEN},
    "courier": {"id": "C", "budget_fen": 10**6},
    "support": {"id": "U", "budget_fen": 10**6},
}


def posting(kind: str, programme: str = "C", **other: Any) -> dict[str, Any]:
    row = {"programme_id": programme, "kind": kind, "amount_fen": RATE_FEN, "parcel_id": "p", "match_id": "m"}
    return row | other


@pytest.mark.parametrize(
    ("offered", "kinds", "right"),
    [
        (1, ["reserve"], True),
        (3, ["reserve"] * 2, True),
        (3, ["reserve"], False),
        (3, ["reserve"] * 3, False),
        (2, ["reserve", "void", "reserve"], False),
    ],
)
def test_with_money_for_two_and_more_offered_two_are_reserved(offered: int, kinds: list[str], right: bool) -> None:
    rows = [posting(kind, "S") for kind in kinds] + [posting("reserve", "C")]
    findings = ledger.exactly(offered, rows, Journal(programmes=PROGRAMMES))
    assert (not findings.violations) == right
    assert bool(findings.checks[ledger.END_OF_THE_MONEY]) == (offered > 2)


def test_a_second_reservation_of_a_parcel_is_found_and_that_of_another_is_none() -> None:
    rows = [posting("fund", parcel_id=None), posting("reserve"), posting("post"), posting("reserve", parcel_id="q")]
    assert not ledger.lives(rows).violations
    assert "more than one subsidy (1 of them)" in evidence(ledger.lives([*rows, posting("reserve")]))


@pytest.mark.parametrize(
    ("row", "right"),
    [
        (posting("post"), True),
        (posting("reserve", "S", parcel_id="s"), True),
        (posting("post", amount_fen=RATE_FEN + 1), False),
        (posting("void", "S"), False),
        (posting("reserve", "C", parcel_id="s"), False),
        (posting("reserve", "U"), False),
    ],
    ids=["courier", "scarce", "another rate", "money of the scarce", "of the plenty", "of produce support"],
)
def test_a_parcel_has_the_rate_of_the_programme_for_its_produce(row: dict[str, Any], right: bool) -> None:
    found = ledger.amounts([row], {"p": "potato", "s": SCARCE_PRODUCE}, Journal(programmes=PROGRAMMES))
    assert (not found.violations) == right


@pytest.mark.parametrize(
    ("subsidy", "scans", "right"),
    [
        ("posted", {"accepted", "delivered"}, True),
        ("voided", {"accepted", "returned"}, True),
        ("reserved", {"accepted", "returned"}, False),
        ("reserved", {"accepted", "delivered"}, False),
        ("not_eligible", {"accepted"}, False),
        ("none", set(), False),
        ("fund_exhausted", {"accepted", "delivered"}, False),
    ],
)
def test_what_was_scanned_makes_a_subsidy_due(subsidy: str, scans: set[str], right: bool) -> None:
    assert (not ledger.settled({"p": subsidy}, {"p": scans}, set()).violations) == right


def test_only_the_scarce_produce_may_find_no_money() -> None:
    assert not ledger.settled({"p": "fund_exhausted"}, {"p": {"delivered"}}, {"p"}).violations
    assert ledger.settled({"p": "fund_exhausted"}, {"p": {"delivered"}}, {"q"}).violations


SUPPORT = [posting(kind, "U", parcel_id=None, amount_fen=60) for kind in ("reserve", "post")]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (SUPPORT, ""),
        ([], "fulfilled without support"),
        (SUPPORT[:1], "fulfilled without support"),
        ([*SUPPORT, SUPPORT[1]], "supported twice"),
        ([*SUPPORT, SUPPORT[0] | {"match_id": "n"}], "support without fulfilment"),
        ([each | {"amount_fen": 61} for each in SUPPORT], "support without fulfilment"),
        ([each | {"programme_id": "C"} for each in SUPPORT], "support without fulfilment"),
    ],
    ids=["sound", "none", "not posted", "twice", "of another match", "another amount", "another programme"],
)
def test_what_is_wrong_with_produce_support_is_found(rows: list[dict[str, Any]], words: str) -> None:
    found = evidence(ledger.supported({"m": 2000}, rows, Journal(programmes=PROGRAMMES)))
    assert bool(found) == bool(words)
    assert words in found


PARCEL = {"id": "p", "waybill": "sf1", "match_id": "m", "weight_g": 500, "subsidy": "reserved"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([PARCEL], ""),
        ([], "a parcel that is not there"),
        ([PARCEL | {"id": "q"}], "a parcel that is not there"),
        ([PARCEL, PARCEL | {"id": "q", "waybill": "SF 1"}], "two parcels of one waybill"),
        ([PARCEL, PARCEL | {"id": "q", "waybill": "sf2"}], "a parcel that nobody sent"),
        ([PARCEL | {"weight_g": 501}], "weight_g is 501"),
        ([PARCEL | {"match_id": "n"}], "match_id is n"),
        ([PARCEL | {"subsidy": "none"}], "subsidy is none"),
    ],
)
def test_what_is_wrong_with_parcels_is_found(rows: list[dict[str, Any]], words: str) -> None:
    found = evidence(ledger.parcels_as_sent(rows, Journal(parcels={"sf1": {**PARCEL, "parcel_id": "p"}})))
    assert bool(found) == bool(words)
    assert words in found


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
