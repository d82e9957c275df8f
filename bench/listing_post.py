"""Listing POST, durable, with outbox, against the slower of pgbench writing its two rows and the app only validating.

`duijie serve listing` answers at its own port, its token cached, over 64 connections. `pgbench` inserts the same
listing and the same event in one transaction each, prepared, over 32 connections to the same server; the other peer is
the same application with nothing behind the validation. Of both the slower counts, in each repeat. Afterwards every
listing that was answered for is there, and its event.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile

from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.house import House, Running, house
from bench.load import closed_loop, post
from bench.lots import LOT, counted, emptied, inserting, the_two_rows
from bench.servers import postgres
from duijie.postgres import EmbeddedPostgres, programs

BARS = (
    Bar(
        "listing_post",
        "listing POST, durable, with outbox, 64 connections",
        "the slower of pgbench inserting the same two rows and the app validating only",
        "listings/s",
        0.30,
        0.50,
        "more",
    ),
)
CONNECTIONS = 64
CLIENTS = 32
SERVICE = "listing"
DONE = re.compile(r"transactions actually processed: (\d+)/")


async def posted(at: House, url: str, count: int, pids: tuple[int, ...]) -> Measured:
    """So many listings of one producer."""
    request = post(url, "/v1/listings", at.caller("producer"), LOT)
    watch = Stopwatch(*pids)
    answers = await closed_loop(url, [request] * count, CONNECTIONS)
    measured = watch.stop(count)
    assert answers.statuses == {201: count}, f"{answers.statuses}: {answers.odd}"
    return measured


async def inserted(server: EmbeddedPostgres, script: str, count: int) -> Measured:
    """The same rows by pgbench."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        each = max(1, count // CLIENTS)
        options = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-t", str(each), "-f", file.name]
        watch = Stopwatch(server.pid, os.getpid())
        process = await asyncio.create_subprocess_exec(
            str(programs() / "bin" / "pgbench"),
            *options,
            server.url(SERVICE).replace("+asyncpg", ""),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    done = DONE.search(said.decode())
    assert done is not None, said.decode()
    assert int(done[1]) == each * CLIENTS, said.decode()
    return watch.stop(each * CLIENTS)


async def scripted(at: House, api: Running, server: EmbeddedPostgres) -> str:
    """What pgbench runs: the two rows that a POST of this lot leaves."""
    await posted(at, api.url, 1, (api.pid,))
    listing, event = await the_two_rows(server)
    statements = [inserting("listings", listing, id="gen_random_uuid()"), inserting("outbox", event)]
    return "\n".join(["BEGIN;", *statements, "COMMIT;", ""])


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(10_000, 320)
    async with postgres(SERVICE) as server:
        with (
            house(server) as at,
            at.running("serve", SERVICE) as api,
            at.running_program([sys.executable, "-m", "bench.validating"]) as validating,
        ):
            script = await scripted(at, api, server)

            async def ours(_: int) -> Measured:
                await emptied(server)
                measured = await posted(at, api.url, count, (api.pid, server.pid))
                assert await counted(server) == (count, count), "not all that was answered for is there"
                return measured

            async def slower(_: int) -> Measured:
                await emptied(server)
                written = await inserted(server, script, count)
                validated = await posted(at, validating.url, count, (validating.pid,))
                return min(written, validated, key=lambda each: each.rate)

            sides = await interleave(plan.repeats, ours, slower)
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
