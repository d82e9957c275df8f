"""Many rows at once: one array a column, unnested by PostgreSQL, or COPY.

One round trip and one plan, whatever the number of rows; an executemany sends each row by itself. COPY takes half the
time of an insert, but only adds: nothing comes back, and no conflict is passed over.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from asyncpg.exceptions import PostgresError
from sqlalchemy import ARRAY, ColumnElement, Table, TableValuedAlias, any_, bindparam, column, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, class_mapper

COPY_FAILED: Final = "copy_failed"
"""In a session's `info`: whom to tell of an error, who says whether the connection is to be given up."""
_BEGIN = select(literal(1))
"""SQLAlchemy begins a transaction with its first statement."""

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

    Raises what asyncpg does: nothing of SQLAlchemy stands between, so the session's database is told of it here.
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    if not driver.is_in_transaction():
        await connection.execute(_BEGIN)
    try:
        await driver.copy_records_to_table(table.name, columns=names, records=rows)
    except PostgresError as error:
        if session.info[COPY_FAILED](error):
            await connection.invalidate(error)
        raise


def _parameter(name: str) -> str:
    return f"given_{name}"  # an update keeps the columns' own names to itself
