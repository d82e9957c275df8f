"""``python -m services.matching.optimiser FILE.min``: solve a DIMACS problem through the engine's own port."""

import argparse
import signal
from pathlib import Path

from services.matching.optimiser.dimacs import NotDimacs, parse
from services.matching.optimiser.flow import CostOverflow, Infeasible, highs, min_cost_flow, network_simplex

SOLVERS = {"simplex": network_simplex, "highs": highs}


def main() -> None:
    """Print the solution in DIMACS format, the cost first."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may stop after the first line
    parser = argparse.ArgumentParser(prog="python -m services.matching.optimiser", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--solver", choices=SOLVERS, default="simplex")
    arguments = parser.parse_args()
    try:
        problem = parse(arguments.file.read_text().splitlines())
        solved = min_cost_flow(problem.network, SOLVERS[arguments.solver])
    except (NotDimacs, Infeasible, CostOverflow, OSError) as error:
        parser.exit(1, f"{error}\n")
    print("\n".join(problem.lines(solved)))


if __name__ == "__main__":
    main()
