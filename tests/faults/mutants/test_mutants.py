"""Every deliberate bug is caught, by the invariant that it breaks; and without a bug nothing is."""

import os
import time

import pytest

from tests.faults.kit.scenarios import CONTROL, SCENARIOS, play
from tests.faults.mutant import MUTANTS
from tests.support.postgres import temporary_folder

SEED = int(os.environ.get("FAULTS_SEED", "1"))


def test_every_bug_has_its_scenario() -> None:
    assert MUTANTS.keys() == SCENARIOS.keys() - {"new-key-on-retry"}, "the last one is the load's own"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_caught(name: str) -> None:
    scenario = SCENARIOS[name]
    began_s = time.monotonic()
    with temporary_folder() as folder:
        result = play(scenario, folder, SEED)
    caught = scenario.complaints(result)
    evidence = next((each for each in result.findings.violations if each.partition(":")[0] in caught), "")
    print(f"\n{name}: caught by {', '.join(sorted(caught)) or 'nobody'} in {time.monotonic() - began_s:.0f} s")
    print(f"  {evidence[:300]}", flush=True)
    assert "still not quiet" not in str(result.findings.violations), "what is only late proves nothing"
    assert caught, result.table()


@pytest.mark.timeout(240)
def test_without_a_bug_nobody_complains() -> None:
    with temporary_folder() as folder:
        result = play(CONTROL, folder, SEED)
    assert not result.findings.violations, result.table()
