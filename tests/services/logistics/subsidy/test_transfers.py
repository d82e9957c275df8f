"""What stands in the table of transfers can't be changed, and whoever does it all the same is found."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.logistics.subsidy import queries
from tests.support.subsidies import Courier, Office

CHANGES = {
    "id": "gen_random_uuid()",
    "kind": "'void'",
    "debit": "'reserved'",
    "credit": "'paid'",
    "amount_fen": "amount_fen + 1",
    "parcel_id": "NULL",
    "match_id": "gen_random_uuid()",
    "rule_version": "2",
    "at": "at + interval '1 microsecond'",
    "prev": "upper(prev)",
    "hash": "overlay(hash placing 'x' from 64)",
    "seq": "seq + 1000",
    "programme_id": "gen_random_uuid()",
}


@pytest.fixture
async def fund(courier: Courier, office: Office) -> str:
    opened = await office.open()
    match = await courier.claimed()
    await courier.register(*(courier.parcel(match) for _ in range(5)))
    return opened


@pytest.fixture
async def forger(postgres: EmbeddedPostgres, db: Database, fund: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser who has disabled the trigger."""
    address = f"{postgres.superuser_dsn().rsplit('/', 1)[0]}/{db.engine.url.database}"
    connection = await asyncpg.connect(address, ssl=False)
    try:
        await connection.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE transfers SET amount_fen = 1", "DELETE FROM transfers", "TRUNCATE transfers"]
)
async def test_the_service_may_not_change_a_transfer(fund: str, db: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.transaction() as session:
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement", ["UPDATE transfers SET amount_fen = 1", "DELETE FROM transfers", "TRUNCATE transfers"]
)
async def test_not_even_a_superuser_changes_one_by_mistake(forger: asyncpg.Connection, statement: str) -> None:
    await forger.execute("ALTER TABLE transfers ENABLE TRIGGER USER")
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
        await forger.execute(statement)


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("page", [2, 5000])
async def test_a_changed_column_is_found(
    forger: asyncpg.Connection, office: Office, fund: str, monkeypatch: pytest.MonkeyPatch, column: str, page: int
) -> None:
    monkeypatch.setattr(queries, "VERIFY_PAGE", page)
    assert (await office.read(fund, "/verify"))["ok"]
    await forger.execute(f"UPDATE transfers SET {column} = {CHANGES[column]} WHERE seq = 4")
    verified = await office.read(fund, "/verify")
    assert (verified["ok"], verified["transfers"], verified["first_bad_seq"]) == (False, 3, 4)


@pytest.mark.parametrize("column", ["prev", "hash"])
async def test_any_changed_character_of_the_chain_is_found(
    forger: asyncpg.Connection, office: Office, fund: str, column: str
) -> None:
    for place in range(1, 65, 7):
        async with forger.transaction():
            await forger.execute(
                f"UPDATE transfers SET {column} = overlay({column} placing"
                f" CASE substr({column}, {place}, 1) WHEN '0' THEN '1' ELSE '0' END from {place}) WHERE seq = 3"
            )
        assert not (await office.read(fund, "/verify"))["ok"]
    assert (await office.read(fund, "/verify"))["first_bad_seq"] == 3


async def test_what_is_cut_off_the_end_is_missed(forger: asyncpg.Connection, office: Office, fund: str) -> None:
    await forger.execute("DELETE FROM transfers WHERE seq = 6")
    verified = await office.read(fund, "/verify")
    assert (verified["ok"], verified["first_bad_seq"]) == (False, 6)


async def test_balances_that_do_not_follow_from_the_chain_are_found(
    forger: asyncpg.Connection, office: Office, fund: str
) -> None:
    await forger.execute("UPDATE ledger_heads SET available_fen = available_fen + 1, reserved_fen = reserved_fen - 1")
    assert not (await office.read(fund, "/verify"))["ok"]
