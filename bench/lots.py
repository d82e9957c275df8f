"""Listings as producers post them, and the two rows that one leaves in the database, for peers that write no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from duijie.postgres import EmbeddedPostgres

LOT = {
    "produce": "strawberry",
    "variety": "红颜",
    "grade": "A",
    "quantity_kg": 1200,
    "min_price_fen_per_kg": 1600,
    "origin": {"adcode": "321323", "lon": 118.69, "lat": 33.72},
    "households": 12,
    "story": "清晨采摘，当天发出。",
}
ROWS = "SELECT * FROM {} ORDER BY id LIMIT 1"


async def connected(server: EmbeddedPostgres) -> asyncpg.Connection:
    return await asyncpg.connect(server.url("listing").replace("+asyncpg", ""), ssl=False)


async def emptied(server: EmbeddedPostgres) -> None:
    """Each turn begins with as much to write into."""
    connection = await connected(server)
    try:
        await connection.execute("TRUNCATE listings, outbox, imports CASCADE")
    finally:
        await connection.close()


async def counted(server: EmbeddedPostgres) -> tuple[int, int]:
    """Listings and events that are there."""
    connection = await connected(server)
    try:
        row = await connection.fetchrow("SELECT (SELECT count(*) FROM listings), (SELECT count(*) FROM outbox)")
    finally:
        await connection.close()
    assert row is not None
    return row[0], row[1]


async def the_two_rows(server: EmbeddedPostgres) -> tuple[dict[str, Any], dict[str, Any]]:
    """A listing and its event, as the service wrote them."""
    connection = await connected(server)
    try:
        rows = [await connection.fetchrow(ROWS.format(table)) for table in ("listings", "outbox")]
    finally:
        await connection.close()
    listing, event = (dict(row) for row in rows if row is not None)
    del event["id"], event["created_at"]
    return listing, event


def inserting(table: str, row: Mapping[str, Any], **made: str) -> str:
    """The statement that writes such a row, with `made` for some columns; nothing in it looks like a variable."""
    values = {name: _literal(value) for name, value in row.items()} | made
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())});"


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(value)
        case bytes():
            return rf"'\x{value.hex()}'"
        case UUID():
            return f"'{value}'"
        case datetime():
            return f"to_timestamp({value.timestamp()})"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def unnesting(table: str, types: Mapping[str, str]) -> str:
    """The statement that writes as many such rows as its arrays hold."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types.values(), 1))
    return f"INSERT INTO {table} ({', '.join(types)}) SELECT * FROM unnest({arrays})"


async def types_of(connection: asyncpg.Connection, table: str, columns: Sequence[str]) -> dict[str, str]:
    """The columns of a table and their types, in this order."""
    found = await connection.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass",
        table,
    )
    types = {row["attname"]: row["type"] for row in found}
    return {name: types[name] for name in columns}
