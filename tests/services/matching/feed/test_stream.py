"""Following one's own feed as server-sent events: what comes, in which form, from where on, and when it ends."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from chassis import event_stream, following
from chassis.db import Database
from chassis.metrics import HTTP_SECONDS
from chassis.streams import OpenStreams
from services.matching.app import create_matching_app
from services.matching.feed.models import FEED
from tests.services.matching.feed.happenings import agreed, append_all, appending, filled, happen
from tests.services.matching.scene import DESK
from tests.support.services import Issuer, kept_app
from tests.support.sse import Event, Listener

PATH = "/v1/feed/matches/stream"


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    app = kept_app(create_matching_app, db, issuer.keys, cast("Any", None), DESK)
    app.state.streams.ending = False
    return app


@pytest.fixture
def open_streams(app: FastAPI) -> OpenStreams:
    found: OpenStreams = app.state.streams
    return found


async def read(listener: Listener, count: int) -> Sequence[Event]:
    return [await listener.next() for _ in range(count)]


async def test_an_event_is_the_item_of_the_page_byte_for_byte(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await filled(db, account, 3)
    async with Listener(app, PATH, issuer.caller("platform", account)) as stream:
        events = await read(stream, 3)
    page = await client.get("/v1/feed/matches", headers=issuer.caller("platform", account))
    assert [event.id for event in events] == ["1", "2", "3"]
    assert {event.name for event in events} == {"match.agreed"}
    items = ",".join(event.data for event in events)
    assert page.text == f'{{"items":[{items}],"next":3}}'


async def test_the_answer_is_kept_by_nobody_and_says_when_to_come_again(app: FastAPI, issuer: Issuer) -> None:
    async with Listener(app, PATH, issuer.caller("platform")) as stream:
        assert (stream.status, stream.answer["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert stream.answer["cache-control"] == "no-store"
        assert stream.answer["x-accel-buffering"] == "no"
        assert stream.answer["x-request-id"]
        assert 1000 <= (stream.parser.retry_ms or 0) <= 4000


async def test_it_says_at_its_head_how_far_the_feed_goes(app: FastAPI, issuer: Issuer, db: Database) -> None:
    account = uuid4()
    await filled(db, account, 3)
    for after in (0, 99_999):
        async with Listener(app, f"{PATH}?after={after}", issuer.caller("platform", account)) as stream:
            assert stream.answer["feed-head"] == "3"


async def test_what_happens_while_one_listens_comes_without_being_asked_for(
    app: FastAPI, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    async with Listener(app, PATH, issuer.caller("producer", account)) as stream, appending(db):
        for number in range(5):
            await happen(db, agreed(number, account))
            event = await stream.next()
            assert (event.id, event.json()["match"]["id"]) == (str(number + 1), number)


async def test_an_appender_of_another_process_is_noticed_by_looking(app: FastAPI, issuer: Issuer, db: Database) -> None:
    account = uuid4()
    elsewhere = Database(db.engine.url.render_as_string(hide_password=False), source="/duijie/matching")
    async with Listener(app, PATH, issuer.caller("platform", account)) as stream:
        await filled(elsewhere, account, 1)
        assert (await stream.next(within_s=2)).id == "1"
    await elsewhere.close()


async def test_a_long_feed_comes_whole_in_pages(
    app: FastAPI, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAGE", 7)
    account = uuid4()
    await filled(db, account, 50)
    async with Listener(app, PATH, issuer.caller("platform", account)) as stream:
        assert [event.id for event in await read(stream, 50)] == [str(seq) for seq in range(1, 51)]


@pytest.mark.parametrize(
    ("query", "last", "first"),
    [
        ("", None, 1),
        ("?after=2", None, 3),
        ("", "3", 4),
        ("?after=1", "4", 5),
        ("?after=4", "0", 1),
        ("?lastEventId=3", None, 4),
        ("?after=1&lastEventId=4", None, 5),
        ("?lastEventId=2", "4", 5),
    ],
)
async def test_it_goes_on_behind_the_last_event_that_one_had_else_behind_after(
    app: FastAPI, issuer: Issuer, db: Database, query: str, last: str | None, first: int
) -> None:
    account = uuid4()
    await filled(db, account, 5)
    headers = issuer.caller("platform", account) | ({} if last is None else {"Last-Event-ID": last})
    async with Listener(app, PATH + query, headers) as stream:
        assert [event.id for event in await read(stream, 6 - first)] == [str(seq) for seq in range(first, 6)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("last", ["x", "-1", "1.5", str(2**63), ""])
async def test_a_last_event_id_that_can_not_be_is_refused_in_both_languages(
    app: FastAPI, issuer: Issuer, last: str, language: str
) -> None:
    headers = issuer.caller("platform") | {"Last-Event-ID": last, "Accept-Language": language}
    async with Listener(app, PATH, headers) as refused:
        pass
    assert refused.status == 422
    told = json.loads(refused.body)
    assert (told["type"], told["title"]) == (
        "/problems/invalid-input",
        {"zh": "输入无效", "en": "The input is not valid"}[language],
    )
    assert [error["pointer"] for error in told["errors"]] == ["#/header/Last-Event-ID"]


async def test_without_a_token_there_is_no_stream(app: FastAPI) -> None:
    async with Listener(app, PATH) as refused:
        pass
    assert refused.status == 401


async def test_an_account_hears_nothing_of_another(app: FastAPI, issuer: Issuer, db: Database) -> None:
    mine, theirs = uuid4(), uuid4()
    async with Listener(app, PATH, issuer.caller("platform", mine)) as stream:
        await filled(db, theirs, 3)
        await filled(db, mine, 1)
        assert (await stream.next()).id == "1"
        await asyncio.sleep(0.3)
        assert stream.events.empty()


async def test_a_silent_stream_says_that_it_is_alive(
    app: FastAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert event_stream.BEAT_S < 15
    monkeypatch.setattr(event_stream, "BEAT_S", 0.05)
    async with Listener(app, PATH, issuer.caller("platform")) as stream:
        began_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(10):
            while stream.parser.comments < 6:
                await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - began_s > 5 * 0.04, "no more of them than are due"
        assert stream.events.empty()


async def test_it_ends_when_its_token_does_with_a_whole_last_chunk(app: FastAPI, issuer: Issuer) -> None:
    token = issuer.token("platform", exp=datetime.now(UTC) + timedelta(seconds=1.4))  # claims are whole seconds
    async with Listener(app, PATH, {"Authorization": f"Bearer {token}"}) as stream:
        assert stream.status == 200
        await stream.until_over()
    assert stream.whole


async def test_who_hangs_up_leaves_nothing_behind(app: FastAPI, issuer: Issuer, open_streams: OpenStreams) -> None:
    before = asyncio.all_tasks()
    async with Listener(app, PATH, issuer.caller("platform")):
        assert len(open_streams) == 1
    assert len(open_streams) == 0
    await asyncio.sleep(0.3)  # the one that looks for all sees that nobody waits any more
    assert asyncio.all_tasks() - before == set()


async def test_one_account_may_hold_so_many_and_another_still_gets_its_own(
    app: FastAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "A_CALLER", 2)
    greedy = issuer.caller("platform")
    async with Listener(app, PATH, greedy), Listener(app, PATH, greedy) as second:
        async with Listener(app, PATH, greedy | {"Accept-Language": "zh"}) as third:
            pass
        told = json.loads(third.body)
        assert (third.status, told["type"], told["title"]) == (429, "/problems/too-many-streams", "您打开的长连接过多")
        assert "2" in told["detail"]
        assert 5 <= int(third.answer["retry-after"]) <= 15
        async with Listener(app, PATH, issuer.caller("platform")) as other:
            assert other.status == 200
        await second.hang_up()
        async with Listener(app, PATH, greedy) as again:
            assert again.status == 200


async def test_beyond_what_a_process_bears_one_is_told_to_come_again(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, open_streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "at_most", 1)
    async with Listener(app, PATH, issuer.caller("platform")):
        async with Listener(app, PATH, issuer.caller("platform")) as refused:
            pass
        assert (refused.status, json.loads(refused.body)["type"]) == (503, "/problems/streams-full")
        assert 5 <= int(refused.answer["retry-after"]) <= 15
        page = await client.get("/v1/feed/matches", headers=issuer.caller("platform"))
        assert page.status_code == 200, "pages are still read"


async def test_all_end_at_once_with_a_whole_last_chunk_when_the_process_is_told_to_stop(
    app: FastAPI, issuer: Issuer, open_streams: OpenStreams
) -> None:
    async with (
        Listener(app, PATH, issuer.caller("platform")) as one,
        Listener(app, PATH, issuer.caller("carrier")) as other,
    ):
        open_streams.end()
        async with asyncio.timeout(0.5):
            await one.until_over()
            await other.until_over()
        assert (one.whole, other.whole) == (True, True)
        async with Listener(app, PATH, issuer.caller("platform")) as late:
            pass
        assert late.status == 503


async def test_the_streams_of_one_account_can_be_ended_and_all_others_go_on(
    app: FastAPI, issuer: Issuer, open_streams: OpenStreams, db: Database
) -> None:
    erased, other = uuid4(), uuid4()
    async with (
        Listener(app, PATH, issuer.caller("platform", erased)) as one,
        Listener(app, PATH, issuer.caller("platform", erased)) as two,
        Listener(app, PATH, issuer.caller("platform", other)) as others,
    ):
        open_streams.end_of([erased, uuid4()])
        await one.until_over()
        await two.until_over()
        assert (one.whole, two.whole, len(open_streams)) == (True, True, 1)
        await filled(db, other, 1)
        assert (await others.next()).id == "1"


async def test_who_reads_nothing_is_sent_nothing_more_and_misses_nothing(
    app: FastAPI, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page waits to be sent, and none is read from the database meanwhile."""
    monkeypatch.setattr(following, "PAGE", 5)
    read_pages: list[int] = []
    behind = FEED.behind

    async def counted(db: Database, account_id: UUID, after: int, limit: int) -> Any:
        read_pages.append(after)
        return await behind(db, account_id, after, limit)

    monkeypatch.setattr(FEED, "behind", counted)
    account = uuid4()
    async with Listener(app, PATH, issuer.caller("platform", account)) as stream:
        stream.reads.clear()
        await filled(db, account, 40)
        await asyncio.sleep(0.4)
        assert len(read_pages) == 2, "the first, which was empty, and the one that is being sent"
        stream.reads.set()
        assert [event.id for event in await read(stream, 40)] == [str(seq) for seq in range(1, 41)]


async def test_what_lasts_for_hours_is_timed_by_its_head(app: FastAPI, issuer: Issuer) -> None:
    def told() -> float:
        return float(HTTP_SECONDS.labels("matching", "GET", PATH, "200")._sum.get())

    before = told()
    async with Listener(app, PATH, issuer.caller("platform")):
        await asyncio.sleep(1)
    assert told() - before < 0.9


async def test_a_database_that_is_away_for_a_while_makes_streams_wait_and_ends_none(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.watching.AWAY_S", 0.05)
    account, away = uuid4(), False
    at_once = db.at_once

    def maybe_away() -> Any:
        if away:
            raise ConnectionRefusedError
        return at_once()

    monkeypatch.setattr(db, "at_once", maybe_away)
    async with Listener(app, PATH, issuer.caller("platform", account)) as stream:
        away = True
        await happen(db, agreed(1, account))
        async with Listener(app, PATH, issuer.caller("platform")) as late:
            pass
        assert late.status == 503, "who begins now hears so"
        await append_all(db)
        await asyncio.sleep(0.3)
        assert (stream.over.is_set(), stream.events.empty()) == (False, True)
        away = False
        assert (await stream.next()).id == "1"
