"""Start of one service to its first durable 2xx, against bare uvicorn + FastAPI + asyncpg pool; and of standalone.

The clock starts with the process and ends with the answer to a write: a listing posted to `duijie serve listing` on a
migrated database; a row inserted by `bench/bare.py`. Both are asked until they answer, over a new connection each time.
Standalone (`duijie up`) is started on an empty folder, where it makes its database, and again on the same; its write
goes through the gateway. Every start happens in turns, and once before for nothing, so that files are in the cache.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg

from bench.harness import Bar, Outcome, Plan, Side, cpu_s, main
from bench.house import DUIJIE, Client, House, end, house, spawn
from bench.servers import folder, postgres
from duijie.datafolder import DataFolder
from duijie.postgres import EmbeddedPostgres, free_port
from duijie.store import Secrets

BARS = (
    Bar(
        "startup",
        "start of `duijie serve listing` to its first durable 2xx",
        "bare uvicorn + FastAPI + asyncpg pool, to its first insert",
        "s",
        4.0,
        2.0,
        "less",
    ),
    Bar(
        "standalone_first", "first start of `duijie up`, on an empty folder, to a durable 2xx", None, "s", 8, 4, "less"
    ),
    Bar("standalone_later", "later start of `duijie up` to a durable 2xx", None, "s", 5, 2, "less"),
)

WITHIN_S = 120
ASK_EVERY_S = 0.005
LISTING = {
    "produce": "strawberry",
    "quantity_kg": 100,
    "min_price_fen_per_kg": 1600,
    "origin": {"adcode": "321323"},
}
Write = Callable[[str], None]


class NotYet(Exception):
    """It does not answer, or cannot write yet."""


def timed(command: list[str], environment: Mapping[str, str], port: int, write: Write, side: Side) -> None:
    """Start it, ask it until it has written, end it."""
    started_s = time.perf_counter()
    process = spawn(command, environment)
    try:
        ask_until_answered(process, port, write)
        side.add(time.perf_counter() - started_s, 1000 * cpu_s(process.pid))
    finally:
        end(process)


def ask_until_answered(process: subprocess.Popen[str], port: int, write: Write) -> None:
    """Return when it has written; with what was last in the way when it ends before, or takes too long."""
    give_up_s = time.perf_counter() + WITHIN_S
    while True:
        try:
            return write(f"http://127.0.0.1:{port}")
        except (OSError, NotYet):
            if process.poll() is not None or time.perf_counter() > give_up_s:
                raise
            time.sleep(ASK_EVERY_S)


def post(url: str, path: str, headers: Mapping[str, str], body: object) -> None:
    with Client(url) as client:
        status, _ = client.ask("POST", path, headers, body)
        if status != 201:
            raise NotYet(f"{path} answered {status}")


def start_listing(told: House, side: Side) -> None:
    port, producer = free_port(), told.caller("producer")
    environment = told.environment | {"DUIJIE_PORT": str(port)}
    timed(
        [*DUIJIE, "serve", "listing"],
        environment,
        port,
        lambda url: post(url, "/v1/listings", producer, LISTING),
        side,
    )


def start_bare(told: House, server: EmbeddedPostgres, side: Side) -> None:
    port = free_port()
    command = [sys.executable, "-m", "bench.bare", str(port), server.superuser_dsn("listing")]
    timed(command, told.environment, port, lambda url: post(url, "/rows", {}, {"text": "a row"}), side)


def start_standalone(data: Path, told: House, side: Side) -> None:
    """The token is signed with the key that standalone makes for itself, so not before it has."""
    port = free_port()

    def write(url: str) -> None:
        with Client(url) as client:
            client.must(200, "GET", "/healthz", {})
        signer = Secrets.of(DataFolder(data)).signer
        token = signer.sign(uuid4(), "producer", timedelta(hours=1))
        post(url, "/v1/listings", {"Authorization": f"Bearer {token}"}, LISTING)

    timed([*DUIJIE, "up", "--port", str(port), "--data", str(data)], told.environment, port, write, side)


def start_twice(told: House, first: Side, later: Side) -> None:
    with folder() as place:
        data = place / "data"
        start_standalone(data, told, first)
        start_standalone(data, told, later)


async def program(plan: Plan) -> list[Outcome]:
    service, bare, first, later, nothing = Side(), Side(), Side(), Side(), Side()
    async with postgres("listing") as server:
        connection = await asyncpg.connect(server.superuser_dsn("listing"), ssl=False)
        await connection.execute("CREATE TABLE bench_rows (id bigserial PRIMARY KEY, text text NOT NULL)")
        await connection.close()
        with house(server) as told:
            start_listing(told, nothing)
            start_bare(told, server, nothing)
            for _ in range(plan.repeats):
                start_listing(told, service)
                start_bare(told, server, bare)
            start_twice(told, nothing if plan.repeats > 1 else first, nothing if plan.repeats > 1 else later)
            for _ in range(plan.repeats if plan.repeats > 1 else 0):
                start_twice(told, first, later)
    return [Outcome(BARS[0], service, bare), Outcome(BARS[1], first), Outcome(BARS[2], later)]


if __name__ == "__main__":
    main(program)
