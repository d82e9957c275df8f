"""Many rows in one statement: in their order, with their types, and with what they do not name left alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asyncpg.exceptions import DivisionByZeroError, UniqueViolationError
from sqlalchemy import Boolean, Column, DateTime, Integer, Table, Text, Uuid, func, inspect, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from chassis.bulk import among, as_read, copy_in, fetch, given, insert_given, parameters, parameters_of
from chassis.db import Database, WriteSession, is_transient, is_works_own
from chassis.metrics import DATABASE_ERRORS
from chassis.tables import new_metadata
from tests.chassis.conftest import NOTES

METADATA = new_metadata()
COUNTED = "SELECT count(*) FROM notes WHERE id = ANY ($1::int[])"
THINGS = Table(
    "things",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("name", Text),
    Column("at", DateTime(timezone=True)),
    Column("good", Boolean),
    Column("count", Integer, nullable=False, server_default="7"),
    prefixes=["TEMPORARY"],
)


@pytest.fixture
async def session(db: Database) -> AsyncIterator[WriteSession]:
    """A transaction with a table of many types, undone at the end."""
    async with db.write_session() as open_session:
        connection = await open_session.connection()
        await connection.run_sync(METADATA.create_all)
        yield open_session


def things(count: int) -> list[dict[str, Any]]:
    noon = datetime(2026, 11, 23, 4, tzinfo=UTC)
    return [
        {
            "id": UUID(int=number),
            "name": None if number % 3 == 0 else f"第 {number} 件, '\"{{}}\\",
            "at": noon + timedelta(microseconds=number),
            "good": number % 2 == 0,
        }
        for number in range(count)
    ]


async def all_of(session: WriteSession) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await session.execute(select(THINGS).order_by(THINGS.c.id))]


async def test_rows_of_every_type_are_there_as_they_were_given(session: WriteSession) -> None:
    rows = things(1000)
    names = ("id", "name", "at", "good")
    await session.execute(insert_given(THINGS, *names), parameters_of(rows, *names))
    assert await all_of(session) == [row | {"count": 7} for row in rows]


async def test_columns_that_are_not_given_take_their_defaults(session: WriteSession) -> None:
    await session.execute(insert_given(THINGS, "id"), parameters({"id": [uuid4(), uuid4()]}))
    assert [(row["name"], row["count"]) for row in await all_of(session)] == [(None, 7)] * 2


async def test_no_rows_are_no_rows(session: WriteSession) -> None:
    await session.execute(insert_given(THINGS, "id", "name"), parameters_of([], "id", "name"))
    assert await all_of(session) == []


async def test_what_is_returned_comes_in_the_order_given(db: Database) -> None:
    numbers = [5, 3, 9, 1, 7]
    insert = insert_given(NOTES, "id", "text").returning(NOTES.c.id)
    async with db.transaction() as session:
        made = await session.scalars(insert, parameters({"id": numbers, "text": ["x"] * 5}))
        assert made.all() == numbers


async def test_rows_that_are_there_are_passed_over_and_only_the_new_are_returned(db: Database) -> None:
    insert = insert_given(NOTES, "id", "text").on_conflict_do_nothing().returning(NOTES.c.id)
    async with db.transaction() as session:
        await session.execute(insert, parameters({"id": [1, 2], "text": ["old", "old"]}))
        made = await session.scalars(insert, parameters({"id": [2, 3, 3], "text": ["new", "new", "again"]}))
        assert made.all() == [3]
        texts = await session.scalars(select(NOTES.c.text).order_by(NOTES.c.id))
        assert texts.all() == ["old", "old", "new"]


async def test_an_update_changes_each_row_to_its_own_and_no_other(session: WriteSession) -> None:
    rows = things(5)
    names = ("id", "name", "at", "good")
    await session.execute(insert_given(THINGS, *names), parameters_of(rows, *names))
    values = given(THINGS, "id", "name", "count")
    change = update(THINGS).where(THINGS.c.id == values.c.id).values(name=values.c.name, count=values.c.count)
    changes = [{"id": UUID(int=4), "name": "four", "count": 4}, {"id": UUID(int=1), "name": None, "count": 1}]
    await session.execute(change, parameters_of(changes, "id", "name", "count"))
    assert [(row["name"], row["count"]) for row in await all_of(session)] == [
        (rows[0]["name"], 7),
        (None, 1),
        (rows[2]["name"], 7),
        (rows[3]["name"], 7),
        ("four", 4),
    ]


async def test_given_rows_can_be_joined_with_what_is_stored(session: WriteSession) -> None:
    rows = things(10)
    await session.execute(insert_given(THINGS, "id", "good"), parameters_of(rows, "id", "good"))
    wanted = given(THINGS, "id")
    joined = select(func.count()).select_from(THINGS).join(wanted, THINGS.c.id == wanted.c.id)
    known = await session.scalar(joined, parameters({"id": [UUID(int=3), UUID(int=9), uuid4()]}))
    assert known == 2


def test_parameters_of_rows_are_those_of_their_columns_and_name_what_they_are() -> None:
    rows = [{"id": 1, "text": "a", "more": 0}, {"id": 2, "text": "b", "more": 0}]
    expected = {"given_id": [1, 2], "given_text": ["a", "b"]}
    assert parameters_of(rows, "id", "text") == parameters({"id": (1, 2), "text": ("a", "b")}) == expected


async def test_rows_that_are_copied_in_are_there_as_they_were_given(session: WriteSession) -> None:
    rows = things(1000)
    names = ("id", "name", "at", "good")
    await copy_in(session, THINGS, names, [(str(row["id"]), *(row[name] for name in names[1:])) for row in rows])
    assert await all_of(session) == [row | {"count": 7} for row in rows]


async def copied(db: Database, *notes: tuple[int, str], severed: bool = False, undone: bool = False) -> None:
    async with db.transaction() as session:
        if severed:
            backend = await session.scalar(select(func.pg_backend_pid()))
            async with db.reading() as other:
                await other.execute(select(func.pg_terminate_backend(backend)))
        await copy_in(session, NOTES, ("id", "text"), notes)
        if undone:
            raise RuntimeError("undone")


async def test_what_is_copied_in_goes_with_its_transaction(db: Database) -> None:
    await copied(db, (1, "stays"))
    with pytest.raises(RuntimeError, match="undone"):
        await copied(db, (2, "goes"), undone=True)
    async with db.reading() as session:
        assert (await session.execute(select(NOTES.c.id))).scalars().all() == [1]


async def test_a_copy_that_is_refused_is_the_works_own_fault(db: Database) -> None:
    before = DATABASE_ERRORS.labels(db.service, "23")._value.get()
    with pytest.raises(UniqueViolationError) as refused:
        await copied(db, (1, "once"), (1, "twice"))
    assert is_works_own(refused.value)
    assert not is_transient(refused.value)
    assert DATABASE_ERRORS.labels(db.service, "23")._value.get() == before + 1


async def test_a_copy_whose_connection_was_lost_is_worth_trying_again(db: Database) -> None:
    with pytest.raises(Exception) as lost:  # noqa: PT011 -- what it is depends on when it is noticed
        await copied(db, (1, "once"), severed=True)
    assert is_transient(lost.value)
    await copied(db, (1, "once"))


async def test_what_is_fetched_is_of_the_transaction(db: Database) -> None:
    async with db.transaction() as session:
        assert [tuple(row) for row in await fetch(session, COUNTED, [1, 2])] == [(0,)], "it may be the first statement"
        await copy_in(session, NOTES, ("id", "text"), [(1, "a"), (3, "c")])
        assert [tuple(row) for row in await fetch(session, COUNTED, [1, 2])] == [(1,)]


@pytest.mark.parametrize(("begins", "error"), [(True, DBAPIError), (False, DivisionByZeroError)])
async def test_what_a_fetch_is_refused_for_is_counted(db: Database, begins: bool, error: type[Exception]) -> None:
    async def ask() -> None:
        async with db.transaction() as session:
            if not begins:
                await fetch(session, COUNTED, [1])
            await fetch(session, "SELECT 1 / $1::int", 0)

    before = DATABASE_ERRORS.labels(db.service, "22")._value.get()
    with pytest.raises(error) as refused:
        await ask()
    assert is_works_own(refused.value)
    assert DATABASE_ERRORS.labels(db.service, "22")._value.get() == before + 1


@pytest.mark.parametrize("some", [[], [3], [3, 5, 5, 999]])
async def test_among_is_one_of_these(session: WriteSession, some: list[int]) -> None:
    rows = things(10)
    await session.execute(insert_given(THINGS, "id"), parameters_of(rows, "id"))
    found = await session.scalars(select(THINGS.c.id).where(among(THINGS.c.id, [UUID(int=each) for each in some])))
    assert set(found) == {row["id"] for row in rows if row["id"].int in some}


class Notes(DeclarativeBase):
    metadata = NOTES.metadata


class Note(Notes):
    """A note as an object."""

    __table__ = NOTES


async def test_an_object_of_a_row_is_what_a_query_makes_of_it(db: Database) -> None:
    row = {"id": 1, "text": "a"}
    async with db.transaction() as session:
        await copy_in(session, NOTES, tuple(row), [tuple(row.values())])
        read = (await session.scalars(select(Note))).one()
    made = as_read(Note, row)
    assert {name: getattr(made, name) for name in row} == {name: getattr(read, name) for name in row} == row
    made.text = "b"
    assert (made.text, inspect(made).session) == ("b", None)
