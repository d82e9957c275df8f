"""Funds in the database: opened, locked, written and read again; who comes at once waits for its turn."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from asyncpg.exceptions import UniqueViolationError
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from chassis.db import Database
from services.logistics.subsidy import queries, service
from services.logistics.subsidy.fund import Fund, Held
from services.logistics.subsidy.ledger import Balances, Head, verify
from services.logistics.subsidy.models import LEDGER_HEADS, SUBSIDIES
from services.logistics.subsidy.queries import CapKey
from tests.support.hypotheses import ON_FIXTURES

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
TODAY = date(2026, 11, 23)


async def opened(db: Database, amount_fen: int = 1000, least_fen: int = 200) -> UUID:
    programme_id = uuid4()
    async with db.transaction() as session:
        await service.open_fund(session, programme_id, amount_fen, least_fen, NOON)
    return programme_id


def held(subject: str, amount_fen: int = 200) -> Held:
    return Held(subject, amount_fen, 1, str(uuid4()), str(uuid4()))


async def fund_of(db: Database, programme_id: UUID) -> Fund:
    async with db.transaction() as session:
        return (await queries.locked_funds(session, [programme_id]))[programme_id]


async def reserve(db: Database, programme_id: UUID, *subjects: str) -> list[Fund]:
    """Reserve while there is money; the funds that ran out by it."""
    async with db.transaction() as session:
        fund = (await queries.locked_funds(session, [programme_id]))[programme_id]
        for subject in subjects:
            if fund.available_fen >= 200:
                fund.reserve(held(subject))
                fund.recount(None, "reserved")
        return await service.write(session, [fund])


async def test_an_opened_fund_has_one_transfer_and_all_of_its_budget(db: Database) -> None:
    programme_id = await opened(db, 12_345)
    async with db.reading() as session:
        head = await queries.head_of(session, programme_id)
        (transfer,) = await queries.transfers_after(session, programme_id, 0, 10)
    assert head.balances == Balances(funder=-12_345, available=12_345)
    assert (transfer.seq, transfer.kind, transfer.amount_fen, transfer.prev) == (1, "fund", 12_345, str(programme_id))
    assert (transfer.parcel_id, transfer.match_id, head.hash) == (None, None, transfer.hash)


async def test_the_largest_budget_json_can_carry_is_kept_to_the_fen(db: Database) -> None:
    programme_id = await opened(db, 2**53 - 1)
    await reserve(db, programme_id, "SF1")
    fund = await fund_of(db, programme_id)
    assert (fund.available_fen, fund.head.balances.budget_fen) == (2**53 - 201, 2**53 - 1)
    assert (await service.verify(db, programme_id)).ok


async def test_what_was_written_is_what_is_read_and_it_verifies(db: Database) -> None:
    programme_id = await opened(db)
    await reserve(db, programme_id, "SF1", "SF2")
    fund = await fund_of(db, programme_id)
    assert (fund.available_fen, fund.counts["reserved"], fund.head.seq) == (600, 2, 3)
    async with db.reading() as session:
        chain = await queries.transfers_after(session, programme_id, 0, 10)
        assert await queries.transfers_after(session, programme_id, 1, 1) == chain[1:2]
        assert await queries.transfers_after(session, programme_id, 0, 10, last=2) == chain[:2]
    walked = verify(chain, Head.genesis(str(programme_id)))
    assert (walked.ok, walked.head) == (True, fund.head)


async def test_a_fund_that_was_only_locked_is_not_written(db: Database) -> None:
    programme_id = await opened(db)
    async with db.transaction() as session:
        funds = await queries.locked_funds(session, [programme_id])
        assert await service.write(session, funds.values()) == []
    assert (await service.verify(db, programme_id)).transfers == 1


async def test_it_runs_out_once_and_is_there_again_when_money_comes_back(db: Database) -> None:
    programme_id = await opened(db, 450)
    assert await reserve(db, programme_id, "SF1") == []
    (out,) = await reserve(db, programme_id, "SF2")
    assert (out.programme_id, out.version, out.head.balances.available) == (programme_id, 2, 50)
    since = (await fund_of(db, programme_id)).exhausted_at
    assert since is not None
    async with db.transaction() as session:
        fund = (await queries.locked_funds(session, [programme_id]))[programme_id]
        fund.recount(None, "fund_exhausted")
        assert await service.write(session, [fund]) == [], "it had run out before"
    assert (await fund_of(db, programme_id)).exhausted_at == since
    async with db.transaction() as session:
        fund = (await queries.locked_funds(session, [programme_id]))[programme_id]
        fund.void(held("SF1"))
        await service.write(session, [fund])
    assert (await fund_of(db, programme_id)).exhausted_at is None
    (again,) = await reserve(db, programme_id, "SF3")
    assert again.version == 3


async def test_who_posts_at_once_waits_for_its_turn_and_nothing_is_overdrawn(db: Database) -> None:
    programme_id = await opened(db, 10 * 200)
    await asyncio.gather(*(reserve(db, programme_id, f"SF{number}", f"SG{number}") for number in range(12)))
    fund = await fund_of(db, programme_id)
    assert (fund.available_fen, fund.counts["reserved"], fund.head.seq) == (0, 10, 11)
    verified = await service.verify(db, programme_id)
    assert (verified.ok, verified.transfers) == (True, 11)


async def test_funds_are_locked_in_one_order_whatever_the_order_asked(db: Database) -> None:
    ids = [await opened(db) for _ in range(6)]

    async def touch(order: list[UUID]) -> None:
        async with db.transaction() as session:
            funds = await queries.locked_funds(session, order)
            assert list(funds) == sorted(ids)
            await asyncio.sleep(0.002)

    async with asyncio.timeout(20):
        await asyncio.gather(*(touch(ids[turn:] + ids[:turn]) for turn in range(6)), *(touch(ids[::-1]) for _ in ids))


async def test_the_moment_of_a_transfer_is_never_before_the_one_before_it(db: Database) -> None:
    programme_id = await opened(db)
    ahead = datetime.now(UTC) + timedelta(days=1)
    async with db.transaction() as session:
        await session.execute(update(LEDGER_HEADS).values(at=ahead))
    assert (await fund_of(db, programme_id)).at == ahead


@pytest.mark.parametrize(
    "change",
    [
        {"available_fen": -1},
        {"available_fen": 1001},
        {"reserved_fen": 1},
        {"funder_fen": 0},
        {"available_fen": 1200, "reserved_fen": -200},
    ],
)
async def test_the_database_itself_refuses_books_that_do_not_balance(db: Database, change: dict[str, int]) -> None:
    await opened(db)
    with pytest.raises(IntegrityError):
        async with db.transaction() as session:
            await session.execute(update(LEDGER_HEADS).values(change))


async def test_what_is_missing_or_foreign_has_no_fund(db: Database) -> None:
    async with db.transaction() as session:
        assert await queries.locked_funds(session, []) == {}
        assert await queries.locked_funds(session, [uuid4()]) == {}


def subsidy_row(buyer_id: UUID, order_ref: str | None) -> dict[str, object]:
    return {
        "subject_id": uuid4(),
        "match_id": uuid4(),
        "buyer_id": buyer_id,
        "order_ref": order_ref,
        "status": "reserved",
        "first_status": "reserved",
        "reason": None,
        "refused_by": None,
        "programme_id": uuid4(),
        "amount_fen": 200,
        "rule_version": 1,
        "turn": 1,
        "payee_id": uuid4(),
        "posted_at": None,
        **dict.fromkeys(("asked_at", "decided_at", "match_g", "before_g")),
    }


async def test_an_order_is_taken_for_its_own_buyer_only(db: Database) -> None:
    us, them = uuid4(), uuid4()
    async with db.transaction() as session:
        await service.add_subsidies(session, [subsidy_row(us, "A"), subsidy_row(them, "B"), subsidy_row(us, None)])
        asked = {(us, "A"), (us, "B"), (them, "A"), (them, "B"), (uuid4(), "A")}
        assert await queries.orders_taken(session, asked) == {(us, "A"), (them, "B")}
        assert await queries.orders_taken(session, {(us, "B"), (them, "A")}) == set()
        assert await queries.orders_taken(session, set()) == set()


async def test_the_database_itself_refuses_a_second_subsidy_of_an_order(db: Database) -> None:
    us = uuid4()
    with pytest.raises(UniqueViolationError):
        async with db.transaction() as session:
            await service.add_subsidies(session, [subsidy_row(us, "A"), subsidy_row(us, "A")])
    async with db.transaction() as session:
        await service.add_subsidies(session, [subsidy_row(us, "A"), subsidy_row(us, None), subsidy_row(us, None)])


async def test_a_changed_subsidy_changes_alone(db: Database) -> None:
    one, other = subsidy_row(uuid4(), "A"), subsidy_row(uuid4(), "B")
    async with db.transaction() as session:
        await service.add_subsidies(session, [one, other])
        await service.change_subsidies(session, [one | {"status": "voided", "order_ref": None, "turn": 2}])
        rows = (await session.execute(select(SUBSIDIES))).mappings().all()
    found = {row["subject_id"]: dict(row) for row in rows}
    unsettled = {"settlement_id": None, "came_back_at": None, "claimed_back_at": None}
    assert found[one["subject_id"]] == one | {"status": "voided", "order_ref": None, "turn": 2} | unsettled
    assert found[other["subject_id"]] == other | unsettled


async def test_cap_usage_adds_up_by_programme_day_and_party(db: Database) -> None:
    programme_id, producer, carrier = uuid4(), uuid4(), uuid4()
    key: CapKey = (programme_id, TODAY, "producer", producer)
    others: list[CapKey] = [
        (programme_id, TODAY, "carrier", carrier),
        (programme_id, TODAY + timedelta(days=1), "producer", producer),
        (uuid4(), TODAY, "producer", producer),
    ]
    async with db.transaction() as session:
        await service.add_cap_usage(session, {})
        await service.add_cap_usage(session, {key: 2, others[0]: 5})
        await service.add_cap_usage(session, {key: 3, others[1]: 7})
        assert await queries.cap_usage(session, [key, *others]) == {key: 5, others[0]: 5, others[1]: 7}
        assert await queries.cap_usage(session, []) == {}


@settings(max_examples=12, suppress_health_check=ON_FIXTURES)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["reserve", "post", "void", "reverse"])), max_size=40))
async def test_any_life_of_a_fund_read_page_by_page_adds_up_to_its_balances(
    db: Database, steps: list[tuple[int, str]]
) -> None:
    """I1 and I15 on what the database holds, batch by batch."""
    programme_id = await opened(db, 1500)
    subjects = {number: held(f"SF{number}") for number in range(10)}
    status = dict.fromkeys(subjects, "none")
    before = {"reserve": "none", "post": "reserved", "void": "reserved", "reverse": "posted"}
    after = {"reserve": "reserved", "post": "posted", "void": "voided", "reverse": "reversed"}
    for start in range(0, len(steps), 7):
        async with db.transaction() as session:
            fund = (await queries.locked_funds(session, [programme_id]))[programme_id]
            for number, kind in steps[start : start + 7]:
                if status[number] == before[kind] and (kind != "reserve" or fund.available_fen >= 200):
                    getattr(fund, kind)(subjects[number])
                    status[number] = after[kind]
            await service.write(session, [fund])
    standing = (await fund_of(db, programme_id)).head.balances
    amounts = {name: 200 * list(status.values()).count(name) for name in ("reserved", "posted")}
    assert standing == Balances(-1500, 1500 - sum(amounts.values()), amounts["reserved"], amounts["posted"], 0)
    assert (await service.verify(db, programme_id)).ok
