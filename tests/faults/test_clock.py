"""One service's clock is a day off: it may refuse, but nothing false is committed: the database's decides."""

import sys
from datetime import timedelta

import pytest

from tests.faults.kit.gate import kept_logs
from tests.faults.kit.scenarios import SCALE, nothing, play_over
from tests.support.postgres import temporary_folder

DAY_S = timedelta(days=1).total_seconds()
REFUSALS = "answers"
WORKED = ("I4", "I6", "I7", "I8")  # money, listings, books, matches


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("where", "off_s"),
    [
        (["serve listing", "work listing"], DAY_S),
        (["work matching", "work matching 2"], -DAY_S),  # its API of yesterday takes no token of today
        (["serve logistics", "work logistics"], DAY_S),
    ],
    ids=["listing, tomorrow", "matching, yesterday", "logistics, tomorrow"],
)
def test_a_clock_that_is_a_day_off_makes_nothing_false(where: list[str], off_s: float) -> None:
    wrapper = (sys.executable, "-m", "tests.faults.clock", str(off_s))
    with temporary_folder() as folder:
        # tokens outlast the day, or a service of tomorrow would refuse everything and prove little
        result = play_over(folder, 1, nothing, SCALE, wrapped=dict.fromkeys(where, wrapper), token_hours=72)
        wrong = [each for each in result.findings.violations if not each.startswith(REFUSALS)]
        if wrong:
            result.logs = kept_logs(folder, 1)
    print(f"\n{where[-1]}, {off_s:+.0f} s: {sum(result.outcomes.values())} outcomes {dict(result.outcomes)}")
    assert not wrong, result.table()
    assert not result.shortfalls({f"looked at: {each}": 20 for each in WORKED}), "little was done, so little is proved"
