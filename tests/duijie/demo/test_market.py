"""The first half: it waits until the whole world is on the market, and some lots show a photo."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalogue.days import CHINA
from duijie.demo import stage
from duijie.demo.client import Refused
from duijie.demo.journal import Journal
from duijie.demo.market import LATE, PHOTOS, clear, show_photos, until_on_market
from duijie.demo.pictures import PICTURED
from duijie.demo.progress import Stages
from duijie.demo.stage import Play
from duijie.demo.world import Size, World

LOTS = 10
WORLD = World(1, datetime(2026, 11, 23, 9, 30, tzinfo=CHINA), Size(listings=LOTS, orders=10, parcels=10))
PICTURES = World(1, datetime(2026, 11, 23, 9, 30, tzinfo=CHINA), Size(listings=60, orders=1))


class Hearing:
    """So many of the lots are on the market, one look after the other; the last stays. One lot is somebody else's."""

    def __init__(self, *heard: int) -> None:
        self.heard = list(heard)

    async def every(self, account: str, path: str) -> list[dict[str, Any]]:
        heard = self.heard.pop(0) if len(self.heard) > 1 else self.heard[0]
        return [{"id": "another", "on_market": True}, *({"id": f"l{n}", "on_market": n < heard} for n in range(LOTS))]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(stage, "POLL_S", 0.01)
    monkeypatch.setattr(stage, "STALLED_S", 0.05)
    journal = Journal(tmp_path / "journal")
    for each in range(LOTS):
        journal.note(f"lot/{each}", {"id": f"l{each}"})
    return journal


async def test_lots_are_waited_for_as_long_as_more_come(journal: Journal) -> None:
    platform = Hearing(*(heard for heard in range(LOTS) for _ in range(4)), LOTS)
    async with asyncio.timeout(10):
        await until_on_market(Play(platform, journal, WORLD, Stages(None)))  # type: ignore[arg-type]
    assert platform.heard == [LOTS]


async def test_where_no_more_come_the_play_ends_and_says_how_many_there_are(journal: Journal) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(Refused, match="lots on the market: 4 of 10, and nothing more has come for"):
            await until_on_market(Play(Hearing(0, 4), journal, WORLD, Stages(None)))  # type: ignore[arg-type]


class Board:
    """Shows all lots of the world and one of somebody else, and keeps whose photos came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, str]] = []

    async def get(self, account: str, path: str, **params: Any) -> dict[str, Any]:
        lots = [{"id": f"id-{lot.index}", "produce": lot.body["produce"]} for lot in PICTURES.lots]
        return {"items": [{"id": "another's", "produce": "strawberry"}, *lots]}

    async def show(self, account: str, listing_id: str, photo: bytes, *, key: str) -> dict[str, str]:
        assert photo.startswith(b"\xff\xd8")
        self.came.append((account, listing_id, key))
        return {"id": key}


async def test_the_first_lots_on_the_board_that_can_be_drawn_show_a_photo_once(tmp_path: Path) -> None:
    board = Board()
    with Stages.shown() as stages:
        play = Play(board, Journal(tmp_path / "journal"), PICTURES, stages)  # type: ignore[arg-type]
        for lot in PICTURES.lots:
            play.journal.note(f"lot/{lot.index}", {"id": f"id-{lot.index}"})
        await show_photos(play)
        await show_photos(play)
    drawn = [lot for lot in PICTURES.lots if lot.body["produce"] in PICTURED][:PHOTOS]
    assert drawn
    assert sorted(board.came) == sorted((lot.producer, f"id-{lot.index}", f"photo/{lot.index}") for lot in drawn)


class Clearing:
    """Clears each market so long before or after goods can be fetched; another's market is cleared much later."""

    def __init__(self, after_s: float) -> None:
        self.at = WORLD.opens_at + timedelta(seconds=after_s)

    async def post(self, account: str, path: str, body: dict[str, str], key: str) -> dict[str, str]:
        return body

    async def every(self, account: str, path: str) -> list[dict[str, Any]]:
        ours = [{"produce": each, "cleared_at": self.at.isoformat()} for each in WORLD.markets]
        return [*ours, {"produce": "fig", "cleared_at": (self.at + timedelta(days=1)).isoformat()}]


@pytest.mark.parametrize(("after_s", "told"), [(-1, []), (300, [LATE.format(late=8, rounds=8)])])
async def test_rounds_that_came_so_late_that_another_run_may_differ_are_told_of_and_others_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after_s: float, told: list[str]
) -> None:
    play = Play(Clearing(after_s), Journal(tmp_path / "journal"), WORLD, Stages(None))  # type: ignore[arg-type]
    assert len(await clear(play)) == len(WORLD.markets) + 1 == 9
    assert capsys.readouterr().out.splitlines()[1:] == told, "under the stage's own line"
