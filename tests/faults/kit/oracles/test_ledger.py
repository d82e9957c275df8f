"""Every broken chain, life, amount and debt of the subsidy ledger is found, and nothing else."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785

from tests.faults.kit.asking import RATE_FEN, SCARCE_PRODUCE
from tests.faults.kit.journal import Journal
from tests.faults.kit.oracles import ledger
from tests.faults.kit.oracles.samples import evidence

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


@pytest.mark.parametrize("field", ["note", "amount_fen", "hash"])
def test_any_flipped_byte_of_a_transfer_is_found(field: str) -> None:
    for place, transfer in enumerate(SOUND):
        text = json.dumps(transfer[field])
        for at in [at for at, c in enumerate(text) if c.isdigit() or c in "abcdef"]:
            other = json.loads(text[:at] + ("2" if text[at] == "1" else "1") + text[at + 1 :])
            if other != transfer[field]:
                changed = [*SOUND[:place], {**transfer, field: other}, *SOUND[place + 1 :]]
                assert ledger.broken_at(PROGRAMME, changed) == place + 1


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


@pytest.mark.parametrize(
    ("subsidy", "scans"),
    [
        ("fund_exhausted", {"delivered"}),
        ("fund_exhausted", {"accepted"}),
        ("voided", {"returned", "delivered"}),
        ("voided", {"lost", "delivered"}),
    ],
)
def test_only_the_scarce_produce_may_find_no_money(subsidy: str, scans: set[str]) -> None:
    assert not ledger.settled({"p": subsidy}, {"p": scans}, {"p"}).violations
    assert ledger.settled({"p": subsidy}, {"p": scans}, {"q"}).violations


@pytest.mark.parametrize(("subsidy", "scans"), [("voided", {"accepted"}), ("posted", {"accepted"})])
def test_no_money_excuses_nothing_else(subsidy: str, scans: set[str]) -> None:
    assert ledger.settled({"p": subsidy}, {"p": scans}, {"p"}).violations


def test_the_last_time_that_money_was_short_is_told_by_the_transfers() -> None:
    moves = [("funder", "available", 500), ("available", "reserved", 200), ("available", "reserved", 200)]
    moves += [("reserved", "available", 200), ("available", "reserved", 100)]
    rows = [
        {"seq": seq, "debit": debit, "credit": credit, "amount_fen": fen}
        for seq, (debit, credit, fen) in enumerate(moves, 1)
    ]
    assert [ledger.last_short_at(rows, fen) for fen in (100, 200, 201, 301)] == [0, 3, 5, 5]


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
