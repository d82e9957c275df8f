"""How many files come in at once, how long each may take, and that whoever goes gives place and room back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from chassis import aside, importing
from chassis.db import Database
from chassis.routes import IMPORT_LIMIT_B
from tests.chassis.importing.scene import CSV, Scene, file_of, kept, lines, sent
from tests.support.http import BEGUN, BROKEN_OFF, PLAIN, answered_as, posted, served
from tests.support.services import Issuer, client_of

ROOM_B = aside.FILES * IMPORT_LIMIT_B


@pytest.fixture(autouse=True)
def small_files_take_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "IN_MEMORY_B", 40)


async def test_a_file_that_does_not_arrive_in_time_keeps_nothing_and_gives_its_place_back(
    app: FastAPI, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RECEIVED_WITHIN_S", 0.3)
    async with (
        served(app) as url,
        httpx.AsyncClient(verify=PLAIN, base_url=url, headers=issuer.caller("producer") | CSV) as http,
    ):

        async def drip() -> AsyncIterator[bytes]:
            for line in file_of(150).splitlines(keepends=True):
                yield line
                await asyncio.sleep(0.01)

        answer = await http.post("/v1/things/import", content=drip())
        assert (answer.status_code, answer.json()["type"]) == (408, "/problems/too-slow")
    assert await kept(db) == []
    assert (app.state.imports.room.files, app.state.imports.room.free_b) == (0, ROOM_B)


async def test_an_answer_that_is_not_taken_in_time_is_cut_off_and_gives_its_place_back(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside_of_tests_s = importing.ANSWERED_WITHIN_S
    monkeypatch.setattr(importing, "ANSWERED_WITHIN_S", 0.3)
    scene.may_go.clear()
    async with (
        served(app) as url,
        httpx.AsyncClient(verify=PLAIN, base_url=url, headers=issuer.caller("producer") | CSV) as http,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            await sent(http, file_of(30))
        while app.state.imports.room.files:
            await asyncio.sleep(0.01)
        assert app.state.imports.room.free_b == ROOM_B
        assert len(await kept(db)) == 10
        monkeypatch.setattr(importing, "ANSWERED_WITHIN_S", outside_of_tests_s)
        scene.may_go.set()
        assert len(lines(await sent(http, file_of(30)))) == 30


async def test_who_hangs_up_within_its_file_is_no_failure_and_gives_its_place_back(
    app: FastAPI, issuer: Issuer
) -> None:
    path = "/v1/things/import"
    before = answered_as(499, path)
    sent: asyncio.Queue[Any] = asyncio.Queue()
    for message in (BEGUN, BROKEN_OFF):
        sent.put_nowait(message)
    with capture_logs() as logs:
        await posted(app, path, issuer.caller("producer") | CSV, sent)
    assert [each["event"] for each in logs if each["log_level"] in {"warning", "error"}] == []
    assert answered_as(499, path) == before + 1
    assert (app.state.imports.room.files, app.state.imports.room.free_b) == (0, ROOM_B)


async def test_an_account_imports_two_files_at_a_time_and_others_as_they_like(
    app: FastAPI, issuer: Issuer, scene: Scene
) -> None:
    scene.may_go.clear()
    mine, other = (issuer.caller("producer") | CSV for _ in range(2))
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url) as http:
        begun = [asyncio.create_task(sent(http, file_of(30), key=None, **mine)) for _ in range(2)]
        while app.state.imports.room.files < 2:
            await asyncio.sleep(0.01)
        third = await sent(http, file_of(3), **mine)
        assert (third.status_code, third.json()["type"]) == (429, "/problems/too-many-imports")
        assert third.headers["retry-after"] == "5"
        begun.append(asyncio.create_task(sent(http, file_of(30), **other)))
        await asyncio.sleep(0.05)
        scene.may_go.set()
        assert [len(lines(each)) for each in await asyncio.gather(*begun)] == [30, 30, 30]
        assert len(lines(await sent(http, file_of(3), **mine))) == 3


async def test_the_answer_flows_while_rows_are_written_and_holds_no_place(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database
) -> None:
    scene.may_go.clear()
    headers = issuer.caller("producer") | CSV
    async with (
        served(app) as url,
        httpx.AsyncClient(verify=PLAIN, base_url=url, headers=headers) as http,
        http.stream("POST", "/v1/things/import", content=file_of(30)) as answer,
    ):
        chunks = answer.aiter_lines()
        first = [json.loads(await anext(chunks)) for _ in range(10)]
        assert [row["row"] for row in first] == list(range(1, 11))
        assert len(await kept(db)) == 10
        assert 'duijie_http_at_work{service="test"} 0.0' in (await http.get("/metrics")).text
        scene.may_go.set()
        assert len([line async for line in chunks]) == 20


async def test_who_hangs_up_leaves_no_transaction_open_and_may_go_on(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database
) -> None:
    scene.may_go.clear()
    headers = issuer.caller("producer") | CSV | {"Idempotency-Key": "k"}
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url, headers=headers) as http:
        async with http.stream("POST", "/v1/things/import", content=file_of(30)) as answer:
            await anext(answer.aiter_lines())
        while app.state.imports.room.files:
            await asyncio.sleep(0.01)
        assert app.state.imports.room.free_b == ROOM_B
        assert len(await kept(db)) == 10
        scene.may_go.set()
        again = await http.post("/v1/things/import", content=file_of(30))
    assert len(lines(again)) == len(await kept(db)) == 30


async def test_as_many_files_are_put_aside_as_there_is_room_for(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database
) -> None:
    room = app.state.imports.room
    room.free_b = len(file_of(30))
    scene.may_go.clear()
    headers = issuer.caller("producer") | CSV
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url, headers=headers) as http:
        async with http.stream("POST", "/v1/things/import", content=file_of(30)) as answer:
            chunks = answer.aiter_lines()
            await anext(chunks)
            refused = await http.post("/v1/things/import", content=file_of(10))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            scene.may_go.set()
            assert len([line async for line in chunks]) == 29
        assert len(lines(await http.post("/v1/things/import", content=file_of(10)))) == 10
    for content in (b"", b"text\nx", file_of(20)):  # what was refused gave its place back
        await asyncio.gather(*(sent_to(app, issuer, content) for _ in range(3)))
    assert (room.files, room.free_b) == (0, len(file_of(30)))


async def sent_to(app: FastAPI, issuer: Issuer, content: bytes) -> None:
    async with client_of(app) as http:
        await http.post("/v1/things/import", content=content, headers=issuer.caller("producer") | CSV)


async def test_files_that_come_slowly_keep_out_as_many_as_they_are_large(
    app: FastAPI, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield file_of(5)
        await may_end.wait()
        yield b"last\n"

    room = app.state.imports.room
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url) as http:
        coming = [
            asyncio.create_task(http.post("/v1/things/import", content=slow(), headers=issuer.caller("producer") | CSV))
            for _ in range(aside.FILES + 2)
        ]
        while room.free_b > ROOM_B - len(coming) * len(file_of(5)):
            await asyncio.sleep(0.01)
        other = await sent(http, file_of(30), **issuer.caller("producer") | CSV)
        assert len(lines(other)) == 30
        may_end.set()
        assert [len(lines(await each)) for each in coming] == [6] * len(coming)
    assert (room.files, room.free_b) == (0, ROOM_B)


async def test_what_stays_in_memory_takes_no_room_and_finds_its_place_when_there_is_none(
    app: FastAPI, issuer: Issuer
) -> None:
    app.state.imports.room.free_b = 0
    async with client_of(app) as http:
        assert len(lines(await sent(http, file_of(2), **issuer.caller("producer") | CSV))) == 2
        refused = await sent(http, file_of(10), **issuer.caller("producer") | CSV)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")


async def test_a_file_that_took_room_and_will_not_be_there_in_time_is_not_waited_for(
    app: FastAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "LATE_S", 0.1)
    monkeypatch.setattr(importing, "RECEIVED_WITHIN_S", 10.0)
    file, room, is_refused = file_of(100), app.state.imports.room, asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        for line in file.splitlines(keepends=True):
            yield line
            with suppress(TimeoutError):
                await asyncio.wait_for(is_refused.wait(), 0.2)  # 20 s in all

    async with (
        served(app) as url,
        httpx.AsyncClient(verify=PLAIN, base_url=url, headers=issuer.caller("producer") | CSV) as http,
    ):
        coming = asyncio.create_task(
            http.post("/v1/things/import", content=drip(), headers={"Content-Length": str(len(file))})
        )
        async with asyncio.timeout(5):
            while room.free_b != ROOM_B - len(file):
                await asyncio.sleep(0.01)
            while room.files:
                await asyncio.sleep(0.01)
        assert room.free_b == ROOM_B
        is_refused.set()
        answer = await coming
        assert (answer.status_code, answer.json()["type"]) == (408, "/problems/too-slow")
