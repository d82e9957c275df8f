"""Routes through VROOM's door against the best solutions known: Solomon's and Li and Lim's instances of 100 customers.

Ours is `POST /v1/routes/solve` of `duijie serve logistics`: problem JSON in, solution JSON out, checked before it
leaves. A figure is the mean gap of a family; a solution that leaves a stop out has none. The best known have the fewest
vehicles first, ours the least distance, so ours may have more vehicles and less distance than they.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.harness import Bar, Outcome, Plan, Side, main
from bench.house import Client, House, house
from bench.servers import postgres
from bench.vroom_problems import Published, published

BARS = (
    Bar("routes", "Solomon, 100 customers, 0.5 s each: over the best distance known", None, "%", 2.5, 1.63, "less"),
    Bar("routes_10s", "the same, 10 s each", None, "%", 1.0, 0.5, "less"),
    Bar("routes_pairs", "Li and Lim, 50 pairs, 10 s each: over the best distance known", None, "%", 5.0, 1.0, "less"),
)


def mean_gap_percent(client: Client, told: House, instances: Sequence[Published], limit_s: float) -> float:
    """Solve each once; prints what came of it."""
    gaps = []
    for instance in instances:
        path = f"/v1/routes/solve?limit_s={limit_s}"
        solution = client.must(200, "POST", path, told.caller("carrier"), instance.problem)
        assert not solution["unassigned"], instance.name
        gaps.append(instance.gap_percent(solution))
        vehicles = f"{solution['summary']['routes']} vehicles (best known: {instance.best_vehicles})"
        print(f"{instance.name}: {gaps[-1]:+.2f} % in {limit_s:g} s, {vehicles}", flush=True)
    return statistics.mean(gaps)


async def program(plan: Plan) -> Sequence[Outcome]:
    solomon, li_lim = published("solomon"), published("li_lim")
    short, long, pairs = Side(), Side(), Side()
    few = plan.pick(9, 1)
    async with postgres("logistics") as server:
        with house(server) as told, told.running("serve", "logistics") as api, Client(api.url) as client:
            mean_gap_percent(client, told, solomon[:1], 0.5)  # the solver's process has begun then
            for _ in range(plan.repeats):
                short.add(mean_gap_percent(client, told, solomon[:few], 0.5))
            long.add(mean_gap_percent(client, told, solomon[:few], plan.pick(10, 1)))
            pairs.add(mean_gap_percent(client, told, li_lim[:few], plan.pick(10, 1)))
    return [Outcome(bar, side) for bar, side in zip(BARS, (short, long, pairs), strict=True)]


if __name__ == "__main__":
    main(program)
