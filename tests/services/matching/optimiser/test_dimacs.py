import os
import subprocess
import sys
from csv import DictReader
from pathlib import Path

import pytest

from services.matching.optimiser.dimacs import NotDimacs, parse
from services.matching.optimiser.flow import Solver, highs, min_cost_flow, network_simplex

# The example of the format's own description: 4 units from 1 to 4, the cheapest way costs 14.
EXAMPLE = """c A flow problem
p min 4 5
n 1 4
n 4 -4
a 1 2 0 4 2
a 1 3 0 2 2
a 2 3 0 2 1
a 2 4 0 3 3
a 3 4 0 5 1
"""


@pytest.mark.parametrize("solver", [network_simplex, highs])
def test_the_example_of_the_format_costs_14(solver: Solver) -> None:
    problem = parse(EXAMPLE.splitlines())
    assert problem.cost(min_cost_flow(problem.network, solver)) == 14


def test_a_lower_bound_is_kept_and_paid_for() -> None:
    forced = parse(EXAMPLE.replace("a 2 4 0 3 3", "a 2 4 3 3 3").splitlines())
    lines = list(forced.lines(min_cost_flow(forced.network)))
    assert lines[0] == "s 18"
    assert "f 2 4 3" in lines


@pytest.mark.parametrize(
    "text",
    ["p max 1 0", "p min 2 1\na 1 3 0 1 1", "p min 2 1\na 1 2 0 one 1", "p min 2 2\na 1 2 0 1 1", "p min 2 0\nn 3 1"],
)
def test_what_is_not_the_format_is_refused(text: str) -> None:
    with pytest.raises(NotDimacs):
        parse(text.splitlines())


def run(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.matching.optimiser", str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_prints_the_cost_and_the_flow(tmp_path: Path) -> None:
    file = tmp_path / "example.min"
    file.write_text(EXAMPLE)
    for solver in ("simplex", "highs"):
        done = run(file, "--solver", solver)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "s 14")
        assert all(line.startswith("f ") for line in done.stdout.splitlines()[1:])


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "broken.min"
    file.write_text("p min 2 0\nn 1 5\nn 2 -5\n")
    done = run(file)
    assert done.returncode == 1
    assert "no arcs" in done.stderr


CARRIED = Path(__file__).parent / "flows"  # a few of the set; DUIJIE_DATA_FLOWS names a folder with more


def published() -> list[tuple[Path, int]]:
    """Instances by NETGEN, as published, and the proven cost of each."""
    found: dict[str, tuple[Path, int]] = {}
    for folder in [CARRIED, *map(Path, filter(None, [os.environ.get("DUIJIE_DATA_FLOWS")]))]:
        with (folder / "optimal_cost.csv").open(encoding="ascii") as rows:
            for row in DictReader(rows):
                found[row["name"]] = folder / f"{row['name']}.min", int(row["optimal_cost"])
    return list(found.values())


@pytest.mark.parametrize(("file", "cost"), [pytest.param(*each, id=each[0].stem) for each in published()])
def test_a_published_instance_costs_its_proven_optimum_by_the_port_and_by_the_command(file: Path, cost: int) -> None:
    problem = parse(file.read_text(encoding="ascii").splitlines())
    for solver in (network_simplex, highs):
        assert problem.cost(min_cost_flow(problem.network, solver)) == cost
    done = run(file)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"s {cost}")
