"""Files come in: every row once and explained, whatever is cut off, sent again, or sent twice at once."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, StrictInt
from sqlalchemy import func, select, update

from chassis import importing, sheets
from chassis.app import create_app
from chassis.auth import AnyCaller, Caller
from chassis.bulk import insert_given, parameters
from chassis.db import Database, WriteSession
from chassis.fields import ShortText
from chassis.idempotency import forget_old
from chassis.importing import ANSWER, REQUEST_BODY, Begun, FileRoute, Importer
from chassis.problems import NotFound, Problem
from chassis.routes import TAKES_KEY, Write, slice_router
from chassis.sheets import Sheet
from chassis.tables import IDEMPOTENCY
from tests.chassis.conftest import IMPORTS, THINGS
from tests.support.http import served
from tests.support.services import Issuer, client_of

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
UNWANTED = "unwanted"
ADD = insert_given(THINGS, "id", "text")


class Thing(BaseModel):
    text: ShortText
    size: StrictInt = 0


class Scene:
    """A service whose things come by the file. It dies at the batch of that number; `told` is what was new."""

    def __init__(self) -> None:
        self.told: list[UUID] = []
        self.batches = 0
        self.dies_at: int | None = None
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.importer = Importer(IMPORTS, THINGS, Sheet(Thing, {"文字": "text"}), self.keep)

    async def keep(
        self, session: WriteSession, caller: Caller, rows: Sequence[tuple[UUID, Thing]], now: datetime
    ) -> list[Problem | None]:
        self.batches += 1
        if self.batches == self.dies_at:
            raise RuntimeError("power cut")
        if self.batches > 1:
            await self.may_go.wait()
        wanted = [(row_id, each.text) for row_id, each in rows if each.text != UNWANTED]
        given: dict[str, list[Any]] = {"id": [row_id for row_id, _ in wanted], "text": [text for _, text in wanted]}
        await session.execute(ADD, parameters(given))
        session.when_committed(lambda: self.told.extend(given["id"]))
        return [NotFound() if each.text == UNWANTED else None for _, each in rows]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def app(db: Database, issuer: Issuer, scene: Scene) -> FastAPI:
    router = slice_router("/v1/things", tag="things", route_class=FileRoute)

    @router.post("/import", dependencies=[TAKES_KEY], openapi_extra=REQUEST_BODY, responses=ANSWER)
    async def take(caller: AnyCaller, request: Request) -> Response:
        return await scene.importer.take(request, caller)

    posts = slice_router("/v1/things", tag="things")

    @posts.post("", status_code=201, dependencies=[TAKES_KEY])
    async def post(new: Thing, session: Write) -> Thing:
        return new

    return create_app("test", db=db, keys=issuer.keys, routers=[router, posts])


@pytest.fixture
async def client(app: FastAPI, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as http:
        http.headers.update(issuer.caller("producer") | CSV)
        yield http


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)


def file_of(count: int, name: str = "thing") -> bytes:
    return ("text\n" + "".join(f"{name} {number}\n" for number in range(1, count + 1))).encode()


async def sent(client: httpx.AsyncClient, content: bytes, key: str | None = "k", **headers: str) -> httpx.Response:
    more = headers if key is None else {"Idempotency-Key": key, **headers}
    return await client.post("/v1/things/import", content=content, headers=more)


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def kept(db: Database) -> list[str]:
    """What there is, in the order of the ids."""
    async with db.reading() as session:
        return list(await session.scalars(select(THINGS.c.text).order_by(THINGS.c.id)))


async def test_the_answer_has_a_line_for_each_row_in_its_order(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    rows = lines(await sent(client, file_of(25)))
    assert [row["row"] for row in rows] == list(range(1, 26))
    assert [UUID(row["id"]) for row in rows] == scene.told
    assert await kept(db) == [f"thing {number}" for number in range(1, 26)], "ids are in the order of the rows"
    assert scene.batches == 3


async def test_an_id_is_a_version_7_of_the_moment_of_the_import(client: httpx.AsyncClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    *_, last = lines(await sent(client, file_of(17)))
    found = UUID(last["id"])
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert before < datetime.fromtimestamp((found.int >> 80) / 1000, UTC) < datetime.now(UTC) + timedelta(seconds=5)


def test_no_two_rows_or_imports_share_an_id() -> None:
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    imports = [Begun(moment, again=False, seed=seed) for seed in (0, 1, importing.SEED_MAX)]
    ids = [each.id_of(row) for each in imports for row in range(1, sheets.ROWS_MAX + 1)]
    assert len(set(ids)) == 3 * sheets.ROWS_MAX
    assert ids[: sheets.ROWS_MAX] == sorted(ids[: sheets.ROWS_MAX])


@pytest.mark.parametrize(
    ("language", "title", "detail"),
    [("zh-CN", "输入无效", "必须是整数。"), ("en", "The input is not valid", "It must be an integer.")],
)
async def test_good_rows_are_kept_and_bad_ones_explained_in_the_callers_language(
    client: httpx.AsyncClient, db: Database, language: str, title: str, detail: str
) -> None:
    file = f"文字,size\na,1\nb,x\n{UNWANTED},1\nc,\n".encode()
    answer = await sent(client, file, **{"Accept-Language": language})
    first, second, third, fourth = lines(answer)
    assert (first.keys(), fourth.keys()) == ({"row", "id"}, {"row", "id"})
    assert (second["problem"]["title"], second["problem"]["status"]) == (title, 422)
    assert second["problem"]["detail"] == importing.NOT_TAKEN.in_language(language)  # type: ignore[arg-type]
    assert second["problem"]["errors"] == [{"pointer": "#/size", "detail": detail}]
    assert third == {"row": 3, "problem": NotFound().body(language)}  # type: ignore[arg-type]
    assert answer.headers["content-language"] == language
    assert await kept(db) == ["a", "c"]


async def test_sent_again_it_adds_nothing_and_gets_the_same_answer(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    file = file_of(25) + f"{UNWANTED}\n".encode()
    first, second = await sent(client, file), await sent(client, file)
    assert first.content == second.content
    assert len(await kept(db)) == len(scene.told) == 25


async def test_what_was_taken_keeps_its_answer_whatever_would_be_said_of_it_now(
    client: httpx.AsyncClient, db: Database, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await sent(client, file_of(12))

    async def refuse(_session: WriteSession, _caller: Caller, rows: Sequence[object], _now: datetime) -> list[Problem]:
        return [NotFound() for _ in rows]

    monkeypatch.setattr(scene.importer, "_keep", refuse)
    assert (await sent(client, file_of(12))).content == first.content


async def test_cut_off_in_the_middle_and_sent_again_it_is_whole(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    scene.dies_at = 3
    with pytest.raises(RuntimeError):  # the connection breaks off: no end of the answer was sent
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(client._transport.app),  # type: ignore[attr-defined]
            base_url="http://duijie.test",
            headers=client.headers,
        ) as cut:
            await sent(cut, file_of(45))
    assert len(await kept(db)) == 20
    rows = lines(await sent(client, file_of(45)))
    assert len({row["id"] for row in rows}) == 45
    assert [UUID(row["id"]) for row in rows] == scene.told, "each was told once"
    assert await kept(db) == [f"thing {number}" for number in range(1, 46)]


async def test_two_at_once_under_one_key_are_one(client: httpx.AsyncClient, db: Database, scene: Scene) -> None:
    answers = await asyncio.gather(*(sent(client, file_of(95)) for _ in range(2)))
    assert len({answer.content for answer in answers}) == 1
    assert len(lines(answers[0])) == len(await kept(db)) == 95
    assert len(scene.told) == len(set(scene.told)) == 95


async def test_a_key_is_bound_to_its_file_and_nothing_of_another_is_kept(
    client: httpx.AsyncClient, db: Database
) -> None:
    await sent(client, file_of(3))
    other = await sent(client, file_of(3, "other"))
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await kept(db) == ["thing 1", "thing 2", "thing 3"]


async def test_two_files_at_once_under_one_key_keep_one_of_them(client: httpx.AsyncClient, db: Database) -> None:
    answers = await asyncio.gather(sent(client, file_of(30)), sent(client, file_of(30, "other")))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert len(await kept(db)) == 30


async def test_a_key_of_an_import_is_none_of_another_request_nor_the_other_way_round(
    client: httpx.AsyncClient, db: Database
) -> None:
    async def noted(key: str) -> httpx.Response:
        return await client.post("/v1/things", json={"text": "one"}, headers={"Idempotency-Key": key} | JSON)

    assert (await noted("posted")).status_code == 201
    assert (await sent(client, file_of(3), key="posted")).status_code == 422
    assert (await sent(client, file_of(3), key="imported")).status_code == 200
    refused = await noted("imported")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert (await sent(client, file_of(3), key="imported")).status_code == 200
    assert (await noted("posted")).headers["idempotent-replayed"] == "true"
    assert await kept(db) == ["thing 1", "thing 2", "thing 3"]


async def test_a_file_that_does_not_arrive_in_time_keeps_nothing_and_gives_its_place_back(
    app: FastAPI, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RECEIVED_WITHIN_S", 0.3)
    async with served(app) as url, httpx.AsyncClient(base_url=url, headers=issuer.caller("producer") | CSV) as http:

        async def drip() -> AsyncIterator[bytes]:
            for line in file_of(1000).splitlines(keepends=True):
                yield line
                await asyncio.sleep(0.01)

        answer = await http.post("/v1/things/import", content=drip())
        assert (answer.status_code, answer.json()["type"]) == (408, "/problems/too-slow")
    assert await kept(db) == []
    assert app.state.imports.files == importing.FILES


async def test_an_answer_that_is_not_taken_in_time_is_cut_off_and_gives_its_place_back(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ANSWERED_WITHIN_S", 0.3)
    scene.may_go.clear()
    async with served(app) as url, httpx.AsyncClient(base_url=url, headers=issuer.caller("producer") | CSV) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await sent(http, file_of(30))
        while app.state.imports.files < importing.FILES:
            await asyncio.sleep(0.01)
        assert len(await kept(db)) == 10
        scene.may_go.set()
        assert len(lines(await sent(http, file_of(30)))) == 30


async def test_an_account_imports_two_files_at_a_time_and_others_as_they_like(
    app: FastAPI, issuer: Issuer, scene: Scene
) -> None:
    scene.may_go.clear()
    mine, other = (issuer.caller("producer") | CSV for _ in range(2))
    async with served(app) as url, httpx.AsyncClient(base_url=url) as http:
        begun = [asyncio.create_task(sent(http, file_of(30), key=None, **mine)) for _ in range(2)]
        while app.state.imports.files > importing.FILES - 2:
            await asyncio.sleep(0.01)
        third = await sent(http, file_of(3), **mine)
        assert (third.status_code, third.json()["type"]) == (429, "/problems/too-many-imports")
        assert third.headers["retry-after"] == "5"
        begun.append(asyncio.create_task(sent(http, file_of(30), **other)))
        await asyncio.sleep(0.05)
        scene.may_go.set()
        assert [len(lines(each)) for each in await asyncio.gather(*begun)] == [30, 30, 30]
        assert len(lines(await sent(http, file_of(3), **mine))) == 3


async def test_without_a_key_or_under_anothers_it_is_another_import(
    client: httpx.AsyncClient, db: Database, issuer: Issuer
) -> None:
    await sent(client, file_of(3), key=None)
    await sent(client, file_of(3), key=None)
    await sent(client, file_of(3))
    await sent(client, file_of(3), **issuer.caller("producer"))
    assert len(await kept(db)) == 12


async def test_a_key_is_free_again_after_two_days(client: httpx.AsyncClient, db: Database, scene: Scene) -> None:
    await sent(client, file_of(3))
    await scene.importer.forget_old(db)
    assert (await sent(client, file_of(3, "other"))).status_code == 422
    async with db.transaction() as session:
        for table in (IMPORTS, IDEMPOTENCY):
            await session.execute(update(table).values(created_at=func.now() - timedelta(hours=49)))
    await scene.importer.forget_old(db)
    await forget_old(db)
    assert (await sent(client, file_of(3, "other"))).status_code == 200


@pytest.mark.parametrize(
    ("content", "headers", "status", "slug"),
    [
        (b"", {}, 422, "invalid-input"),
        (b"text\n", {}, 422, "invalid-input"),
        (b"colour\nred\n", {}, 422, "invalid-input"),
        (b'text\n"open\n', {}, 422, "invalid-input"),
        (b"text\nx\n", {"Content-Type": "application/json"}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Content-Type": ""}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Content-Type": "text/csv; charset=big5"}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Idempotency-Key": "x" * 256}, 422, "invalid-input"),
        (b"text\n" + b"x" * (32 << 20), {}, 413, "too-large"),
        (b"text\n" + b"x\n" * 50_001, {}, 413, "too-many-rows"),
    ],
)
async def test_what_is_refused_as_a_whole_keeps_nothing(
    client: httpx.AsyncClient, db: Database, content: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    answer = await sent(client, content, **headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert await kept(db) == []
    assert (await sent(client, file_of(1))).status_code == 200, "the key is still free"


async def test_who_is_nobody_is_told_so_before_the_file_is_looked_at(client: httpx.AsyncClient) -> None:
    answer = await sent(client, b"{" * 1000, **{"Authorization": "", "Content-Type": "application/json"})
    assert answer.status_code == 401


async def test_the_answer_flows_while_rows_are_written_and_holds_no_place(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database
) -> None:
    scene.may_go.clear()
    headers = issuer.caller("producer") | CSV
    async with (
        served(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as http,
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
    async with served(app) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
        async with http.stream("POST", "/v1/things/import", content=file_of(30)) as answer:
            await anext(answer.aiter_lines())
        while app.state.imports.files < importing.FILES:
            await asyncio.sleep(0.01)
        assert len(await kept(db)) == 10
        scene.may_go.set()
        again = await http.post("/v1/things/import", content=file_of(30))
    assert len(lines(again)) == len(await kept(db)) == 30


async def test_as_many_files_are_put_aside_as_there_is_room_for(
    app: FastAPI, issuer: Issuer, scene: Scene, db: Database
) -> None:
    app.state.imports.files = 1
    scene.may_go.clear()
    headers = issuer.caller("producer") | CSV
    async with served(app) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
        async with http.stream("POST", "/v1/things/import", content=file_of(30)) as answer:
            chunks = answer.aiter_lines()
            await anext(chunks)
            refused = await http.post("/v1/things/import", content=file_of(3))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            scene.may_go.set()
            assert len([line async for line in chunks]) == 29
        assert len(lines(await http.post("/v1/things/import", content=file_of(3)))) == 3
    for content in (b"", b"text\nx"):  # what was refused gave its place back
        await asyncio.gather(*(sent_to(app, issuer, content) for _ in range(3)))
    assert app.state.imports.files == 1


async def sent_to(app: FastAPI, issuer: Issuer, content: bytes) -> None:
    async with client_of(app) as http:
        await http.post("/v1/things/import", content=content, headers=issuer.caller("producer") | CSV)
