"""What the rounds' own process runs; imported there alone, for it loads the solver."""

from collections.abc import Callable
from typing import TypeVar

import pylmcf  # noqa: F401  loaded now, for the first round would otherwise wait for it
import scipy.spatial  # noqa: F401

from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import POLICY_1

Answer = TypeVar("Answer")


def solve(do: Callable[..., Answer], *question: object) -> Answer:
    """`do` is one of the engine's functions: `clear`, `clear_or_divide`, `explain`."""
    return do(*question)


def warm_up() -> None:
    """Clear a market of nothing, which finds an engine that cannot be loaded before a round does."""
    clear(Market.of([], []), POLICY_1, now_us=0)
