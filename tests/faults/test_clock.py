"""One service's clock is a day off: it may refuse, but nothing false is committed: the database's decides."""

import sys
from datetime import timedelta

import pytest

from tests.faults.kit.scenarios import SCALE, nothing, play_over
from tests.support.postgres import temporary_folder

DAY_S = timedelta(days=1).total_seconds()
REFUSALS = "answers"


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("service", "off_s"), [("listing", DAY_S), ("matching", -DAY_S)], ids=["listing, tomorrow", "matching, yesterday"]
)
def test_a_clock_that_is_a_day_off_makes_nothing_false(service: str, off_s: float) -> None:
    wrapper = (sys.executable, "-m", "tests.faults.clock", str(off_s))
    where = [f"{command} {service}" for command in ("serve", "work")]
    with temporary_folder() as folder:
        # tokens outlast the day, or a service of tomorrow would refuse everything and prove little
        result = play_over(folder, 1, nothing, SCALE, wrapped=dict.fromkeys(where, wrapper), token_hours=72)
    print(f"\n{service}, {off_s:+.0f} s: {sum(result.outcomes.values())} outcomes {dict(result.outcomes)}")
    wrong = [each for each in result.findings.violations if not each.startswith(REFUSALS)]
    assert not wrong, result.table()
