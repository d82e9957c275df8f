"""The ledger against a model of three lines, and the chain against everything one can do to it."""

import hashlib
import random
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.subsidy import ledger
from services.logistics.subsidy.ledger import Balances, Batch, Head, Posting, Subject, Transfer, apply, verify

PROGRAMME = "0190a1b2-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
GENESIS = Head.genesis(PROGRAMME)

kinds = st.sampled_from(list(ledger.MOVES))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
postings = st.builds(
    Posting,
    kind=kinds,
    subject=st.sampled_from(["SF1", "SF2", "SF3", "SF4", "SF5"]),
    at=st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC)),
    amount_fen=st.integers(1, 300),
    rule_version=st.integers(1, 3),
    parcel_id=st.none() | texts,
    match_id=st.none() | texts,
)


def funded(fen: int) -> Head:
    return apply(GENESIS, [Posting("fund", "opening", NOON, fen, 1)], {}).head


def reserve(subject: str, fen: int = 200, version: int = 1) -> Posting:
    return Posting("reserve", subject, NOON, fen, version, parcel_id=f"parcel of {subject}", match_id="m1")


def step(kind: ledger.Kind, subject: str) -> Posting:
    return Posting(kind, subject, NOON)


def run(*batches: list[Posting], head: Head = GENESIS) -> tuple[list[Transfer], list[Batch]]:
    """Several batches, the subjects carried from one to the next as the tables would."""
    subjects: dict[str, Subject] = {}
    done: list[Batch] = []
    for batch in batches:
        done.append(apply(head, batch, subjects))
        head = done[-1].head
        subjects |= done[-1].subjects
    return [transfer for batch in done for transfer in batch.transfers], done


def a_chain() -> list[Transfer]:
    chain, _ = run(
        [Posting("fund", "opening", NOON, 1000, 1), reserve("SF1"), reserve('运单"2"'), reserve("SF3", 100, 2)],
        [step("post", "SF1"), step("void", '运单"2"'), step("post", "SF3"), step("reverse", "SF3")],
        [Posting("payout", "settlement 1", NOON, 200, 2)],
    )
    return chain


# --- the accounts


@given(st.lists(st.lists(postings, max_size=8), max_size=6))
def test_no_prefix_overdraws_and_the_budget_is_always_where_it_must_be(batches: list[list[Posting]]) -> None:
    chain, done = run(*batches)
    standing = Balances()
    for transfer in chain:
        standing = ledger.balances([transfer], standing)
        assert standing.sound
    totals = {kind: sum(t.amount_fen for t in chain if t.kind == kind) for kind in ledger.MOVES}
    assert standing.budget_fen == totals["fund"]
    assert standing.posted + standing.paid == totals["post"] - totals["reverse"] - totals["clawback"]
    assert standing == (done[-1].head.balances if done else Balances())


@given(st.lists(postings, max_size=30), st.data())
def test_how_the_requests_are_cut_into_batches_changes_nothing(asked: list[Posting], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(asked)))
    whole, _ = run(asked)
    parts, _ = run(asked[:cut], asked[cut:])
    assert whole == parts


@given(st.lists(postings, max_size=30))
def test_repeating_every_request_that_was_entered_changes_nothing(asked: list[Posting]) -> None:
    chain, [batch] = run(asked)
    entered = [p for p, outcome in zip(asked, batch.outcomes, strict=True) if outcome.transfer]
    again = apply(batch.head, entered, batch.subjects)
    assert again.head == batch.head
    assert again.transfers == []
    assert all(outcome.repeated for outcome in again.outcomes)
    assert len({t.id for t in chain}) == len(chain)


@given(st.integers(0, 12), st.integers(0, 199), st.permutations(range(15)))
def test_with_money_for_k_exactly_the_first_k_are_reserved(k: int, remainder: int, order: list[int]) -> None:
    batch = apply(funded(200 * k + remainder + 1), [reserve(f"SF{i}") for i in order], {})
    could = (200 * k + remainder + 1) // 200
    assert [o.refused for o in batch.outcomes] == [None] * could + ["fund_exhausted"] * (15 - could)
    assert batch.head.balances.reserved == 200 * could


def test_a_smaller_request_behind_one_that_does_not_fit_may_still_fit() -> None:
    batch = apply(funded(500), [reserve("SF1", 400), reserve("SF2", 200), reserve("SF3", 100)], {})
    assert [o.refused for o in batch.outcomes] == [None, "fund_exhausted", None]
    assert batch.head.balances.available == 0


def test_voided_money_is_free_for_the_next_comer_of_the_same_batch() -> None:
    _, [first, second] = run([reserve("SF1"), reserve("SF2")], [step("void", "SF1"), reserve("SF2")], head=funded(200))
    assert first.outcomes[1].refused == "fund_exhausted"
    assert second.outcomes[1].transfer
    assert second.head.balances.reserved == 200


@pytest.mark.parametrize(
    ("before", "kind", "refused"),
    [
        ([], "post", "not_reserved"),
        ([], "void", "not_reserved"),
        ([], "reverse", "not_posted"),
        (["post"], "void", "not_reserved"),
        (["void"], "post", "not_reserved"),
        (["void"], "reverse", "not_posted"),
        (["post", "reverse"], "clawback", "not_paid"),
        ([], "payout", "wrong_subject"),
    ],
)
def test_a_step_out_of_turn_is_refused(before: list[ledger.Kind], kind: ledger.Kind, refused: str) -> None:
    start = [reserve("SF1")] if before or kind == "payout" else []
    _, batches = run([*start, *(step(each, "SF1") for each in before)], [step(kind, "SF1")], head=funded(1000))
    assert batches[1].outcomes[0].refused == refused
    assert batches[1].head == batches[0].head


@pytest.mark.parametrize("end", [["post"], ["void"], ["post", "reverse"]])
def test_a_waybill_is_never_reserved_a_second_time_whatever_became_of_it(end: list[ledger.Kind]) -> None:
    _, batches = run([reserve("SF1"), *(step(each, "SF1") for each in end)], [reserve("SF1", 999)], head=funded(5000))
    assert batches[1].outcomes[0].repeated
    assert batches[1].head == batches[0].head


def test_a_later_step_moves_what_was_reserved_under_the_rule_of_then() -> None:
    posted = Posting("post", "SF1", NOON, amount_fen=1, rule_version=9)
    chain, _ = run([reserve("SF1", 180, version=3), posted], head=funded(1000))
    assert (chain[-1].kind, chain[-1].amount_fen, chain[-1].rule_version) == ("post", 180, 3)


def test_no_more_is_paid_out_than_is_posted_and_a_settlement_once() -> None:
    _, batches = run(
        [reserve("SF1"), step("post", "SF1"), reserve("SF2")],
        [Posting("payout", "s1", NOON, 201, 1), Posting("payout", "s2", NOON, 200, 1)],
        [Posting("payout", "s2", NOON, 200, 1)],
        head=funded(1000),
    )
    assert batches[1].outcomes[0].refused == "overdrawn"
    assert batches[2].outcomes[0].repeated
    assert batches[2].head.balances == Balances(-1000, 600, 200, 0, 200)


def test_a_clawback_brings_paid_money_back_to_the_fund() -> None:
    _, [_, paid] = run([reserve("SF1"), step("post", "SF1")], [Posting("payout", "s1", NOON, 200, 1)], head=funded(200))
    batch = apply(paid.head, [step("clawback", "SF1")], {"SF1": Subject("paid", 200, 1)})
    assert batch.head.balances == Balances(-200, 200, 0, 0, 0)
    assert batch.subjects["SF1"].status == "clawed_back"


@pytest.mark.parametrize("fen", [0, -1, 2**53])
def test_an_amount_that_is_no_positive_integer_of_json_is_an_error_of_the_caller(fen: int) -> None:
    with pytest.raises(ValueError, match="fen"):
        apply(GENESIS, [Posting("fund", "opening", NOON, fen, 1)], {})


# --- the bytes


@given(st.lists(postings, min_size=1, max_size=8))
def test_the_hash_is_what_an_outside_verifier_computes(asked: list[Posting]) -> None:
    chain, _ = run([Posting("fund", "opening", NOON, 10_000, 1), *asked])
    prev = PROGRAMME
    for transfer in chain:
        rest = transfer.as_json()
        assert rest.pop("prev") == prev
        prev = hashlib.sha256(prev.encode() + rfc8785.dumps({k: v for k, v in rest.items() if k != "hash"})).hexdigest()
        assert rest["hash"] == prev


@given(texts, texts)
def test_a_transfer_id_is_the_uuid5_of_the_business_fact(programme_id: str, subject: str) -> None:
    name = f"{programme_id}\nreserve\n{subject}"
    assert ledger.transfer_id(programme_id, "reserve", subject) == str(uuid.uuid5(ledger.TRANSFER_NAMESPACE, name))


def test_one_instant_has_one_text() -> None:
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    assert ledger.instant_text(shanghai) == ledger.instant_text(NOON) == "2026-11-22T04:00:00.000000Z"
    with pytest.raises(ValueError, match="time zone"):
        ledger.instant_text(datetime(2026, 11, 22))


def test_a_field_without_a_value_is_left_out() -> None:
    opening = a_chain()[0].as_json()
    assert "parcel_id" not in opening
    assert "match_id" not in opening
    assert all(Transfer.from_json(t.as_json()) == t for t in a_chain())


# --- the proof


def test_a_true_chain_verifies_whole_and_by_pages() -> None:
    chain = a_chain()
    whole = verify(chain, GENESIS)
    assert (whole.ok, whole.count, whole.first_bad_seq) == (True, 9, None)
    assert whole.head == Head(PROGRAMME, 9, chain[-1].hash, ledger.balances(chain))
    first = verify(chain[:4], GENESIS)
    assert verify(chain[4:], first.head).head == whole.head


def flipped(value: object, at: int, bit: int) -> object:
    """The value with one bit changed in its bytes."""
    if isinstance(value, int):
        return value ^ (1 << bit)
    raw = bytearray(str(value).encode())
    raw[at % len(raw)] ^= 1 << bit
    return raw.decode("latin-1")


@pytest.mark.parametrize("field", Transfer._fields)
@given(st.integers(0, 8), st.integers(0, 100), st.integers(0, 7))
def test_any_flipped_bit_in_any_field_is_found_where_it_is(field: str, place: int, at: int, bit: int) -> None:
    chain = a_chain()
    chain[place] = chain[place]._replace(**{field: flipped(getattr(chain[place], field), at, bit)})
    found = verify(chain, GENESIS)
    assert not found.ok
    assert found.first_bad_seq == place + 1
    assert found.count == place


@given(st.permutations(range(9)))
def test_the_entries_verify_in_no_order_but_their_own(order: list[int]) -> None:
    chain = a_chain()
    assert verify([chain[i] for i in order], GENESIS).ok == (order == sorted(order))


@given(st.integers(0, 7))
def test_an_entry_taken_out_or_entered_twice_is_found(place: int) -> None:
    chain = a_chain()
    assert verify(chain[:place] + chain[place + 1 :], GENESIS).first_bad_seq == place + 1
    assert verify([*chain[: place + 1], *chain[place:]], GENESIS).first_bad_seq == place + 2


def test_what_is_cut_off_the_end_shows_against_the_head_that_was_kept() -> None:
    chain = a_chain()
    cut = verify(chain[:-1], GENESIS)
    assert cut.ok
    assert cut.head != verify(chain, GENESIS).head


def rechained(chain: list[Transfer]) -> list[Transfer]:
    """The whole chain forged anew, every hash right."""
    forged: list[Transfer] = []
    prev = PROGRAMME
    for seq, transfer in enumerate(chain, 1):
        linked = transfer._replace(seq=seq, prev=prev)
        rest = {k: v for k, v in linked.as_json().items() if k not in ("prev", "hash")}
        prev = hashlib.sha256(prev.encode() + rfc8785.dumps(rest)).hexdigest()
        forged.append(linked._replace(hash=prev))
    return forged


@pytest.mark.parametrize(
    "forgery",
    [{"amount_fen": 5000}, {"amount_fen": -200}, {"credit": "paid"}, {"kind": "payout"}, {"kind": "gift"}],
)
def test_a_forged_chain_with_right_hashes_still_may_not_overdraw_or_invent(forgery: dict[str, object]) -> None:
    chain = a_chain()
    assert verify(rechained(chain), GENESIS).ok
    chain[1] = chain[1]._replace(**forgery)
    assert verify(rechained(chain), GENESIS).first_bad_seq == 2


def test_a_chain_of_another_programme_is_not_this_ones() -> None:
    assert verify(a_chain(), Head.genesis("another")).first_bad_seq == 1


def test_many_parcels_in_any_order_of_events_end_where_the_books_say() -> None:
    """Waybills delivered, cancelled and returned in a random interleaving: the sums are those of a plain count."""
    rng = random.Random(7)
    plans = {f"SF{i}": rng.choice([["post"], ["void"], ["post", "reverse"], []]) for i in range(300)}
    todo = {waybill: [reserve(waybill), *(step(k, waybill) for k in plan)] for waybill, plan in plans.items()}
    asked: list[Posting] = []
    while todo:
        waybill = rng.choice(list(todo))
        asked.append(todo[waybill].pop(0))
        if not todo[waybill]:
            del todo[waybill]
    _, [batch] = run(asked, head=funded(300 * 200))
    count = {tuple(plan): list(plans.values()).count(plan) for plan in plans.values()}
    assert batch.head.balances.posted == 200 * count[("post",)]
    assert batch.head.balances.reserved == 200 * count[()]
    assert batch.head.balances.sound
