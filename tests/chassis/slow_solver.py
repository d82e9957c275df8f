"""A solver for the tests of `chassis.solvers`: it does what the question says."""

import os
import time
from typing import Any


def warm_up() -> None:
    print("a library that prints")  # must not break the frames


def solve(do: str, value: Any = None) -> Any:
    match do:
        case "double":
            return 2 * value
        case "sleep":
            return time.sleep(value)
        case "pid":
            return os.getpid()
        case "die":
            os._exit(1)
    raise ValueError(do)
