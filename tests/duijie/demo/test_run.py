"""What `duijie demo` says before it plays anything, and after it has played."""

from pathlib import Path

import pytest

from duijie.datafolder import DataFolder, Run
from duijie.demo import run
from duijie.demo.client import Refused
from duijie.demo.journal import TOTALS, Journal
from duijie.demo.table import table
from duijie.demo.world import Size
from tests.duijie.demo.test_table import TOTALS as FINISHED

URL = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A platform's, as if it ran there and were ready."""

    async def ready(url: str) -> None:
        pass

    monkeypatch.setattr(run, "until_ready", ready)
    monkeypatch.setattr(DataFolder, "current_run", lambda self: Run(1, 8000, URL, 1, ""))
    return DataFolder(tmp_path)


async def test_what_an_older_version_began_is_not_gone_on_with(folder: DataFolder) -> None:
    with Journal.open(folder.path / "demo", 1) as journal:
        journal.note("day", "2026-11-29")
        journal.note("lot/0", {"id": "a"})
    with pytest.raises(Refused, match="`duijie reset` it first"):
        await run.play(folder, URL, 1, Size())
    with Journal.open(folder.path / "demo", 1) as journal:
        assert run.BEGAN not in journal


async def test_what_an_older_version_has_finished_is_shown(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(folder.path / "demo", 1) as journal:
        journal.note("day", "2026-11-29")
        journal.note(TOTALS, FINISHED.as_json())
    await run.play(folder, URL, 1, Size())
    assert "demo done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.20:8000", False),
        ("https://farm.example", False),
    ],
)
async def test_where_to_look_in_is_said_before_the_end_and_only_where_one_click_is_enough(
    folder: DataFolder, capsys: pytest.CaptureFixture[str], url: str, said: bool
) -> None:
    with Journal.open(folder.path / "demo", 1) as journal:
        journal.note(TOTALS, FINISHED.as_json())
    await run.play(folder, url, 1, Size())
    before, after = capsys.readouterr().out.split("demo done\n")
    assert before == (run.NEXT.format(url=url) + "\n" if said else "")
    assert after == table(FINISHED) + "\n"
