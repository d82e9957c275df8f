"""The gate: real processes, real PostgreSQL, real Apache Kafka, a seeded load, and everything that can break them.

`FAULTS_SEED=7 make faults` repeats the decisions of seed 7; what the machine does in between is its own affair.
"""

import os
import secrets

import pytest

from tests.faults.kit.gate import run_gate
from tests.faults.kit.scenarios import SCENARIOS, play
from tests.support.postgres import temporary_folder


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_happens_twice_whatever_is_killed() -> None:
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(1_000_000))
    print(f"\nFAULTS_SEED={seed}", flush=True)
    with temporary_folder() as folder:
        result = run_gate(folder, seed)
    print(result.table(), flush=True)
    assert not result.findings.violations, f"seed {seed}"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["offset-before-effect", "balance-read-then-written"])
def test_the_gate_can_fail(name: str) -> None:
    """Two of the deliberate bugs; `make mutants` has them all."""
    scenario = SCENARIOS[name]
    with temporary_folder() as folder:
        result = play(scenario, folder, seed=1)
    caught = scenario.complaints(result)
    print(f"\n{name}: caught by {', '.join(sorted(caught)) or 'nobody'}", flush=True)
    assert "still not quiet" not in str(result.findings.violations), "what is only late proves nothing"
    assert caught, result.table()
