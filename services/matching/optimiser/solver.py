"""What the rounds' own process runs; imported there alone, for it loads the solver."""

import pylmcf  # noqa: F401  loaded now, for the first round would otherwise wait for it
import scipy.spatial  # noqa: F401

from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import POLICY_1, Policy


def solve(market: Market, policy: Policy, now_us: int, limits: Limits | None = None) -> Plan:
    return clear(market, policy, now_us, limits)


def warm_up() -> None:
    """Clear a market of nothing, which finds an engine that cannot be loaded before a round does."""
    solve(Market.of([], []), POLICY_1, now_us=0)
