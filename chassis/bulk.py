"""Many rows at once: one array a column, unnested by PostgreSQL, or COPY.

One round trip and one plan, whatever the number of rows; an executemany sends each row by itself. COPY takes half the
time of an insert, but only adds: nothing comes back, and no conflict is passed over.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from asyncpg.exceptions import PostgresError
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Table,
    TableValuedAlias,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, class_mapper

DRIVER_FAILED: Final = "driver_failed"
"""In a session's `info`: whom to tell of an error, who says whether the connection is to be given up."""
CONNECTED: Final = "connected"
"""There, too: its connections, until it commits."""
_BEGIN = select(literal(1))
"""SQLAlchemy begins a transaction with its first statement."""

GIVEN_LOCKS: Final = func.unnest(bindparam("locks", type_=ARRAY(BigInteger))).column_valued("lock")
"""Numbers of advisory locks, as they come with the statement in `locks`: all are taken in one."""

Thing = TypeVar("Thing", bound=DeclarativeBase)


def given(table: Table, *names: str) -> TableValuedAlias:
    """Rows of some columns of `table` as they come with the statement: see `parameters`."""
    arrays = (bindparam(_parameter(name), type_=ARRAY(table.c[name].type)) for name in names)
    columns = (column(name, table.c[name].type) for name in names)
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def insert_given(table: Table, *names: str) -> Insert:
    """An insert of the given rows, in their order; the other columns take their defaults."""
    rows = given(table, *names)
    return insert(table).from_select(list(names), select(*(rows.c[name] for name in names)))


def among(column: ColumnElement[Any] | InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column's value is one of these: one array, where `in_` writes a text of so many parameters anew."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def parameters(columns: Mapping[str, Collection[Any]]) -> dict[str, list[Any]]:
    """The parameters of a statement over `given`: one list a column, all of one length."""
    return {_parameter(name): list(values) for name, values in columns.items()}


def parameters_of(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[str, list[Any]]:
    """The same from rows."""
    return {_parameter(name): [row[name] for row in rows] for name in names}


def as_read(of: type[Thing], row: Mapping[str, Any]) -> Thing:
    """The object of a row that is there, by the names of its attributes: as a query would make it, of no session.

    Its constructor sets one instrumented attribute after the other, which took a quarter of an import's time.
    """
    thing: Thing = class_mapper(of).class_manager.new_instance()
    thing.__dict__.update(row)
    return thing


async def copy_in(session: AsyncSession, table: Table, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Add these rows, the values of each in the order of `names`; ids may be text. Other columns take their defaults.

    Raises what asyncpg does.
    """
    async with _driver(session) as driver:
        await driver.copy_records_to_table(table.name, columns=names, records=rows)


async def fetch(session: AsyncSession, statement: str, *values: object) -> list[Any]:
    """The rows of a statement in asyncpg's own words ($1, …), for the smallest on hot paths, which take three times as
    long with SQLAlchemy. What the session has not flushed yet they don't see. Raises what asyncpg does; where it is the
    transaction's first statement, what SQLAlchemy does."""
    connection, driver = await _connected(session)
    if not driver.is_in_transaction():
        return list((await connection.exec_driver_sql(statement, values)).all())
    async with _told(session, connection):
        rows: list[Any] = await driver.fetch(statement, *values)
    return rows


@asynccontextmanager
async def _driver(session: AsyncSession) -> AsyncIterator[Any]:
    """asyncpg's connection, in the session's transaction."""
    connection, driver = await _connected(session)
    if not driver.is_in_transaction():
        await connection.execute(_BEGIN)
    async with _told(session, connection):
        yield driver


async def _connected(session: AsyncSession) -> tuple[AsyncConnection, Any]:
    """The session's connection and asyncpg's; it keeps them to its commit, for asking takes two turns of greenlets."""
    if CONNECTED not in session.info:
        connection = await session.connection()
        session.info[CONNECTED] = connection, (await connection.get_raw_connection()).driver_connection
    connected: tuple[AsyncConnection, Any] = session.info[CONNECTED]
    return connected


@asynccontextmanager
async def _told(session: AsyncSession, connection: AsyncConnection) -> AsyncIterator[None]:
    """Nothing of SQLAlchemy stands between, so the session's database is told of an error here."""
    try:
        yield
    except PostgresError as error:
        if session.info[DRIVER_FAILED](error):
            await connection.invalidate(error)
        raise


def _parameter(name: str) -> str:
    return f"given_{name}"  # an update keeps the columns' own names to itself
