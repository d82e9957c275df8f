"""`make campaign MINUTES=60`: gates with one seed after the other, for as long as it is told.

Counts are appended to docs/campaign.md.
Each run is a house of its own, so that no database grows without bound and each seed can be repeated by itself.
"""

import argparse
import random
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.kit.child import ROOT
from tests.faults.kit.findings import Findings
from tests.faults.kit.gate import run_gate
from tests.faults.kit.result import Result
from tests.support.postgres import temporary_folder

FILE = ROOT / "docs" / "campaign.md"
HEAD = """\
# Campaigns

Runs of `make campaign`: real processes over real PostgreSQL and real Apache Kafka, under load and faults. Each row is
one run; its seed repeats its decisions (`FAULTS_SEED=… make faults`), and what came of them often, not always.
Violations are quoted below, each with its seed.

| when (UTC) | seed | s | kills | broker faults | PostgreSQL kills | events | requests | unknown | checks | violations |
|---|---|---|---|---|---|---|---|---|---|---|
"""
VIOLATIONS = "\n## Violations\n\n"
QUOTED, QUOTED_CHARS = 10, 500


def row(when: datetime, result: Result) -> str:
    """One line of the table."""
    counts = result.counts
    cells = [
        f"{when:%Y-%m-%d %H:%M}",
        result.seed,
        round(result.seconds),
        result.all_kills,
        result.broker_faults,
        counts["PostgreSQL killed"],
        counts["events committed"],
        result.outcomes["ok"] + result.outcomes["fail"],
        result.outcomes["unknown"],
        sum(result.findings.checks.values()),
        len(result.findings.violations),
    ]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def quoted(result: Result) -> str:
    """What went wrong, a line each; whatever it holds, it is shown as it is and breaks no line."""
    shown = [" ".join(each.split()).replace("`", "'")[:QUOTED_CHARS] for each in result.findings.violations[:QUOTED]]
    return "".join(f"- seed {result.seed}: `{each}`\n" for each in shown)


def append(file: Path, when: datetime, result: Result) -> None:
    """A row more in the table, and below all rows what went wrong: a table ends where something else stands in it."""
    told = file.read_text(encoding="utf-8") if file.exists() else HEAD
    table, heading, violations = told.partition(VIOLATIONS)
    table += row(when, result)
    violations += quoted(result)
    heading = VIOLATIONS if violations else heading
    file.write_text(table + heading + violations, encoding="utf-8")


def one_run(seed: int) -> Result:
    """A gate. One that breaks down is a violation, and ends no campaign."""
    try:
        with temporary_folder() as folder:
            return run_gate(folder, seed)
    except Exception as error:
        traceback.print_exc()
        result = Result(seed, Findings())
        result.findings.seen("harness", False, f"broke down: {error!r}")
        return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=None, help="Of the first run; the next ones follow from it.")
    arguments = parser.parse_args()
    ends_s = time.monotonic() + 60 * arguments.minutes
    seeds = random.Random(arguments.seed)
    seed, violations = arguments.seed if arguments.seed is not None else seeds.randrange(10**6), 0
    while True:
        print(f"FAULTS_SEED={seed}", flush=True)
        began = datetime.now(UTC)
        result = one_run(seed)
        print(result.table(), flush=True)
        append(FILE, began, result)
        violations += len(result.findings.violations)
        if time.monotonic() > ends_s:
            return 1 if violations else 0
        seed = seeds.randrange(10**6)


if __name__ == "__main__":
    sys.exit(main())
