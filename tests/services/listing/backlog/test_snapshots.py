"""The pages of the backlog are made of a snapshot of the minute: one moment for all of them, and nothing reckoned."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Select, select, text, update

from chassis.db import Database
from services.listing.backlog import queries, service
from services.listing.backlog.models import Snapshot
from services.listing.backlog.standing import Standing
from services.listing.listings.models import Listing
from tests.services.listing.backlog.test_api import NANJING, SIYANG, SUYU, believe, lie, read
from tests.support.services import Issuer


@pytest.fixture
def supervisor(issuer: Issuer) -> dict[str, str]:
    return issuer.caller("supervisor")


async def moments(db: Database) -> list[datetime]:
    async with db.reading() as session:
        return list(await session.scalars(select(Snapshot.as_of).order_by(Snapshot.as_of)))


async def grow_old(db: Database, minutes: int) -> None:
    """So many minutes pass for the snapshots."""
    async with db.transaction() as session:
        await session.execute(update(Snapshot).values(as_of=Snapshot.as_of - timedelta(minutes=minutes)))


async def test_what_is_told_of_a_snapshot_is_what_would_be_reckoned_without_it(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await believe(db, "cabbage", "", 0.01)
    await believe(db, "", "", 0.02)
    for number in range(30):
        place = (SIYANG, SUYU, NANJING)[number % 3]
        produce = ("strawberry", "cabbage", "apple")[number % 4 % 3]
        await lie(db, produce, place, kg=10.001 * (number + 1), hours=3 + 7 * number)
    asked: list[tuple[str, dict[str, Any]]] = [
        *(("", {"level": level}) for level in ("province", "prefecture", "county")),
        ("", {"produce": "cabbage", "adcode": "3213", "level": "county"}),
        *(("/lots", query) for query in ({}, {"limit": 7}, {"watch_52": False, "produce": "apple"})),
    ]
    for _ in range(2):  # a full minute may pass between the two: then once more
        before = [await read(client, supervisor, path, **query) for path, query in asked]
        await service.keep_snapshot(db)
        after = [await read(client, supervisor, path, **query) for path, query in asked]
        if before == after:
            break
        async with db.transaction() as session:
            await session.execute(text("TRUNCATE backlog_snapshots"))
    assert before == after
    assert len(before[-1]["items"]) > 0


async def test_all_pages_are_of_the_first_ones_moment_whatever_is_sold_meanwhile(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    for number in range(6):
        await lie(db, kg=100 + number, adcode=(SIYANG, SUYU, NANJING)[number % 3])
    await service.keep_snapshot(db)
    await grow_old(db, 2)
    for path, query in (("", {"level": "county"}), ("/lots", {})):
        async with db.transaction() as session:
            await session.execute(update(Listing).values(remaining_g=Listing.quantity_g))
        whole = await read(client, supervisor, path, **query)
        first = await read(client, supervisor, path, **query, limit=1)
        async with db.transaction() as session:
            await session.execute(update(Listing).values(remaining_g=1))
        await service.keep_snapshot(db)
        rest = await read(client, supervisor, path, **query, after=first["next"])
        assert first["items"] + rest["items"] == whole["items"]
        assert first["as_of"] == rest["as_of"] == whole["as_of"]
        newer = await read(client, supervisor, path, **query)
        assert newer["as_of"] > whole["as_of"]
        async with db.transaction() as session:
            await session.execute(text("DELETE FROM backlog_snapshots WHERE as_of > now() - interval '1 minute'"))


async def test_a_snapshot_is_read_once_by_a_process(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lie(db)
    await service.keep_snapshot(db)
    first = await read(client, supervisor, "/lots")

    def fail(*_: object) -> None:
        raise AssertionError("reckoned anew")

    monkeypatch.setattr(service, "_unpacked", fail)
    again = await read(client, supervisor, "/lots")
    assert (again["items"], len(again["items"])) == (first["items"], 1)


async def test_one_a_minute_is_taken_by_however_many_workers_and_old_ones_go(db: Database) -> None:
    await lie(db)
    for _ in range(2):  # of which one may begin in another minute than it ends
        await asyncio.gather(*(service.keep_snapshot(db) for _ in range(4)))
    assert len(set(await moments(db))) == len(await moments(db)) in {1, 2}
    await grow_old(db, 9)
    await service.keep_snapshot(db)
    assert len(await moments(db)) in {2, 3}
    await grow_old(db, 9)
    await service.keep_snapshot(db)
    left = await moments(db)
    assert left
    assert all(each > datetime.now(UTC) - timedelta(minutes=11) for each in left)


async def test_of_a_worker_that_is_away_no_old_figures_are_told(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await lie(db)
    await service.keep_snapshot(db)
    await lie(db)
    assert len((await read(client, supervisor, "/lots"))["items"]) == 1
    await grow_old(db, 5)
    page = await read(client, supervisor, "/lots")
    assert len(page["items"]) == 2
    assert datetime.fromisoformat(page["as_of"]) > datetime.now(UTC) - timedelta(minutes=2)


async def test_an_empty_market_has_a_snapshot_too(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await service.keep_snapshot(db)
    assert (await read(client, supervisor))["items"] == (await read(client, supervisor, "/lots"))["items"] == []


async def test_a_code_has_the_lots_of_the_areas_that_it_begins_and_one_that_begins_none_is_refused(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await lie(db)
    assert len((await read(client, supervisor, "/lots", adcode="32132"))["items"]) == 1
    for code in ("00", "99", "000000"):
        refused = await client.get("/v1/backlog/lots", params={"adcode": code}, headers=supervisor)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/query/adcode"), code
    assert queries.Wanted(None, "320000", None).part.adcode == "32"


class Reckonings:
    """What is reckoned or read meanwhile: how often, how many at once, and the connections in use at its end."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = self.at_work = self.most_at_work = self.connections = 0
        self.takes_s = 0.2
        self.failing = False
        self.begun = asyncio.Event()
        self._db = db
        self._make = service._unpacked
        monkeypatch.setattr(service, "_unpacked", self)

    async def __call__(self, db: Database, columns: Select[Any]) -> Standing | None:
        self.made += 1
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.begun.set()
        try:
            await asyncio.sleep(self.takes_s)
            self.connections = self._db.engine.sync_engine.pool.checkedout()
            if self.failing:
                raise RuntimeError("no room to sort")
            return await self._make(db, columns)
        finally:
            self.at_work -= 1


@pytest.fixture
async def reckonings(db: Database, monkeypatch: pytest.MonkeyPatch) -> Reckonings:
    return Reckonings(db, monkeypatch)


async def away_from_the_full_minute() -> None:
    seconds = datetime.now(UTC).second
    if seconds > 54:
        await asyncio.sleep(61 - seconds)


@pytest.mark.parametrize("snapshots", [True, False], ids=["a new snapshot", "no snapshot"])
async def test_a_crowd_at_the_full_minute_is_one_reckoning_and_keeps_no_connection(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, reckonings: Reckonings, snapshots: bool
) -> None:
    await lie(db)
    if snapshots:
        await service.keep_snapshot(db)
    await away_from_the_full_minute()
    reckonings.takes_s = 2  # all have come by then, however slow the machine is
    crowd = [read(client, supervisor, path) for path in ["", "/lots"] * 15]
    pages = await asyncio.gather(*crowd)
    assert [len(page["items"]) for page in pages] == [1] * 30
    assert len({page["as_of"] for page in pages}) == 1
    assert (reckonings.made, reckonings.connections) == (1, 0)


async def test_one_moment_is_reckoned_at_a_time(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, reckonings: Reckonings
) -> None:
    await lie(db)
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    cursors = [queries.BacklogPlace(minute - timedelta(minutes=back), 2**62, "0") for back in range(1, 4)]
    pages = await asyncio.gather(*(read(client, supervisor, "/lots", after=str(each)) for each in cursors * 4))
    assert {len(page["items"]) for page in pages} == {1}
    assert (reckonings.made, reckonings.most_at_work) == (3, 1)


def of_moment(as_of: datetime) -> str:
    """A cursor in front of everything, as anybody can write one."""
    return str(queries.BacklogPlace(as_of, 2**62, "0"))


async def test_a_page_that_lay_open_for_long_goes_on_in_the_newest_snapshot_and_nothing_is_reckoned(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kg in (100, 200, 300):
        await lie(db, kg=kg)
    await service.keep_snapshot(db)
    first = await read(client, supervisor, "/lots", limit=1)
    await grow_old(db, 20)
    await service.keep_snapshot(db)
    (newest,) = await moments(db)

    def fail(*_: object) -> None:
        raise AssertionError("reckoned anew")

    monkeypatch.setattr(queries, "packed", fail)
    rest = await read(client, supervisor, "/lots", after=first["next"])
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 3
    assert datetime.fromisoformat(rest["as_of"]) == newest
    for made_up in (datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), newest + timedelta(seconds=1)):
        page = await read(client, supervisor, "/lots", after=of_moment(made_up))
        assert datetime.fromisoformat(page["as_of"]) == newest


async def test_while_the_worker_is_away_a_made_up_moment_is_this_minute_and_a_pages_own_is_kept(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, reckonings: Reckonings
) -> None:
    await lie(db)
    await away_from_the_full_minute()
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    made_up = [datetime(2001, 1, 1, tzinfo=UTC), minute - timedelta(hours=1), minute + timedelta(days=1)]
    made_up += [minute - timedelta(microseconds=each) for each in range(1, 4)]
    pages = await asyncio.gather(*(read(client, supervisor, "/lots", after=of_moment(each)) for each in made_up))
    assert {datetime.fromisoformat(page["as_of"]) for page in pages} == {minute}
    assert reckonings.made == 1
    before = minute - timedelta(minutes=3)
    page = await read(client, supervisor, "/lots", after=of_moment(before))
    assert datetime.fromisoformat(page["as_of"]) == before


async def test_what_was_reckoned_is_nobodys_who_comes_after(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, reckonings: Reckonings
) -> None:
    for expected in (1, 2):
        await lie(db)
        assert len((await read(client, supervisor, "/lots"))["items"]) == expected
    assert reckonings.made == 2


async def test_who_hangs_up_leaves_it_to_those_who_wait(db: Database, reckonings: Reckonings) -> None:
    await lie(db)
    await away_from_the_full_minute()
    shelf, wanted = service.Shelf(), queries.Wanted(None, None, None)
    first, second = (asyncio.create_task(service.lots(db, shelf, wanted, None, 9)) for _ in range(2))
    await reckonings.begun.wait()
    first.cancel()
    assert len((await second)[1]) == 1
    assert (first.cancelled(), reckonings.made) == (True, 1)


async def test_a_failure_is_told_to_all_who_wait_and_the_next_begins_anew(db: Database, reckonings: Reckonings) -> None:
    await lie(db)
    await away_from_the_full_minute()
    shelf, wanted = service.Shelf(), queries.Wanted(None, None, None)
    reckonings.failing = True
    crowd = (service.lots(db, shelf, wanted, None, 9) for _ in range(3))
    assert [str(each) for each in await asyncio.gather(*crowd, return_exceptions=True)] == ["no room to sort"] * 3
    reckonings.failing = False
    assert len((await service.lots(db, shelf, wanted, None, 9))[1]) == 1
    assert reckonings.made == 2


async def test_a_snapshot_that_goes_while_it_is_looked_for_is_reckoned(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lie(db)
    await service.keep_snapshot(db)
    near = queries.snapshot_near

    async def near_and_gone(*asked: Any) -> Any:
        found = await near(*asked)
        async with db.transaction() as session:
            await session.execute(text("DELETE FROM backlog_snapshots"))
        return found

    monkeypatch.setattr(queries, "snapshot_near", near_and_gone)
    _, lots = await service.lots(db, service.Shelf(), queries.Wanted(None, None, None), None, 9)
    assert len(lots) == 1
