"""The demonstration can be killed anywhere, and goes on."""

from datetime import UTC, datetime
from pathlib import Path

from duijie.demo.journal import TOTALS, Journal, unfinished


def test_what_was_noted_is_there_the_next_time(tmp_path: Path) -> None:
    with Journal.open(tmp_path, 1) as journal:
        journal.note("lot/1", {"id": "a", "story": "草莓"})
    with Journal.open(tmp_path, 1) as journal:
        assert "lot/1" in journal
        assert journal.get("lot/1") == {"id": "a", "story": "草莓"}
        assert "lot/2" not in journal


def test_a_line_cut_short_is_as_if_the_answer_had_not_come(tmp_path: Path) -> None:
    with Journal.open(tmp_path, 1) as journal:
        journal.note("lot/1", {"id": "a"})
        journal.note("lot/2", {"id": "b"})
    file = tmp_path / "seed-1.jsonl"
    whole = file.read_text()
    for cut in range(len(whole)):
        file.write_text(whole[:cut])
        with Journal.open(tmp_path, 1) as journal:
            complete = whole[:cut].count("\n")
            assert ("lot/1" in journal, "lot/2" in journal) == (complete >= 1, complete >= 2)
            journal.note("lot/3", {"id": "c"})
        with Journal.open(tmp_path, 1) as journal:
            assert journal.get("lot/3") == {"id": "c"}


def test_the_moment_of_a_step_is_kept(tmp_path: Path) -> None:
    first, later = datetime(2026, 11, 23, 9, 30, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    with Journal.open(tmp_path, 1) as journal:
        assert journal.moment("began", lambda: first) == first
    with Journal.open(tmp_path, 1) as journal:
        assert journal.moment("began", lambda: later) == first


def test_each_seed_has_its_own(tmp_path: Path) -> None:
    with Journal.open(tmp_path, 1) as journal:
        journal.note("x", 1)
    with Journal.open(tmp_path, 2) as journal:
        assert "x" not in journal


def test_demonstrations_without_their_last_step_are_unfinished(tmp_path: Path) -> None:
    assert unfinished(tmp_path / "none") == []
    for seed in (10, 2, 3):
        with Journal.open(tmp_path, seed) as journal:
            journal.note("began", "2026-11-30T00:00:00+00:00")
            if seed == 3:
                journal.note(TOTALS, {"listings": 1})
    assert unfinished(tmp_path) == [2, 10]


def test_a_copy_of_a_journal_is_none(tmp_path: Path) -> None:
    with Journal.open(tmp_path, 1) as journal:
        journal.note("began", "2026-11-30T00:00:00+00:00")
    for name in ("seed-1-old.jsonl", "seed-.jsonl", "seed-1 (2).jsonl"):
        (tmp_path / name).write_bytes((tmp_path / "seed-1.jsonl").read_bytes())
    assert unfinished(tmp_path) == [1]
