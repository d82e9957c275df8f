"""Memory of each idle process: `duijie serve` and `duijie work` of every service, beside a bare FastAPI with asyncpg.

All run apart over PostgreSQL and Kafka. Resident memory is what counts, and it counts shared pages in full. An API has
answered a request before, so that what is made at the first one is there; then each has had seconds to itself. Solver
processes are children of their service, with a line of their own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import ExitStack

import asyncpg

from bench.harness import Bar, Outcome, Plan, Side, descendants, main, memory_mb
from bench.house import SERVICES, Client, House, end, house, spawn
from bench.servers import kafka, postgres
from bench.startup import ask_until_answered, post
from duijie.postgres import EmbeddedPostgres, free_port

FIRST_MB, AIM_MB = 120, 90
BARE = "bare FastAPI + asyncpg"


def bar(name: str, ours: str) -> Bar:
    return Bar(name, ours, BARE, "MB", FIRST_MB, AIM_MB, "less", absolute=True)


PROCESSES = tuple((command, service) for service in SERVICES for command in ("serve", "work"))
BARS = (
    bar("memory", "the largest idle process of a service"),
    *(bar(f"memory_{command}_{service}", f"`duijie {command} {service}`, idle") for command, service in PROCESSES),
    bar("memory_solver", "a child of `duijie work matching` that solves rounds, idle"),
)


def measure(pids: Mapping[str, int], sides: Mapping[str, Side]) -> None:
    for name, pid in pids.items():
        resident_mb, _ = memory_mb(pid)
        sides[name].add(resident_mb)


def start_all(told: House, server: EmbeddedPostgres, plan: Plan, stack: ExitStack) -> dict[str, int]:
    """Every process by the name of its bar, each having answered once; of a smoke run matching's alone."""
    pids = {}
    for command, service in PROCESSES:
        if plan.smoke and service != "matching":
            continue
        running = stack.enter_context(told.running(command, service))
        with Client(running.url) as client:
            client.must(200, "GET", "/readyz", {})
        pids[f"memory_{command}_{service}"] = running.pid
    pids["memory_solver"] = descendants(pids["memory_work_matching"])[0]
    pids[BARE] = start_bare(told, server, stack)
    return pids


def start_bare(told: House, server: EmbeddedPostgres, stack: ExitStack) -> int:
    port = free_port()
    process = spawn([sys.executable, "-m", "bench.bare", str(port), server.superuser_dsn("listing")], told.environment)
    stack.callback(end, process)
    ask_until_answered(process, port, lambda url: post(url, "/rows", {}, {"text": "a row"}))
    return process.pid


async def program(plan: Plan) -> list[Outcome]:
    sides = {name: Side() for name in [*(each.name for each in BARS), BARE]}
    async with postgres(*SERVICES) as server, kafka() as broker:
        connection = await asyncpg.connect(server.superuser_dsn("listing"), ssl=False)
        await connection.execute("CREATE TABLE bench_rows (id bigserial PRIMARY KEY, text text NOT NULL)")
        await connection.close()
        with house(server, broker) as told, ExitStack() as stack:
            told.run("topics", "apply")
            pids = await asyncio.to_thread(start_all, told, server, plan, stack)
            for _ in range(plan.repeats):
                await asyncio.sleep(plan.pick(5, 1))
                measure(pids, sides)
    services = [side for name, side in sides.items() if name in pids and name not in ("memory_solver", BARE)]
    sides["memory"] = max(services, key=lambda side: side.median)
    return [Outcome(each, sides[each.name], sides[BARE]) for each in BARS if sides[each.name].values]


if __name__ == "__main__":
    main(program)
