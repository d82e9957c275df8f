"""p99 of a listing POST at 70 % of its own maximum: an open loop, corrected for coordinated omission.

The maximum is what `duijie serve listing` answers at its own port over 64 connections in a closed loop, just before.
Then requests are due at even moments, seven tenths as many a second, and each one's time runs from the moment that it
was due, sent or not. Every listing that was answered for is there.
"""

from __future__ import annotations

from bench.harness import Bar, Outcome, Plan, Side, Stopwatch, main, percentile
from bench.house import House, Running, house
from bench.load import closed_loop, open_loop, post
from bench.lots import LOT, counted, emptied
from bench.servers import postgres
from duijie.postgres import EmbeddedPostgres
from duijie.running import tune_memory

BARS = (
    Bar(
        "listing_p99",
        "listing POST, p99 at 70 % of its own maximum, open loop",
        None,
        "ms",
        50,
        15,
        "less",
    ),
)
CONNECTIONS = 64
SHARE = 0.7
SERVICE = "listing"


async def maximum(at: House, api: Running, server: EmbeddedPostgres, count: int) -> float:
    """Answers a second in a closed loop."""
    await emptied(server)
    request = post(api.url, "/v1/listings", at.caller("producer"), LOT)
    watch = Stopwatch()
    answers = await closed_loop(api.url, [request] * count, CONNECTIONS)
    measured = watch.stop(count)
    assert answers.statuses == {201: count}, f"{answers.statuses}: {answers.odd}"
    return measured.rate


async def p99_ms(at: House, api: Running, server: EmbeddedPostgres, rate: float, count: int) -> tuple[float, float]:
    """And the CPU of 1,000."""
    await emptied(server)
    request = post(api.url, "/v1/listings", at.caller("producer"), LOT)
    watch = Stopwatch(api.pid, server.pid)
    answers, took_s = await open_loop(api.url, [request] * count, CONNECTIONS, rate)
    measured = watch.stop(count)
    assert answers.statuses == {201: count}, f"{answers.statuses}: {answers.odd}"
    assert await counted(server) == (count, count), "not all that was answered for is there"
    return 1000 * percentile(took_s, 0.99), measured.cpu_s_per_1000


async def program(plan: Plan) -> list[Outcome]:
    to_know, seconds = plan.pick(5_000, 200), plan.pick(10, 1)
    side = Side()
    tune_memory()
    async with postgres(SERVICE) as server:
        with house(server) as at, at.running("serve", SERVICE) as api:
            await maximum(at, api, server, to_know)
            for _ in range(plan.repeats):
                rate = SHARE * await maximum(at, api, server, to_know)
                side.add(*await p99_ms(at, api, server, rate, int(rate * seconds)))
    return [Outcome(BARS[0], side)]


if __name__ == "__main__":
    main(program)
