"""What an auditor takes away: the ledger as a file, sealed days, balances of any moment, how the money goes down."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from services.logistics.programmes.burndown import rate
from services.logistics.subsidy import queries, service
from services.logistics.subsidy.fund import Held
from services.logistics.subsidy.ledger import balances
from services.logistics.subsidy.seals import verify_lines
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office

DAYS = 4
MIDNIGHT = datetime(2026, 11, 1, 16, tzinfo=UTC)  # in Shanghai the second begins


async def enter(db: Database, fund: UUID, at: datetime, count: int) -> None:
    """So many reservations of this moment, as if it were that."""
    async with db.transaction() as session:
        locked = (await queries.locked_funds(session, [fund]))[fund]
        head_at = await session.scalar(text("SELECT at FROM ledger_heads WHERE programme_id = :id"), {"id": fund})
        locked.at = max(at, head_at)  # as `locked_funds` does with the clock
        for _ in range(count):
            locked.reserve(Held(f"SF{uuid4()}", RATE_FEN, 1, str(uuid4()), str(uuid4())))
        await service.write(session, [locked])


@pytest.fixture
async def fund(db: Database) -> UUID:
    """A fund of CNY 1,000 with entries on four days but the third, some of them next to midnight."""
    programme_id = uuid4()
    async with db.transaction() as session:
        await service.open_fund(session, programme_id, 100_000, RATE_FEN, MIDNIGHT - timedelta(hours=5))
    for hours, count in ((-1, 3), (0, 2), (5, 7), (23.999, 1), (50, 4)):
        await enter(db, programme_id, MIDNIGHT + timedelta(hours=hours), count)
    return programme_id


async def test_each_day_is_sealed_once_as_it_ended(db: Database, fund: UUID) -> None:
    sealed = await asyncio.gather(*(service.seal_days(db) for _ in range(3)))
    assert sum(sealed) == 3, "one of them seals, and the others see that it did"
    async with db.reading() as session:
        days = await queries.seals_of(session, fund)
        chain = await queries.transfers_after(session, fund, 0, 1000)
        assert fund not in {each for each, _ in await queries.unsealed(session)}
    assert [(seal.day, seal.seq) for seal in days] == [("2026-11-01", 4), ("2026-11-02", 14), ("2026-11-04", 18)]
    for seal in days:
        assert seal.head == chain[seal.seq - 1].hash
        assert seal.balances == balances(chain[: seal.seq])
    assert [later.prev for later in days] == [str(fund), *(seal.hash for seal in days[:-1])]
    assert await service.seal_days(db) == 0


async def test_nothing_is_entered_before_a_seal_whatever_a_clock_says(db: Database, fund: UUID) -> None:
    await service.seal_days(db)
    await enter(db, fund, MIDNIGHT + timedelta(hours=51), 2)  # as if the clock had gone back
    async with db.reading() as session:
        *_, last = await queries.transfers_after(session, fund, 0, 1000)
    assert datetime.fromisoformat(last.at) >= MIDNIGHT + timedelta(days=3)
    await service.seal_days(db)
    whole = b"".join([part async for part in service.exported(db, fund)])
    assert verify_lines(whole.splitlines(keepends=True)).ok


async def test_a_day_that_is_not_over_is_not_sealed(courier: Courier, office: Office, db: Database) -> None:
    today = UUID(await office.open())
    await service.seal_days(db)
    async with db.reading() as session:
        assert await queries.seals_of(session, today) == []


@pytest.mark.parametrize(
    "verb", ["UPDATE ledger_seals SET seq = 1", "DELETE FROM ledger_seals", "TRUNCATE ledger_seals"]
)
async def test_a_seal_is_never_changed(db: Database, fund: UUID, verb: str) -> None:
    await service.seal_days(db)
    with pytest.raises(Exception, match=r"permission denied|never changed"):
        async with db.transaction() as session:
            await session.execute(text(verb))


async def test_the_balances_of_any_moment_are_those_of_what_was_entered_by_then(db: Database, fund: UUID) -> None:
    async with db.reading() as session:
        chain = await queries.transfers_after(session, fund, 0, 1000)

    async def all_right() -> None:
        moments = {datetime.fromisoformat(each.at) for each in chain} | {
            MIDNIGHT - timedelta(days=9),
            datetime.now(UTC),
        }
        for moment in {m + timedelta(microseconds=d) for m in moments for d in (-1, 0, 1)}:
            by_then = [each for each in chain if datetime.fromisoformat(each.at) <= moment]
            async with db.reading() as session:
                head = await queries.standing_at(session, fund, moment, len(chain))
            assert (head.seq, head.balances) == (len(by_then), balances(by_then))
            assert head.hash == (by_then[-1].hash if by_then else str(fund))

    await all_right()
    await service.seal_days(db)
    await all_right()


async def test_the_whole_ledger_goes_out_as_a_file_that_is_sound(
    courier: Courier, office: Office, db: Database, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "VERIFY_PAGE", 3)
    programme = await office.open()
    match = await courier.claimed()
    parcels = [courier.parcel(match) for _ in range(5)]
    await courier.register(*parcels)
    await courier.tell((parcels[0]["waybill"], "delivered"), (parcels[1]["waybill"], "lost"))
    url, auditor = f"/v1/programmes/{programme}/ledger", issuer.caller("auditor")
    answer = await office.client.get(url, headers=auditor)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    verdict = verify_lines(answer.content.splitlines(keepends=True))
    shown = await office.read(programme)
    assert verdict.head is not None
    assert (verdict.ok, verdict.transfers, verdict.head.balances.available) == (True, 8, shown["available_fen"])
    assert (await office.client.get(f"/v1/programmes/{uuid4()}/ledger", headers=auditor)).status_code == 404


async def test_a_file_with_its_seals_is_sound(db: Database, fund: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.seal_days(db)
    for page in (3, 4, 5000):
        monkeypatch.setattr(queries, "VERIFY_PAGE", page)
        whole = b"".join([part async for part in service.exported(db, fund)])
        verdict = verify_lines(whole.splitlines(keepends=True))
        assert (verdict.why, verdict.transfers, verdict.seals) == (None, 18, 3)


async def test_seals_and_balances_are_read_by_officers_and_auditors(office: Office, client: httpx.AsyncClient) -> None:
    programme = await office.open()
    now = datetime.now(UTC)
    assert (await office.read(programme, "/seals"))["items"] == []
    before = await office.read(programme, f"/balances?at={(now - timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}")
    assert (before["seq"], before["budget_fen"], before["available_fen"]) == (0, 0, 0)
    after = await office.read(programme, f"/balances?at={(now + timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}")
    assert (after["seq"], after["budget_fen"], after["available_fen"]) == (1, 2000, 2000)
    refused = await client.get(f"/v1/programmes/{programme}/balances?at=yesterday", headers=office.headers)
    assert refused.status_code == 422


async def test_how_the_money_goes_down_says_when_it_ends(office: Office, db: Database) -> None:
    """CNY 1,000, of which a hundred went each day for five days: five more days are left."""
    began = datetime.now(UTC) - timedelta(days=5)
    body: dict[str, Any] = {"budget_fen": 100_000, "starts_at": began.isoformat()}
    programme = UUID(await office.open(**body))
    fresh = await office.read(programme, "/burndown")
    assert (fresh["days"], fresh["rate_fen_per_day"], fresh["ends_on"]) == ([], 0, None)
    async with db.transaction() as session:
        await session.execute(
            text("UPDATE programmes SET created_at = :began WHERE id = :id"), {"began": began, "id": programme}
        )
    await enter(db, programme, datetime.now(UTC), 250)
    shown = await office.read(programme, "/burndown")
    assert abs(shown["rate_fen_per_day"] - 10_000) <= 2
    ends_on = date.fromisoformat(shown["ends_on"])
    assert ends_on - (datetime.now(UTC) + timedelta(hours=8)).date() == timedelta(days=5)


@pytest.mark.parametrize(
    ("sealed", "began_days", "fen_per_day"),
    [
        ([], 3, 7_000_000 / 3),
        ([], 60, 1_000_000),  # of the last seven days, whatever was before
        ([(60, 0)], 30, 1_000_000),  # sealed when it was opened, long before it began
        ([(30, 3_500_000)], 60, 500_000),  # and nothing was entered between
        ([(30, 0), (8, 3_500_000), (6, 5_000_000)], 60, 500_000),
        ([(8, 7_000_000)], 60, 0),
        ([(8, 9_000_000)], 60, 0),  # more came back than went out
    ],
)
def test_the_rate_is_that_of_the_last_seven_days(
    sealed: list[tuple[int, int]], began_days: int, fen_per_day: float
) -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    days = [(now - timedelta(days=each), fen) for each, fen in sealed]
    found = rate(days, now - timedelta(days=began_days), now, 7_000_000, 1_000_000)
    assert found.fen_per_day == round(fen_per_day)
    assert (found.ends_at is None) == (fen_per_day == 0)
    assert rate([], now - timedelta(minutes=3), now, 5, 10).fen_per_day == 5, "three minutes say nothing of a day"
    assert rate([], now - timedelta(days=7), now, 7, 2**53).ends_at == now + timedelta(days=36_525)
