"""Import of 100 listings a call against raw `unnest` inserts of the same rows.

One caller sends file after file (NDJSON) to `duijie serve listing` at its own port, and reads each answer to its end.
The peer writes the 100 listings and their 100 events, made before the clock starts, in one transaction a call over one
connection of asyncpg: two statements, one array a column. Afterwards each row that was answered for is there, and its
event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.house import House, Running, house
from bench.load import closed_loop, post_bytes
from bench.lots import LOT, connected, counted, emptied, the_two_rows, types_of, unnesting
from bench.servers import postgres
from duijie.postgres import EmbeddedPostgres

BARS = (
    Bar(
        "listing_import",
        "import of 100 listings a call",
        "raw `unnest` insert of the same rows",
        "rows/s",
        0.40,
        0.75,
        "more",
    ),
)
ROWS = 100
SERVICE = "listing"
FILE = (json.dumps(LOT, ensure_ascii=False) + "\n").encode() * ROWS


async def imported(at: House, api: Running, server: EmbeddedPostgres, calls: int) -> Measured:
    producer = at.caller("producer")
    requests = [
        post_bytes(
            api.url,
            "/v1/listings/import",
            producer | {"Idempotency-Key": uuid4().hex},
            FILE,
            "application/x-ndjson",
        )
        for _ in range(calls)
    ]
    watch = Stopwatch(api.pid, server.pid)
    answers = await closed_loop(api.url, requests, 1)
    measured = watch.stop(calls * ROWS)
    assert answers.statuses == {200: calls}, f"{answers.statuses}: {answers.odd}"
    assert await counted(server) == (calls * ROWS, calls * ROWS), "not every row is there with its event"
    return measured


async def inserted(
    server: EmbeddedPostgres, listing: Mapping[str, Any], event: Mapping[str, Any], calls: int
) -> Measured:
    connection = await connected(server)
    try:
        statements = [
            unnesting(table, await types_of(connection, table, list(row)))
            for table, row in (("listings", listing), ("outbox", event))
        ]
        listings, events = [await connection.prepare(each) for each in statements]
        of_events = _columns([event] * ROWS)
        ready = [_columns([{**listing, "id": uuid4()} for _ in range(ROWS)]) for _ in range(calls)]
        watch = Stopwatch(server.pid)
        for of_listings in ready:
            async with connection.transaction():
                await listings.fetch(*of_listings)
                await events.fetch(*of_events)
        return watch.stop(calls * ROWS)
    finally:
        await connection.close()


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*(row.values() for row in rows), strict=True)]


async def program(plan: Plan) -> list[Outcome]:
    calls = plan.pick(300, 5)
    async with postgres(SERVICE) as server:
        with house(server) as at, at.running("serve", SERVICE) as api:
            await imported(at, api, server, 1)
            listing, event = await the_two_rows(server)

            async def ours(_: int) -> Measured:
                await emptied(server)
                return await imported(at, api, server, calls)

            async def raw(_: int) -> Measured:
                await emptied(server)
                return await inserted(server, listing, event, calls)

            sides = await interleave(plan.repeats, ours, raw)
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
