"""What Prometheus hears of rounds and of matches that wait."""

import pytest
from prometheus_client import REGISTRY

from chassis.solvers import SolverFailed
from services.matching.matches import service as matches
from services.matching.optimiser.plan import Plan
from services.matching.rounds import service as rounds
from services.matching.rounds.models import SolverUnavailable
from services.matching.rounds.pool import SolverPool
from tests.services.matching.scene import Scene


class Broken(SolverPool):
    async def clear(self, *market: object, **how: object) -> Plan:
        raise SolverFailed("as planned")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"duijie_{name}", labels) or 0.0


def counted() -> dict[str, float]:
    names = ("round_seconds_count", "round_value_fen_total", "round_matches_total", "round_matches_skipped_total")
    outcomes = {each: value("rounds_total", outcome=each) for each in ("matched", "empty", "failed")}
    return outcomes | {name: value(name) for name in (*names, "holds_lapsed_total")}


async def test_rounds_and_holds_are_counted(scene: Scene) -> None:
    await scene.lot(auto_agree=False, min_price_fen_per_kg=1600)
    await scene.order(quantity_kg=100)
    before = counted()
    cleared = await scene.round()
    with pytest.raises(SolverUnavailable):
        await rounds.clear_now(scene.db, Broken(), "strawberry")
    await matches.count_holds(scene.db)
    assert value("holds_waiting") == 1
    await scene.let_deadlines_pass()
    await matches.release_lapsed(scene.db)
    await matches.count_holds(scene.db)
    assert value("holds_waiting") == 0
    assert (await scene.round()).matches == 0
    more = {name: now - before[name] for name, now in counted().items()}
    assert (more["matched"], more["empty"], more["failed"]) == (1, 1, 1)
    assert (more["round_seconds_count"], more["round_matches_total"], more["holds_lapsed_total"]) == (2, 1, 1)
    assert more["round_value_fen_total"] == pytest.approx(float(cleared.value_mfen) / 1000)
    assert value("round_gap") == 0
