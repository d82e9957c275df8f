"""Many rows in one statement: one array a column, unnested by PostgreSQL.

One round trip and one plan, whatever the number of rows; an executemany sends each row by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Table, TableValuedAlias, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import Insert, insert


def given(table: Table, *names: str) -> TableValuedAlias:
    """Rows of some columns of `table` as they come with the statement: see `parameters`."""
    arrays = (bindparam(_parameter(name), type_=ARRAY(table.c[name].type)) for name in names)
    columns = (column(name, table.c[name].type) for name in names)
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def insert_given(table: Table, *names: str) -> Insert:
    """An insert of the given rows, in their order; the other columns take their defaults."""
    rows = given(table, *names)
    return insert(table).from_select(list(names), select(*(rows.c[name] for name in names)))


def parameters(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The parameters of a statement over `given`: one list a column, all of one length."""
    return {_parameter(name): list(values) for name, values in columns.items()}


def parameters_of(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[str, list[Any]]:
    """The same from rows."""
    return {_parameter(name): [row[name] for row in rows] for name in names}


def _parameter(name: str) -> str:
    return f"given_{name}"  # an update keeps the columns' own names to itself
