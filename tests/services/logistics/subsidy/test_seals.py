"""Sealed days and a ledger as a file: sound as it was written, and found out whatever is done to a byte of it."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.subsidy import ledger, seals
from services.logistics.subsidy.ledger import Head, Posting, Transfer
from services.logistics.subsidy.seals import Seal, verify_lines

PROGRAMME = "0190a1b2-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def chain(count: int = 6, fen: int = 200) -> tuple[list[Transfer], list[Seal]]:
    """So many reservations, two a day, every other one posted; a seal a day."""
    head, days, transfers = Head.genesis(PROGRAMME), [], []
    prev = PROGRAMME
    for number in range(count):
        at = NOON + timedelta(days=number // 2)
        postings = [Posting("reserve", f"SF{number}", at, fen, 1, f"parcel {number}", '运单"m"')]
        if number == 0:
            postings.insert(0, Posting("fund", "opening", at, 10_000, 1))
        if number % 2:
            postings.append(Posting("post", f"SF{number}", at))
        batch = ledger.apply(head, postings, {})
        head = batch.head
        transfers += batch.transfers
        if number % 2:
            days.append(seals.sealed(head, at.date().isoformat(), prev))
            prev = days[-1].hash
    return transfers, days


def file(transfers: list[Transfer], days: list[Seal]) -> list[bytes]:
    end = seals.end_of(ledger.verify(transfers, Head.genesis(PROGRAMME)).head, days[-1].hash)
    return [f"{line}\n".encode() for line in (*seals.lines_of(transfers, days), end)]


SOUND = file(*chain())


def test_a_ledger_as_it_was_written_is_sound() -> None:
    transfers, days = chain()
    verdict = verify_lines(SOUND)
    assert verdict.ok
    assert (verdict.transfers, verdict.seals) == (len(transfers), len(days)) == (10, 3)
    assert verdict.head is not None
    assert (verdict.head.hash, verdict.head.balances) == (transfers[-1].hash, ledger.balances(transfers))
    assert b"".join(SOUND).count(b"\n") == 14


def test_a_hash_is_what_anyone_would_reckon() -> None:
    _, (first, second, _) = chain()
    shown = json.loads(SOUND[4])["seal"]
    assert shown["day"] == "2026-11-22"
    rest = {name: value for name, value in shown.items() if name not in {"prev", "hash"}}
    assert hashlib.sha256(PROGRAMME.encode() + rfc8785.dumps(rest)).hexdigest() == first.hash == second.prev


def test_any_byte_that_is_changed_lost_or_added_is_found() -> None:
    whole, chance = b"".join(SOUND), Random(1)
    for place in range(len(whole)):
        other = whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]
        for changed in (other, whole[:place] + whole[place + 1 :], whole[:place] + b"0" + whole[place:]):
            assert not verify_lines(changed.splitlines(keepends=True)).ok, place
    assert not verify_lines([*SOUND, b"\n"]).ok


@given(st.data())
def test_lines_that_are_moved_doubled_or_left_out_are_found(data: st.DataObject) -> None:
    places = st.integers(0, len(SOUND) - 1)
    here, there = data.draw(places), data.draw(places)
    moved = list(SOUND)
    moved.insert(there, moved.pop(here))
    assert verify_lines(moved).ok == (moved == SOUND)
    assert not verify_lines([*SOUND[:here], SOUND[here], *SOUND[here:]]).ok
    assert not verify_lines([*SOUND[:here], *SOUND[here + 1 :]]).ok
    for cut in range(len(SOUND)):
        verdict = verify_lines(SOUND[:cut])
        assert (verdict.ok, verdict.line) == (False, cut + 1)


def test_a_chain_that_was_written_anew_is_sound_in_itself_and_not_what_somebody_kept() -> None:
    kept = chain()[1][1]
    forged = file(*chain(fen=100))
    assert verify_lines(forged).ok
    for known in (kept.hash, kept.head):
        assert verify_lines(SOUND, keep=known).ok
        verdict = verify_lines(forged, keep=known)
        assert (verdict.ok, verdict.why) == (False, "the chain never came to the hash that was kept")


def test_a_seal_of_other_balances_is_not_of_this_chain() -> None:
    transfers, days = chain()
    for changes in ({"paid_fen": 1}, {"seq": 3}, {"day": "2026-11-21"}, {"head": "0" * 64}):
        verdict = verify_lines(file(transfers, [replace(days[0], **changes), *days[1:]]))
        assert not verdict.ok, changes


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"null\n",
        b'{"seal":1}\n',
        b'{"end":{}}\n',
        b'{"a":' + b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        b'{"amount_fen":true}\n',
        SOUND[0].replace(b'"seq":1', b'"seq":[]'),
        SOUND[0].replace(b'"kind":"fund"', b'"kind":[]'),
        SOUND[0].replace(f'"prev":"{PROGRAMME}"'.encode(), b'"prev":7'),
        SOUND[0].replace(b'"amount_fen":10000', b'"amount_fen":10000.0'),
        SOUND[0].replace(b'"amount_fen":10000', b'"amount_fen":1e4'),
    ],
    ids=range(15),
)
def test_what_is_no_line_of_a_ledger_is_said_to_be_none(line: bytes) -> None:
    verdict = verify_lines([line, *SOUND])
    assert (verdict.ok, verdict.line, verdict.transfers) == (False, 1, 0)
