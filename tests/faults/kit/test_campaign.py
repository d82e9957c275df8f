"""What campaigns came to is one table, however many there were and whatever went wrong in them."""

from datetime import UTC, datetime
from pathlib import Path

from tests.faults.campaign import append
from tests.faults.kit.findings import Findings
from tests.faults.kit.result import Result

WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def result(seed: int, *violations: str) -> Result:
    findings = Findings()
    findings.violations += violations
    return Result(seed, findings)


def test_rows_stay_together_and_violations_stand_below_them_with_their_seeds(tmp_path: Path) -> None:
    file = tmp_path / "campaign.md"
    append(file, WHEN, result(1))
    assert "## Violations" not in file.read_text()
    append(file, WHEN, result(2, "I1: two\nlines", "I9: `lost`"))
    append(file, WHEN, result(3))
    append(file, WHEN, result(4, "I7: | a bar"))
    table, _, violations = file.read_text().partition("\n## Violations\n\n")
    begins = table.index("| when (UTC)")
    rows = table[begins:].splitlines()
    assert [each.split(" | ")[1] for each in rows[2:]] == ["1", "2", "3", "4"]
    assert all(each.count("|") == rows[0].count("|") for each in rows)
    assert violations == "- seed 2: `I1: two lines`\n- seed 2: `I9: 'lost'`\n- seed 4: `I7: | a bar`\n"
